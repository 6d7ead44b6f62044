"""Fills a database with numbers and calls of one month, by arithmetic inside the database: alike
wherever it is filled, and a million calls in a minute."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.migrate import upgrade
from callserver.domain.billing_month import BillingMonth

MONTH = BillingMonth(2026, 3)
CALLS_AT_ONCE = 100_000
FIRST_NUMBER = 4_000_000_000


@dataclass(frozen=True)
class Size:
    """How much there is."""

    numbers: int
    customers: int
    calls: int


# Of each hundred numbers 20 have no minimum, 5 are suspended all month, 3 are activated in it.
_BUSINESS = (
    "INSERT INTO provider (id, name) VALUES ('north', '北方'), ('south', '南方')",
    "INSERT INTO tariff (id) VALUES ('standard')",
    "INSERT INTO tariff_version (tariff, version, effective_from_ms, rate_micros,"
    " initial_increment_s, increment_s, connection_fee_micros, minimum_charge_micros, free_s,"
    " precision_micros) VALUES ('standard', 1, 0, 150000, 60, 60, 0, 0, 0, 1000)",
    "INSERT INTO customer (id, name, provider, tariff, billing, credit_limit_micros,"
    " local_allowance_micros) SELECT 'c' || i, 'Customer ' || i,"
    " CASE WHEN i % 3 = 0 THEN 'south' ELSE 'north' END, 'standard', 'prepaid', 0, 0"
    " FROM ({customers}) AS n",
    "INSERT INTO account (id, seq, settled_micros) SELECT id, 0, 0 FROM customer",
    "INSERT INTO did (number, customer, state, calls_max) SELECT CAST({first} + i AS TEXT),"
    " 'c' || (i % {customer_count}), CASE WHEN i % 100 BETWEEN 20 AND 24 THEN 'suspended'"
    " ELSE 'active' END, 0 FROM ({numbers}) AS n",
    "INSERT INTO number_record (number, state, since_ms, class_name, special, price_micros,"
    " customer, approved, suspensions, added_ms) SELECT number, state, 0, '', 0, 0, customer, 0,"
    " '', 0 FROM did",
    "INSERT INTO number_event (number, at_ms, event, to_state, reason, actor, customer)"
    " SELECT CAST({first} + i AS TEXT), CASE WHEN i % 100 BETWEEN 25 AND 27 THEN {from_ms} + 9"
    " ELSE 0 END, 'import', 'active', '', 'fill', 'c' || (i % {customer_count})"
    " FROM ({numbers}) AS n",
    "INSERT INTO number_event (number, at_ms, event, to_state, reason, actor, customer)"
    " SELECT number, {from_ms} - 1, 'suspend', 'suspended', '', 'fill', customer FROM did"
    " WHERE state = 'suspended'",
    "INSERT INTO minimum_version (did, seq, from_month, amount_micros, rate_micros, based_micros,"
    " based_rate_micros, change, in_use, operation_id, actor, reason, created_ms)"
    " SELECT CAST({first} + i AS TEXT), 1, '2026-03', (i % 7 + 1) * 500000, 150000,"
    " (i % 7 + 1) * 500000, 150000, 'raise', 1, 'm:' || i, 'fill', '', 0 FROM ({numbers}) AS n"
    " WHERE i % 100 >= 20",
)
# A large odd factor scatters calls over numbers and over the month.
_DID = "CAST({first} + (i * 7919) % {number_count} AS TEXT)"
_OWNER = "'c' || ((i * 7919) % {number_count} % {customer_count})"
_ENDED = "({from_ms} + (i * 2654435) % {length_ms})"
_TOKEN = "'{zeros}' || (1000000000 + i)"
_CALLS = (
    f"INSERT INTO cdr_key (token_hash, ended_ms) SELECT {_TOKEN}, {_ENDED} FROM ({{calls}}) AS n",
    "INSERT INTO cdr (ended_ms, token_hash, call_id, pbx, uniqueid, linkedid, did, customer,"
    " account, destination, attempts, arrived_ms, rang_ms, answered_ms, billsec, billed_s,"
    " fee_micros, charged_micros, written_off_micros, fee_lines, disposition, hangup_cause,"
    f" hung_up_by, end_source) SELECT {_ENDED}, {_TOKEN}, '00-' || {_TOKEN}, 'pbx', '', '',"
    f" {_DID}, {_OWNER}, {_OWNER}, '057188886666', '[]', {_ENDED} - 60000, 0, {_ENDED} - 59000,"
    " i % 300 + 1, 300, i % 20 * 10000, i % 20 * 10000, 0, '[]', 'answered', 16, 'caller',"
    " 'report' FROM ({calls}) AS n",
    "INSERT INTO ledger_entry (account, kind, amount_micros, operation_id, call_id, actor, reason,"
    f" created_ms) SELECT {_OWNER}, 'call', -(i % 20) * 10000, 'call:' || {_TOKEN},"
    f" '00-' || {_TOKEN}, 'meter', '', {_ENDED} FROM ({{calls}}) AS n WHERE i % 20 > 0",
)


def _counted(first: int, end: int) -> str:
    """A query of the whole numbers from `first` up to `end`, without it, in both databases."""
    return (
        f"WITH RECURSIVE c(i) AS (SELECT CAST({first} AS BIGINT) UNION ALL SELECT i + 1 FROM c"
        f" WHERE i + 1 < {end}) SELECT i FROM c"
    )


async def fill(url: str, size: Size) -> None:
    """Migrate an empty database and fill it."""
    await upgrade(url)
    database = open_database(url)
    values = {
        "first": FIRST_NUMBER,
        "from_ms": MONTH.from_ms,
        "length_ms": MONTH.to_ms - MONTH.from_ms,
        "zeros": "0" * 22,
        "customers": _counted(0, size.customers),
        "numbers": _counted(0, size.numbers),
        "customer_count": size.customers,
        "number_count": size.numbers,
    }

    def run(connection: Connection, statements: tuple[str, ...], **more: object) -> None:
        for statement in statements:
            connection.execute(text(statement.format(**values, **more)))

    await database.write(lambda connection: run(connection, _BUSINESS))
    for first in range(0, size.calls, CALLS_AT_ONCE):
        calls = _counted(first, min(first + CALLS_AT_ONCE, size.calls))
        await database.write(
            lambda connection, calls=calls: run(connection, _CALLS, calls=calls)  # type: ignore[misc]  # bound now
        )
    await database.close()
