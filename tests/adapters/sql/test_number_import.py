"""Numbers that files bring are in the inventory, with a history."""

from dataclasses import replace
from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import Did, NumberState
from callserver.domain.import_set import ImportChanges, RowDeclined
from callserver.domain.lifecycle import NumberEvent as E
from callserver.domain.lifecycle import Suspension
from callserver.domain.number_change import NumberQuery
from callserver.domain.number_class import like
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import (
    DAY_MS,
    ORDINARY,
    SPECIAL,
    NumberBed,
    number_bed,
)

ACME = Did(ORDINARY, "acme", NumberState.ACTIVE, ())


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> NumberBed:
    """Furnished."""
    made = number_bed(books, clock, tmp_path)
    await made.furnish()
    return made


async def bring(bed: NumberBed, *dids: Did) -> None:
    """Import these numbers."""
    version = await bed.books.catalogue_version()
    assert await bed.books.apply_import(ImportChanges(version, dids=dids), "file")


async def test_a_number_comes_in_use(bed: NumberBed) -> None:
    """From the shelf or from nowhere; a second time nothing is written."""
    new = Did("4009991234", "leafy", NumberState.SUSPENDED, ())
    await bring(bed, ACME, new)
    await bring(bed, replace(ACME, calls_max=5), new)
    for did, reasons in ((ACME, frozenset()), (new, frozenset({Suspension.HOLD}))):
        record = await bed.numbers.number(did.number)
        assert (record.state, record.customer) == (did.state, did.customer)
        assert record.suspensions == reasons
        (change,) = await bed.numbers.history(did.number)
        assert (change.event, change.to_state, change.actor) == (E.IMPORT, did.state, "file")
    await bed.do(E.RESUME, "4009991234", suspension=Suspension.HOLD)


async def test_states_that_files_change_are_in_the_history(bed: NumberBed) -> None:
    """Suspended, active again, given up, and another customer's."""
    for state in (NumberState.ACTIVE, NumberState.SUSPENDED, NumberState.ACTIVE,
                  NumberState.AVAILABLE):  # fmt: skip
        bed.later(DAY_MS)
        await bring(bed, replace(ACME, state=state))
    await bring(bed, replace(ACME, customer="elsewhere", state=NumberState.AVAILABLE))
    assert (await bed.numbers.number(ORDINARY)).customer is None
    await bring(bed, replace(ACME, customer="elsewhere"))
    history = await bed.numbers.history(ORDINARY)
    assert [(each.from_state, each.to_state, each.customer) for each in history] == [
        (NumberState.AVAILABLE, NumberState.ACTIVE, "acme"),
        (NumberState.ACTIVE, NumberState.SUSPENDED, "acme"),
        (NumberState.SUSPENDED, NumberState.ACTIVE, "acme"),
        (NumberState.ACTIVE, NumberState.AVAILABLE, "acme"),
        (NumberState.AVAILABLE, NumberState.ACTIVE, "elsewhere"),
    ]
    assert (await bed.numbers.number(ORDINARY)).provider == "rival"


async def test_a_file_takes_no_number_out_of_an_application(bed: NumberBed) -> None:
    """Nothing of the file is written then; in its own state it may come, to get its lines."""
    await bed.reserve()
    await bed.do(E.LOCK, provider="north", customer="acme")
    with pytest.raises(RowDeclined, match=f"{ORDINARY} is locked"):
        await bring(bed, Did(SPECIAL, "leafy", NumberState.ACTIVE, ()), ACME)
    assert SPECIAL not in (await bed.books.load_catalogue()).dids
    await bring(bed, replace(ACME, state=NumberState.LOCKED, calls_max=3))
    await bed.submit()
    await bed.do(E.APPROVE)
    await bed.do(E.ACTIVATE)
    did = (await bed.books.load_catalogue()).dids[ORDINARY]
    assert (did.state, did.calls_max) == (NumberState.ACTIVE, 3)


async def test_a_file_begins_no_application(bed: NumberBed) -> None:
    """What is on the shelf or in use is not made reserved by a file."""
    for state in (NumberState.RESERVED, NumberState.LOCKED, NumberState.REVIEW):
        with pytest.raises(RowDeclined, match="callserver numbers"):
            await bring(bed, replace(ACME, state=state))


@pytest.mark.parametrize("state", [NumberState.LOCKED, NumberState.REVIEW])
async def test_books_that_move_bring_their_applications(bed: NumberBed, state: NumberState) -> None:
    """A number unknown here, in the middle of its application, gets one to go on with."""
    number = "4009991234"
    await bring(bed, Did(number, "acme", state, ()))
    if state is NumberState.LOCKED:
        await bed.submit(number)
    await bed.do(E.APPROVE, number)
    await bed.do(E.ACTIVATE, number)
    application = await bed.numbers.application(1)
    assert (application.state, application.customer) == (NumberState.ACTIVE, "acme")


async def test_a_number_given_up_by_a_file_ends_its_application(bed: NumberBed) -> None:
    """And may be reserved at once: the operator said it is free."""
    await bed.activate()
    await bring(bed, replace(ACME, state=NumberState.AVAILABLE))
    application = await bed.numbers.application(1)
    assert (application.ended_by, application.state) == ("import", None)
    await bed.reserve(provider="rival")


async def test_many_numbers_come_at_once(bed: NumberBed) -> None:
    """In pieces, each with its line of history; what changes again gets a second one."""
    numbers = [f"4007{each:06d}" for each in range(6_000)]
    dids = [Did(each, "acme", NumberState.ACTIVE, ()) for each in numbers]
    await bring(bed, *dids)
    await bring(bed, *(replace(each, state=NumberState.SUSPENDED) for each in dids[:10]))
    counts = {len(await bed.numbers.history(each)) for each in numbers[:10]}
    assert counts == {2}
    assert len(await bed.numbers.history(numbers[-1])) == 1
    query = NumberQuery(like=like("4007*"), state=NumberState.ACTIVE, limit=10_000)
    assert [each.number for each in await bed.numbers.search(query)] == numbers[10:]
