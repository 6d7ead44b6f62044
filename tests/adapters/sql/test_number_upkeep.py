"""Personal data of applications: sealed in the file, deleted in time."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import NumberState
from callserver.domain.intent_form import read_form
from callserver.domain.lifecycle import NumberEvent as E
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import (
    DAY_MS,
    FORM,
    LONG,
    MINUTE_MS,
    ORDINARY,
    SHELF,
    NumberBed,
    number_bed,
)


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> NumberBed:
    """Furnished."""
    made = number_bed(books, clock, tmp_path)
    await made.furnish()
    return made


def _everything(connection: Connection) -> str:
    """Every text of every table of [R3]."""
    tables = ("number_record", "number_event", "number_application", "intent_form",
              "real_name_material", "ledger_entry")  # fmt: skip
    return "\n".join(
        str(row) for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))
    )


async def test_no_plain_text_of_a_form_is_in_the_tables(bed: NumberBed) -> None:
    """Nor of a file that is kept here; and what is sealed opens."""
    await bed.activate()
    stored = await bed.books.database.read(_everything)
    for field, value in FORM.items():
        assert value not in stored, field
    assert "a scan of the licence" not in stored
    assert await bed.numbers.intent_form(1) == read_form(FORM)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_no_plain_text_of_a_form_is_in_the_file(bed: NumberBed, tmp_path: Path) -> None:
    """The bytes on the disk, journal included, are searched."""
    await bed.activate()
    files = [path for path in tmp_path.iterdir() if path.name.startswith("books.db")]
    assert files
    stored = b"".join(path.read_bytes() for path in files)
    assert ORDINARY.encode() in stored, "what is no secret is found so"
    for field, value in FORM.items():
        assert value.encode() not in stored, field
    assert b"a scan of the licence" not in stored


async def test_a_form_goes_when_its_retention_ends(bed: NumberBed) -> None:
    """Thirty days after the opening, or after the application's end; not a moment before."""
    await bed.activate()
    await bed.reserve(LONG)
    bed.later(10 * DAY_MS)
    await bed.do(E.CANCEL, LONG)
    bed.later(20 * DAY_MS - 1)
    assert await bed.numbers.purge() == 0
    bed.later(1)
    assert await bed.numbers.purge() == 1
    assert await bed.numbers.intent_form(1) is None
    assert await bed.numbers.intent_form(2) is not None
    bed.later(10 * DAY_MS)
    assert await bed.numbers.purge() == 1
    assert await bed.numbers.intent_form(2) is None


async def test_files_stay_while_the_number_is_in_use(bed: NumberBed) -> None:
    """And go thirty days after its closing; reference and digest stay."""
    await bed.activate()
    bed.later(400 * DAY_MS)
    assert await bed.numbers.purge() == 1
    await bed.do(E.CLOSE)
    bed.later(30 * DAY_MS)
    assert await bed.numbers.purge() == 1
    (material,) = (await bed.numbers.application(1)).materials
    assert (material.sealed, material.reference) == (None, "licence.pdf")


async def test_what_the_clock_did_is_written_down_in_pieces(bed: NumberBed) -> None:
    """So many at a time, until nothing is due."""
    for number in SHELF:
        await bed.reserve(number)
    bed.later(30 * DAY_MS + 30 * MINUTE_MS)
    book = bed.numbers.book
    written = [await book.write_due(bed.now_ms, 2) for _ in range(3)]
    assert written == [2, 1, 0]
    states = [(await bed.numbers.number(number)).state for number in SHELF]
    assert states == [NumberState.AVAILABLE] * 3


async def test_a_form_cannot_be_opened_as_another_numbers(bed: NumberBed) -> None:
    """The seal knows which number it belongs to."""
    await bed.reserve()
    sealed = await bed.numbers.book.sealed_form(1)
    assert sealed is not None
    with pytest.raises(Exception, match="not what was sealed"):
        bed.numbers.sealer.open(sealed, f"intent_form:{LONG}")
