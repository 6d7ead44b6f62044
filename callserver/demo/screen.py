"""What the demo shows: calls in progress, each finished call with its sum, and the proof."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from callserver.demo.proof import Proof

_COLOURS = {
    "answered": "green",
    "busy": "yellow",
    "no_answer": "yellow",
    "cancelled": "yellow",
    "failed": "red",
    "refused": "magenta",
}


class Screen(Protocol):
    """Where the demo tells what happens."""

    def say(self, text: str) -> None:
        """A line for the person watching."""
        ...

    def live(self, calls: Sequence[Mapping[str, Any]], ended: int, planned: int) -> None:
        """The calls that are up now, as the API shows them."""
        ...

    def finished(self, cdr: Mapping[str, Any]) -> None:
        """A CDR that the API has just begun to show."""
        ...


class SilentScreen:
    """For `--json`: says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def live(self, calls: Sequence[Mapping[str, Any]], ended: int, planned: int) -> None:
        """Nothing."""

    def finished(self, cdr: Mapping[str, Any]) -> None:
        """Nothing."""


class TerminalScreen:
    """A live table below the lines of finished calls; plain lines where there is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """A line for the person watching; addresses in it are not cut or coloured."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def live(self, calls: Sequence[Mapping[str, Any]], ended: int, planned: int) -> None:
        """Draw the table anew."""
        if self._live.is_started:
            self._live.update(live_table(calls, ended, planned), refresh=True)

    def finished(self, cdr: Mapping[str, Any]) -> None:
        """One line with the arithmetic of the fee."""
        line = Text(finished_line(cdr), style=_COLOURS.get(cdr["disposition"], ""))
        self._console.print(line, soft_wrap=True)


def live_table(calls: Sequence[Mapping[str, Any]], ended: int, planned: int) -> Table:
    """The calls in progress with what they cost so far."""
    table = Table(title=f"{len(calls)} live, {ended} of {planned} ended", title_justify="left")
    for name in ("caller", "from", "400 number", "line", "state"):
        table.add_column(name)
    for name in ("seconds", "held", "fee so far"):
        table.add_column(name, justify="right")
    for call in calls:
        table.add_row(
            Text(call["caller"]["number"] or "withheld"),
            Text(_place(call["caller"])),
            Text(call["did"]),
            Text(call["destination"]),
            Text(call["state"]),
            str(call["duration_seconds"]),
            f"{call['held_seconds']} s",
            _yuan(call["running_fee"]),
        )
    return table


def finished_line(cdr: Mapping[str, Any]) -> str:
    """`138****5678 上海 → 4008001234 → 02164330001: answered, 4 s: … = 0.15`."""
    caller = cdr["caller"]
    way = [f"{caller['number'] or 'withheld'} {_place(caller)}".strip(), cdr["did"]]
    way += [f"{tried['destination']} {tried['result'].lower()}" for tried in cdr["attempts"]]
    outcome = cdr["disposition"] + (f" ({cdr['refusal']})" if cdr["refusal"] else "")
    if not cdr["billsec"]:
        return f"{' → '.join(way)}: {outcome}"
    sums = "; ".join(cdr["fee_lines"])
    return f"{' → '.join(way)}: {cdr['billsec']} s; {sums} → {_yuan(cdr['fee'])} yuan"


def proof_lines(proof: Proof) -> list[str]:
    """The end of the demo: each equation with its figures."""
    fell = proof.balance_before - proof.balance_after
    lines = [
        f"calls {proof.calls} = CDRs {proof.cdrs}   ({proof.answered} answered)",
        f"ledger {proof.ledger_total:.3f} = sum of fees {proof.charged:.3f}",
        f"balances before {proof.balance_before:.3f} - after {proof.balance_after:.3f}"
        f" = {fell:.3f} = ledger {proof.ledger_total:.3f}",
        f"mismatches between the PBX's log, SQL and the HTTP API: {len(proof.differences)}",
    ]
    return [*lines, *(f"  {difference}" for difference in proof.differences)]


def _place(caller: Mapping[str, Any]) -> str:
    region = caller["region"]
    if not region:
        return ""
    province, city = region["province"], region["city"]
    return city if city == province else f"{province}{city}"


def _yuan(money: Mapping[str, str]) -> str:
    whole, _, fraction = money["amount"].partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
