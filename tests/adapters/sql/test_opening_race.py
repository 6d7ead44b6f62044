"""[R3] Openings from several processes, and by processes that are killed on the way."""

import signal
from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import ORDINARY
from tests.adapters.sql.opening_bed import ONCE_EACH, OpeningBed, opening_bed
from tests.adapters.sql.racing import Racer, race, racer

PROCESSES, EACH = 3, 5


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> OpeningBed:
    """An approved number; there is money for everything, once."""
    made = await opening_bed(books, clock, tmp_path)
    await made.approved()
    await made.pay_for_everything()
    return made


def process(url: str, operation: str, folder: Path, count: int = 1, dies_after: int = 0) -> Racer:
    """It opens the number `count` times, and dies after so many steps (0: never)."""
    return racer(
        "opening_process", url, ORDINARY, operation, str(count), str(folder), str(dies_after)
    )


async def test_many_who_open_at_once_pay_once(bed: OpeningBed, url: str, tmp_path: Path) -> None:
    """Whoever comes while something is missing helps; who comes later is told that it is open."""
    racers = [process(url, f"p{each}", tmp_path, EACH) for each in range(PROCESSES)]
    told = " ".join(race(racers)).split()
    assert len(told) == PROCESSES * EACH
    assert "complete" in told
    assert set(told) <= {"complete", "state_forbids"}
    assert set((await bed.states()).values()) == {"done"}
    assert await bed.entries() == ONCE_EACH


async def test_killed_between_any_two_steps(bed: OpeningBed, url: str, tmp_path: Path) -> None:
    """The same and another operation id go on where the last one died; each fee is taken once."""
    states = []
    for operation, dies_after in (("a", 1), ("a", 2), ("b", 2), ("a", 4), ("b", 2)):
        killed = process(url, operation, tmp_path, dies_after=dies_after)
        killed.communicate("go\n", timeout=120)
        assert killed.returncode == -signal.SIGKILL
        states.append(" ".join((await bed.states()).values()))
    assert states == [
        "due due due",  # only the number is open
        "due due due",  # recording is on, and that was not noted
        "done due due",  # it was noted
        "done done due",  # menu is on and noted; gold runs, and that was not noted
        "done done done",
    ]
    assert await bed.openings.complete_due() == 0
    assert await bed.entries() == ONCE_EACH
