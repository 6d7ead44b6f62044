"""What the demo shows."""

import io
from typing import Any

from rich.console import Console

from callserver.demo.screen import TerminalScreen, finished_line

CALLER = {"number": "138****0001", "region": {"province": "浙江", "city": "杭州"}}
CDR: dict[str, Any] = {
    "caller": CALLER,
    "did": "4008001234",
    "attempts": [
        {"destination": "02164330001", "result": "BUSY"},
        {"destination": "13916880002", "result": "ANSWER"},
    ],
    "disposition": "answered",
    "refusal": None,
    "billsec": 61,
    "fee_lines": ["61 s in steps of 60/60 s: 120 s", "120 s × 0.15 / 60 s = 0.30"],
    "fee": {"amount": "0.300000", "currency": "CNY"},
}
LIVE: dict[str, Any] = {
    "caller": CALLER,
    "did": "4008001234",
    "destination": "02164330001",
    "state": "answered",
    "duration_seconds": 3,
    "held_seconds": 60,
    "running_fee": {"amount": "0.150000", "currency": "CNY"},
}


def test_a_finished_call_is_one_line_with_its_sum() -> None:
    """The way it took, how long it was, and how the fee came about."""
    assert finished_line(CDR) == (
        "138****0001 浙江杭州 → 4008001234 → 02164330001 busy → 13916880002 answer: 61 s; "
        "61 s in steps of 60/60 s: 120 s; 120 s × 0.15 / 60 s = 0.30 → 0.30 yuan"
    )


def test_a_refused_call_says_why() -> None:
    """Without a sum."""
    withheld = {"number": "", "region": None}
    refused = CDR | {"attempts": [], "billsec": 0, "disposition": "refused", "caller": withheld}
    line = finished_line(refused | {"refusal": "no_credit"})
    assert line == "withheld → 4008001234: refused (no_credit)"


def test_the_table_lives_on_a_terminal_only() -> None:
    """A pipe gets the lines of finished calls, whole, and no table."""
    pipe = io.StringIO()
    with TerminalScreen(Console(file=pipe, width=40)) as screen:
        screen.live([LIVE], 1, 2)
        screen.finished(CDR)
    assert pipe.getvalue() == f"{finished_line(CDR)}\n"
    terminal = io.StringIO()
    with TerminalScreen(Console(file=terminal, width=120, force_terminal=True)) as screen:
        screen.live([LIVE], 1, 2)
    assert "1 live, 1 of 2 ended" in terminal.getvalue()
    assert "浙江杭州" in terminal.getvalue()
