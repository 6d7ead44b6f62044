"""[R3] Fifty reservations of one number at once, from five processes: one wins."""

from collections import Counter
from pathlib import Path

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import NumberState
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import ORDINARY, PROVIDERS, number_bed
from tests.adapters.sql.racing import race, racer

EACH = 10


def fifty(url: str, folder: Path) -> Counter[str]:
    """How they ended."""
    racers = [
        racer("number_process", url, provider.id, ORDINARY, str(EACH), str(folder))
        for provider in PROVIDERS
    ]
    return Counter(line.split()[0] for line in race(racers))


async def test_of_fifty_reservations_one_wins(
    books: SqlBooks, clock: SetClock, url: str, tmp_path: Path
) -> None:
    """The others are told that the number is taken; one application, one line of history."""
    bed = number_bed(books, clock, tmp_path)
    await bed.furnish()
    assert fifty(url, tmp_path) == {"reserved": 1, "number_taken": len(PROVIDERS) * EACH - 1}
    [line] = await bed.numbers.history(ORDINARY)
    record = await bed.numbers.number(ORDINARY)
    assert (record.state, record.provider) == (NumberState.RESERVED, line.provider)
    assert (await bed.numbers.application(1)).provider == line.provider
