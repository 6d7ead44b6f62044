"""[R3] Fifty reservations of one number at once, from five processes: one wins."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import NumberState
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import ORDINARY, PROVIDERS, number_bed

EACH = 10
ROOT = Path(__file__).parents[3]


def race(url: str, folder: Path) -> Counter[str]:
    """How the fifty ended."""
    command = [sys.executable, "-m", "tests.adapters.sql.number_process", url]
    racers = [
        subprocess.Popen(
            [*command, provider.id, ORDINARY, str(EACH), str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for provider in PROVIDERS
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=120)[0] for racer in racers]
    return Counter(line.split()[0] for text in told for line in text.splitlines())


async def test_of_fifty_reservations_one_wins(
    books: SqlBooks, clock: SetClock, url: str, tmp_path: Path
) -> None:
    """The others are told that the number is taken; one application, one line of history."""
    bed = number_bed(books, clock, tmp_path)
    await bed.furnish()
    assert race(url, tmp_path) == {"reserved": 1, "number_taken": len(PROVIDERS) * EACH - 1}
    [line] = await bed.numbers.history(ORDINARY)
    record = await bed.numbers.number(ORDINARY)
    assert (record.state, record.provider) == (NumberState.RESERVED, line.provider)
    assert (await bed.numbers.application(1)).provider == line.provider
