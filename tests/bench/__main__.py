"""`python -m tests.bench [--quick] [--json FILE] [--report] [--only PHASES] [--dir DIR]`."""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from tests.bench.phases import FULL, QUICK, Lab
from tests.bench.processes import BenchFailed, scratch

ASKED = (
    "lifecycles_per_s",
    "cpu_ms_per_call",
    "floor_lifecycles_per_s",
    "decision_p50_ms",
    "decision_p99_ms",
    "cdr_visible_p99_ms",
    "balance_reads_per_s",
    "bytes_per_live_call",
)


def machine() -> str:
    """What was measured on, and how busy others kept it."""
    model = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    day = time.strftime("%Y-%m-%d")
    return (
        f"`make bench` on {os.cpu_count()} cores of {model}, {system}, {day}; "
        f"load average at the end {os.getloadavg()[0]:.1f}."
    )


def main() -> int:
    """Measure, print, and write what was asked for; 1 if the figures cannot be trusted."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="under 50 s")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--dir", type=Path, help="where to work: a real disk (here)")
    parser.add_argument("--only", help="of lifecycles,live,million,profiled")
    parser.add_argument("--report", action="store_true", help="rewrite docs/benchmarks.md")
    options = parser.parse_args()
    began = time.perf_counter()
    try:
        with scratch(options.dir) as folder:
            lab = Lab(folder, QUICK if options.quick else FULL)
            phases = ["lifecycles", "live"] + ([] if options.quick else ["million"])
            for phase in options.only.split(",") if options.only else phases:
                phase_began = time.perf_counter()
                getattr(lab, phase)()
                print(f"{phase}: {time.perf_counter() - phase_began:.1f} s", file=sys.stderr)
    except BenchFailed as failure:
        print(f"the bench failed: {failure}", file=sys.stderr)
        return 1
    for name, value in lab.figures.items():
        print(f"{name:32} {value:12,.3f}")
    print(f"took {time.perf_counter() - began:.1f} s", file=sys.stderr)
    if options.report:
        from tests.bench.report import write_report

        write_report(lab.figures, lab.series, machine())
    if options.json:
        names = ASKED if options.quick else lab.figures
        figures = {name: round(lab.figures[name], 4) for name in names}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
