"""Books that are older than the inventory: their numbers are taken over."""

from alembic import command
from sqlalchemy import Connection, text

from callserver.adapters.sql import migrate, number_rows
from callserver.adapters.sql.database import open_database
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import Periods, Suspension, standing

NUMBERS = {
    "4001234561": "active",
    "4001234562": "suspended",
    "4001234563": "available",
    "4001234564": "locked",
    "4001234565": "frozen",
}
OWNED = {"active", "suspended", "locked"}


def _old_books(connection: Connection) -> None:
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    for table, columns, values in (
        ("provider", "id, name", "'north', '北方'"),
        ("tariff", "id", "'standard'"),
        (
            "customer",
            "id, name, provider, tariff, billing, credit_limit_micros, local_allowance_micros",
            "'acme', '顶点', 'north', 'standard', 'prepaid', 0, 0",
        ),
        *(
            ("did", "number, customer, state, calls_max", f"'{number}', 'acme', '{state}', 0")
            for number, state in NUMBERS.items()
        ),
    ):
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"))


async def test_numbers_that_were_there_are_in_the_inventory(empty_url: str) -> None:
    """With their owners and states; those in use since before the history began."""
    database = open_database(empty_url)
    await database.write(_old_books)
    await database.close()
    assert await migrate.upgrade(empty_url) == migrate.head()
    database = open_database(empty_url)
    rows = await database.read(lambda each: each.execute(number_rows.records()).all())
    found = {row.number: number_rows.record_of(row) for row in rows}
    assert {number: record.state.value for number, record in found.items()} == NUMBERS
    for record in found.values():
        owner = ("north", "acme") if record.state.value in OWNED else (None, None)
        assert (record.provider, record.customer) == owner
        assert (record.application is not None) == (record.state is NumberState.LOCKED)
    thawed = standing(found["4001234565"], 1_800_000, Periods())
    assert thawed.state is NumberState.AVAILABLE
    assert found["4001234562"].suspensions == {Suspension.HOLD}
    lines = await database.read(lambda each: each.execute(number_rows.changes()).all())
    history = {row.number: number_rows.change_of(row) for row in lines}
    assert {(line.number, line.to_state, line.at_ms) for line in history.values()} == {
        ("4001234561", NumberState.ACTIVE, 0),
        ("4001234562", NumberState.SUSPENDED, 0),
    }
    await database.close()
