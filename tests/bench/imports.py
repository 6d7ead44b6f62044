"""How long an import of many numbers takes and how much memory: `python -m tests.bench.imports`."""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

HEAD = """[[provider]]
id = "north"
name = "北方"
[[tariff]]
id = "std"
rate = "0.15"
"""
NUMBERS_DEFAULT = 100_000


def write_files(folder: Path, numbers: int) -> list[Path]:
    """A provider, a customer for every ten numbers, and a line for each number."""
    head, customers, dids, lines, minimums = (
        folder / name
        for name in ("head.toml", "customers.csv", "dids.csv", "destinations.csv", "minimums.csv")
    )
    head.write_text(HEAD, encoding="utf-8")
    owners = range(-(-numbers // 10))
    customers.write_text(
        "id,name,provider,tariff\n" + "".join(f"c{n},客户{n},north,std\n" for n in owners),
        encoding="utf-8",
    )
    dids.write_text(
        "number,customer\n" + "".join(f"400{n:07d},c{n // 10}\n" for n in range(numbers)),
        encoding="utf-8",
    )
    lines.write_text(
        "did,number,trunk\n" + "".join(f"400{n:07d},0571{n:08d},carrier\n" for n in range(numbers)),
        encoding="utf-8",
    )
    minimums.write_text(
        "did,amount,confirmed\n" + "".join(f"400{n:07d},50,yes\n" for n in range(numbers)),
        encoding="utf-8",
    )
    return [head, customers, dids, lines, minimums]


def measure(folder: Path, numbers: int) -> dict[str, object]:
    """Import into a fresh embedded database, then the same again; seconds and peak memory."""
    files = [str(path) for path in write_files(folder, numbers)]
    data = str(folder / "data")
    steps = {
        "make": ["db", "upgrade"],
        "import": ["import", *files],
        "again": ["import", *files],
        "export": ["export", "-o", str(folder / "all.toml")],
    }
    found: dict[str, object] = {"numbers": numbers}
    for name, command in steps.items():
        began = time.perf_counter()
        cpu_s, memory_mb = _run([*command, "--data", data])
        found[f"{name}_s"] = round(time.perf_counter() - began, 1)
        found |= {f"{name}_cpu_s": cpu_s, f"{name}_mb": memory_mb}
    return found


def _run(command: list[str]) -> tuple[float, int]:
    """Run one command in a process of its own: CPU seconds, peak memory in MB.

    Raises RuntimeError.
    """
    pid = os.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "callserver", *command])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"callserver {command[0]} ended with {status}")
    assert isinstance(usage, resource.struct_rusage)
    return round(usage.ru_utime + usage.ru_stime, 1), usage.ru_maxrss // 1024


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBERS_DEFAULT
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measure(Path(scratch), count), indent=2))
