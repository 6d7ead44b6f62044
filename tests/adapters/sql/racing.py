"""Processes that begin at a word, so that they meet in the database."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
ENDS_S = 120

Racer = subprocess.Popen[str]


def racer(module: str, *args: str) -> Racer:
    """A process of `tests.adapters.sql.<module>`, which says `ready` and waits for a line."""
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.adapters.sql.{module}", *args],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ready(waiting: Racer) -> Racer:
    """It has opened what it needs, and waits."""
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "ready\n"
    return waiting


def go(waiting: Racer) -> None:
    """The word."""
    assert waiting.stdin is not None
    waiting.stdin.write("go\n")
    waiting.stdin.flush()


def race(racers: Sequence[Racer]) -> list[str]:
    """Every line that they print, after all have begun at once."""
    for each in racers:
        ready(each)
    for each in racers:
        go(each)
    return [line for each in racers for line in each.communicate(timeout=ENDS_S)[0].splitlines()]
