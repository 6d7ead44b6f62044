"""The business data follow SQL, and outlive it."""

import asyncio
from dataclasses import dataclass, field, replace

from callserver.domain.business import Catalogue
from callserver.domain.import_set import ImportChanges
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.catalogue import CurrentCatalogue
from tests.service import business
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


@dataclass
class Following:
    """A catalogue that follows SQL, and what it said of it."""

    stage: Stage
    prepared: int = 0
    unprepared: Exception | None = None
    states: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalogue = CurrentCatalogue(
            self.stage.books.port, self._prepare, self.states.append, poll_s=0.02
        )

    async def _prepare(self) -> None:
        self.prepared += 1
        if self.unprepared is not None:
            raise self.unprepared


async def test_the_first_look_prepares_and_reads(stage: Stage) -> None:
    """Once; then only the version is asked for."""
    following = Following(stage)
    assert not following.catalogue.loaded
    for _ in range(3):
        await following.catalogue.look()
    assert following.catalogue.now.dids.keys() == business.catalogue().dids.keys()
    assert (following.prepared, following.states) == (1, ["", "", ""])
    assert stage.books.calls["load_catalogue"] == 1


async def test_a_change_is_read_whole(stage: Stage) -> None:
    """The version moved, so everything is read anew and swapped in at once."""
    following = Following(stage)
    await following.catalogue.look()
    before = following.catalogue.now
    await stage.real_books.apply_import(_renamed(before), "test")
    await following.catalogue.look()
    assert following.catalogue.now.version > before.version
    assert following.catalogue.now.customers["acme"].name == "新名"
    assert before.customers["acme"].name == "艾克米"


def _renamed(now: Catalogue) -> ImportChanges:
    return ImportChanges(
        base_version=now.version, customers=(replace(now.customers["acme"], name="新名"),)
    )


async def test_without_sql_the_last_good_one_stays(stage: Stage) -> None:
    """And the reason is told, until it is back."""
    following = Following(stage)
    await following.catalogue.look()
    kept = following.catalogue.now
    stage.books.away = True
    await following.catalogue.look()
    assert following.catalogue.now is kept
    stage.books.away = False
    await following.catalogue.look()
    assert following.states == ["", "switched off", ""]


async def test_a_database_that_is_away_at_the_start_is_prepared_later(stage: Stage) -> None:
    """For ever, until it works; an error without words has its name told."""
    following = Following(stage, unprepared=OutcomeUnknown())
    running = asyncio.create_task(following.catalogue.follow())
    while following.prepared < 2:
        await asyncio.sleep(0.01)
    assert not following.catalogue.loaded
    assert following.states[0] == "OutcomeUnknown"
    following.unprepared = StoreUnavailable("away")
    while following.states[-1] != "away":
        await asyncio.sleep(0.01)
    following.unprepared = None
    async with asyncio.timeout(10):
        while not following.catalogue.loaded:
            await asyncio.sleep(0.01)
    running.cancel()
