"""`make scale`: 100 000 numbers with 1 000 000 calls, closed once undisturbed and once killed ten
times; the two ledgers must be equal. `--write` puts the figures into docs/benchmarks.md."""

import argparse
import asyncio
import os
import platform
import re
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.scale.closing import close, close_killed, left, shortfalls, steps_of
from tests.scale.filling import Size, fill

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
MARKED = re.compile(r"(<!-- scale -->\n).*?(<!-- end of scale -->)", re.S)
BATCH = 500
MIB = 1024 * 1024


async def measure(size: Size, kills: int, seed: int, folder: Path) -> list[tuple[str, str]]:
    """Fill, close, kill and compare; what was measured. Raises AssertionError where they differ."""
    alone, killed = (folder / name for name in ("alone.db", "killed.db"))
    urls = [f"sqlite:///{path}" for path in (alone, killed)]
    began = time.monotonic()
    await fill(urls[0], size)
    told(f"filled in {time.monotonic() - began:.0f} s, {alone.stat().st_size // MIB} MiB")
    shutil.copy(alone, killed)
    undisturbed = await close(urls[0], BATCH)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    told(f"closed in {undisturbed.seconds:.1f} s, {memory} MiB at most")
    runs = await close_killed(urls[1], BATCH, kills, await steps_of(urls[0]), seed)
    together_s = sum(each.seconds for each in runs)
    told(f"killed {kills} times, closed in {together_s:.1f} s together")
    first, second = await left(urls[0]), await left(urls[1])
    assert first == second, f"they differ: {first} {second}"
    count, operations, _ = await shortfalls(urls[1])
    assert count == operations, "a shortfall was posted twice"
    told(f"equal: {', '.join(f'{rows:,} {table}' for table, (rows, _) in first.items())}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return [
        ("close, undisturbed", f"{undisturbed.seconds:.0f} s"),
        (f"close, killed {kills} times at random", f"{together_s:.0f} s in {kills + 1} processes"),
        ("peak memory of a closing process", f"{memory} MiB"),
        ("shortfalls posted, each once", f"{count:,}"),
        ("ledger, lines and bills of the two", "equal"),
    ]


def table(size: Size, seed: int, rows: list[tuple[str, str]]) -> str:
    """The figures for the document."""
    made = datetime.now(UTC).date()
    head = (
        f"`make scale` on {os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, SQLite, {made}; {size.numbers:,} numbers of"
        f" {size.customers:,} customers with {size.calls:,} calls in the month, seed {seed}; load"
        f" average at the end {os.getloadavg()[0]:.1f}."
    )
    body = "\n".join(f"| {what} | {measured} |" for what, measured in rows)
    return f"{head}\n\n| what | measured |\n| --- | --- |\n{body}\n"


def told(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(prog="python -m tests.scale")
    options.add_argument("--numbers", type=int, default=100_000)
    options.add_argument("--customers", type=int, default=2_000)
    options.add_argument("--calls", type=int, default=1_000_000)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = options.parse_args()
    size = Size(given.numbers, given.customers, given.calls)
    with tempfile.TemporaryDirectory(prefix="callserver-scale-") as folder:
        rows = asyncio.run(measure(size, given.kills, given.seed, Path(folder)))
    made = table(size, given.seed, rows)
    print(made, end="")
    if given.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(MARKED.sub(rf"\g<1>{made}\g<2>", text), encoding="utf-8")


if __name__ == "__main__":
    main()
