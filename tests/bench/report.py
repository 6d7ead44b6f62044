"""docs/benchmarks.md: the table between its marks, and the plots beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot
from matplotlib.figure import Figure

DOCS = Path("docs")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"

Figures = Mapping[str, float]


def write_report(figures: Figures, series: Mapping[str, Sequence[float]], machine: str) -> None:
    """Replace the table and the plots; what people wrote around it stays."""
    page = DOCS / "benchmarks.md"
    text = page.read_text()
    if "restart_ready_s" not in figures:
        machine = machine.replace("make bench", "make bench QUICK=1")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{machine}\n\n{_table(figures)}\n{END}{after}")
    mpl.rcParams["svg.hashsalt"] = "callserver"
    _rounds(series["rounds"], series["floor_rounds"])
    _latency(series["decision_ms"], series["visible_ms"])


def _table(f: Figures) -> str:
    rate = f"at {f['open_calls_per_s']:,.0f} calls/s"
    rows = [
        ("what", "budget", "measured", "beside it"),
        ("---", "---", "---", "---"),
        (
            "full lifecycles, one process",
            "≥ 2 000/s",
            f"{f['lifecycles_per_s']:,.0f}/s",
            f"floor {f['floor_lifecycles_per_s']:,.0f}/s; {f['ratio_to_floor']:.0%} of it",
        ),
        (
            "CPU of the server for each",
            "≤ 0.5 ms",
            f"{f['cpu_ms_per_call']:.2f} ms",
            f"floor {f['floor_cpu_ms_per_call']:.2f} ms; {f['cpu_ratio_to_floor']:.1f} times it. "
            f"Valkey {f['valkey_cpu_ms_per_call']:.2f} ms, the load "
            f"{f['load_cpu_ms_per_call']:.2f} ms",
        ),
        (
            f"arrival → decision, {rate}",
            "p50 ≤ 3 ms, p99 ≤ 10 ms",
            f"p50 {f['decision_p50_ms']:.1f} ms, p99 {f['decision_p99_ms']:.1f} ms",
            f"{f['open_cpu_percent']:.0f} % of a core",
        ),
        (
            f"hang-up → CDR by the API, {rate}",
            "p99 ≤ 50 ms",
            f"p99 {f['cdr_visible_p99_ms']:.0f} ms",
            f"p50 {f['cdr_visible_p50_ms']:.0f} ms",
        ),
        (
            "balance reads, 8 connections",
            "≥ 5 000/s, p99 ≤ 10 ms",
            f"{f['balance_reads_per_s']:,.0f}/s",
            f"p99 {f['balance_read_p99_ms']:.1f} ms",
        ),
        (
            f"memory of a live call, of {f['live_calls']:,.0f}",
            "≤ 4 KB in the server, ≤ 2 KB in Redis",
            f"{f['bytes_per_live_call']:,.0f} bytes",
            f"Redis {f['redis_bytes_per_live_call']:,.0f} bytes",
        ),
        *_full(f),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _full(f: Figures) -> list[tuple[str, ...]]:
    if "restart_ready_s" not in f:
        return []  # a quick run
    rows: list[tuple[str, ...]] = [
        (
            f"{f['live_calls']:,.0f} live meters",
            "≤ 5 % of a core",
            f"{f['live_cpu_percent']:.1f} %",
            f"Valkey {f['live_valkey_cpu_percent']:.1f} %; "
            f"{f['live_extensions_per_s']:.0f} extensions/s",
        ),
        (
            f"restart with {f['live_calls']:,.0f} open meters",
            "serving within 3 s, all adopted",
            f"serving after {f['restart_ready_s']:.1f} s",
            f"all adopted after {f['restart_adopted_s']:.1f} s",
        ),
    ]
    if "million_dids_rss_mib" in f:
        rows.append(
            (
                "1 000 000 numbers",
                "decision as with 1 000, ≤ 1 GiB",
                f"p50 {f['million_dids_decision_p50_ms']:.1f} ms, "
                f"{f['million_dids_rss_mib']:,.0f} MiB",
                f"p99 {f['million_dids_decision_p99_ms']:.1f} ms; "
                f"serving {f['million_dids_ready_s']:.0f} s after the start",
            )
        )
    return rows


def _rounds(server: Sequence[float], floor: Sequence[float]) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 3))
    at = range(1, len(server) + 1)
    axes.bar([n - 0.2 for n in at], floor, 0.38, label="floor", color="#b8c4ce")
    axes.bar([n + 0.2 for n in at], server, 0.38, label="callserver", color="#2f6f9f")
    axes.set(xlabel="round", ylabel="lifecycles per second", xticks=list(at))
    axes.legend()
    _save(figure, "lifecycles")


def _latency(decision_ms: Sequence[float], visible_ms: Sequence[float]) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 3))
    for values, name in ((decision_ms, "arrival → decision"), (visible_ms, "hang-up → CDR")):
        shares = [100 * (n + 1) / len(values) for n in range(len(values))]
        axes.plot(values, shares, label=name)
    axes.set(xlabel="milliseconds", ylabel="% of calls", xscale="log")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    _save(figure, "latency")


def _save(figure: Figure, name: str) -> None:
    figure.tight_layout()
    file = DOCS / "benchmarks" / f"{name}.svg"
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    pyplot.close(figure)
    # matplotlib leaves blanks at the ends of lines
    file.write_text("\n".join(line.rstrip() for line in file.read_text().splitlines()) + "\n")
