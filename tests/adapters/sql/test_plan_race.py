"""A plan that brings a tariff, begun by another process while an import runs."""

import time

import pytest
from sqlalchemy import Connection, text

from callserver.adapters.sql import business
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.business import Customer, Provider
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.plan_bed import PlanBed, fill
from tests.adapters.sql.racing import go, racer, ready
from tests.adapters.sql.samples import changes

WAITS_S = 30
WAITERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> PlanBed:
    """Acme with 2000 yuan, and plans; `cheap` brings the tariff `golden`."""
    return await fill(books, database, clock)


async def test_a_plan_waits_for_an_import(bed: PlanBed, url: str) -> None:
    """Whoever changes business data takes turns from the start, so that neither is aborted."""
    other = ready(racer("plan_process", url, "cheap", "op-1"))
    base = await bed.books.catalogue_version()
    wanted = changes(
        base_version=base,
        providers=(Provider("north", "北方"),),
        customers=(Customer("acme", "renamed", "north", "standard"),),
        tariff_versions=(),
        dids=(),
        routes={},
    )
    started: list[bool] = []

    def imports(connection: Connection) -> bool:
        def told(_rows: int) -> None:  # first when the providers are written, customers not yet
            if started:
                return
            started.append(True)
            go(other)
            if connection.dialect.name == "postgresql":
                _until_somebody_waits(connection)

        return business.apply_import(connection, wanted, "test", 0, told)

    try:
        assert await bed.database.write(imports) is True
        outcome, _ = other.communicate(timeout=WAITS_S)
    finally:
        other.kill()
        other.wait()
    assert outcome == "active\n"
    acme = (await bed.books.load_catalogue()).customers["acme"]
    assert (acme.name, acme.tariff) == ("renamed", "golden")
    assert await bed.books.catalogue_version() == base + 2
    assert await bed.account() == (1900, 300)


def _until_somebody_waits(connection: Connection) -> None:
    """The other process, for a row that we hold."""
    for _ in range(WAITS_S * 20):
        if connection.execute(WAITERS).scalar_one():
            return
        time.sleep(0.05)  # between two looks: the database tells nobody that a lock is waited for
    raise AssertionError("the plan did not wait for the import")
