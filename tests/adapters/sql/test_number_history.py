"""First activations and suspended spans, as month close reads them."""

from dataclasses import replace
from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.number_history import SqlNumberHistory
from callserver.domain.business import Did, NumberState
from callserver.domain.import_set import ImportChanges
from callserver.domain.lifecycle import NumberEvent as E
from callserver.domain.lifecycle import Suspension
from callserver.ports.numbers import Activation
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import (
    DAY_MS,
    LONG,
    MINUTE_MS,
    ORDINARY,
    NumberBed,
    number_bed,
)


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> NumberBed:
    """Furnished."""
    made = number_bed(books, clock, tmp_path)
    await made.furnish()
    return made


async def test_activations(bed: NumberBed) -> None:
    """The first ever, and that of the present owner; a suspension's end is none of them."""
    history = SqlNumberHistory(bed.books.database)
    await bed.reserve(LONG)
    first_ms = bed.now_ms
    await bed.activate()
    bed.later(DAY_MS)
    await bed.suspend(Suspension.HOLD)
    await bed.do(E.RESUME, suspension=Suspension.HOLD)
    assert await history.activations() == {ORDINARY: Activation(first_ms, first_ms, "acme")}
    await bed.do(E.CLOSE)
    bed.later(DAY_MS)
    await bed.activate(customer="leafy")
    again = Activation(first_ms, bed.now_ms, "leafy")
    assert await history.activations([ORDINARY, LONG]) == {ORDINARY: again}
    assert await history.activations([LONG]) == {}


async def test_suspensions(bed: NumberBed) -> None:
    """Stacked reasons are one span, cut to the range; one that still stands reaches its end."""
    history = SqlNumberHistory(bed.books.database)
    await bed.activate()
    begin_ms = bed.now_ms
    bed.later(DAY_MS)
    await bed.suspend(Suspension.ARREARS)
    bed.later(DAY_MS)
    await bed.suspend(Suspension.HOLD)
    await bed.do(E.RESUME, suspension=Suspension.ARREARS)
    bed.later(DAY_MS)
    await bed.do(E.RESUME, suspension=Suspension.HOLD)
    bed.later(DAY_MS)
    await bed.suspend(Suspension.VIOLATION)
    day = [begin_ms + each * DAY_MS for each in range(9)]
    assert await history.suspensions(day[0], day[8]) == {
        ORDINARY: [(day[1], day[3]), (day[4], day[8])]
    }
    assert await history.suspensions(day[2], day[4], [ORDINARY]) == {ORDINARY: [(day[2], day[3])]}
    assert await history.suspensions(day[3], day[4]) == {}
    assert await history.suspensions(day[0], day[8], [LONG]) == {}
    bed.later(DAY_MS)
    await bed.do(E.CLOSE)
    bed.later(30 * MINUTE_MS)
    assert (await history.suspensions(day[4], day[8]))[ORDINARY] == [(day[4], day[5])]


async def test_imported_numbers_have_a_history_too(bed: NumberBed) -> None:
    """Many at once, asked for in pieces."""
    numbers = [f"4007{each:06d}" for each in range(6_000)]
    dids = tuple(Did(each, "acme", NumberState.ACTIVE, ()) for each in numbers)
    version = await bed.books.catalogue_version()
    assert await bed.books.apply_import(ImportChanges(version, dids=dids), "file")
    at_ms = bed.now_ms
    bed.later(DAY_MS)
    stopped = tuple(replace(each, state=NumberState.SUSPENDED) for each in dids[:10])
    assert await bed.books.apply_import(ImportChanges(version + 1, dids=stopped), "file")
    history = SqlNumberHistory(bed.books.database)
    found = await history.activations(numbers)
    assert found == dict.fromkeys(numbers, Activation(at_ms, at_ms, "acme"))
    spans = await history.suspensions(0, bed.now_ms + 5, numbers)
    assert spans == {each: [(bed.now_ms, bed.now_ms + 5)] for each in numbers[:10]}
