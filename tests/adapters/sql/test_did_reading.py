"""Numbers as read: shared with the last reading where nothing changed."""

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.did_reading import line_id
from callserver.domain.business import Did, NumberState
from callserver.domain.import_set import DestinationRow
from tests.adapters.sql.samples import changes

NUMBERS = [f"400{n:07d}" for n in range(4)]


def line(did: str, number: str) -> DestinationRow:
    return DestinationRow(did, number, "carrier", 30, 3)


async def test_a_reload_shares_what_has_not_changed(books: SqlBooks) -> None:
    """A changed row, a changed line and a new number are new; the rest are the same objects."""
    numbers = tuple(Did(n, "acme", NumberState.ACTIVE, ()) for n in NUMBERS[:3])
    routes = {n: (line(n, "02188886666"),) for n in NUMBERS[:3]}
    await books.apply_import(changes(dids=numbers, routes=routes), "test")
    before = (await books.load_catalogue()).dids
    await books.apply_import(
        changes(
            base_version=1,
            tariff_versions=(),
            dids=(
                Did(NUMBERS[0], "acme", NumberState.SUSPENDED, ()),
                Did(NUMBERS[3], "acme", NumberState.ACTIVE, ()),
            ),
            routes={NUMBERS[1]: (line(NUMBERS[1], "02188887777"),)},
        ),
        "test",
    )
    after = (await books.load_catalogue()).dids
    assert list(after) == NUMBERS
    assert [after[n] is before.get(n) for n in NUMBERS] == [False, False, True, False]
    assert after[NUMBERS[0]].state is NumberState.SUSPENDED
    assert [each.number for each in after[NUMBERS[1]].destinations] == ["02188887777"]
    assert after[NUMBERS[3]].destinations == ()


async def test_a_line_that_goes_is_gone(books: SqlBooks) -> None:
    """Fewer lines than before are a change too."""
    await books.apply_import(changes(), "test")
    await books.load_catalogue()
    shorter = {"4001234567": (line("4001234567", "057188886666"),)}
    await books.apply_import(changes(base_version=1, tariff_versions=(), routes=shorter), "test")
    [did] = (await books.load_catalogue()).dids.values()
    assert [each.number for each in did.destinations] == ["057188886666"]


def test_a_lines_id_is_its_customers() -> None:
    """Two customers who forward to the same number don't share its calls."""
    assert line_id("acme", "02188886666") != line_id("other", "02188886666")
