"""The demo from end to end, as an operator starts it."""

import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

ENDS_S = 120  # a busy machine may need long
FIGURES = [
    *("calls", "answered", "cdrs", "charged", "ledger_total"),
    *("balance_before", "balance_after", "mismatches"),
]


def start(tmp_path: Path, *arguments: str) -> "subprocess.Popen[str]":
    """`callserver demo`, its data in a temporary folder that it deletes itself."""
    return subprocess.Popen(
        [sys.executable, "-m", "callserver", "demo", "-p", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )


def test_two_demos_side_by_side(tmp_path: Path) -> None:
    """Each prints its figures alone, every sum is right, and nothing is left behind."""
    demos = [
        start(tmp_path, "--calls", "14", "--rate", "7", "--seed", str(seed), "--json")
        for seed in (7, 8)
    ]
    for demo in demos:
        out, err = demo.communicate(timeout=ENDS_S)
        assert (demo.returncode, err) == (0, "")
        figures = json.loads(out)
        print(f"expected 14 calls, 14 CDRs, no mismatch; got {figures}")
        assert list(figures) == FIGURES
        assert (figures["calls"], figures["cdrs"], figures["mismatches"]) == (14, 14, 0)
        assert 4 <= figures["answered"] <= 10
        fell = Decimal(figures["balance_before"]) - Decimal(figures["balance_after"])
        assert fell == Decimal(figures["ledger_total"]) == Decimal(figures["charged"]) > 0
    assert list(tmp_path.iterdir()) == []


def test_what_a_person_sees(tmp_path: Path) -> None:
    """The API's address with a token, a line per call with its sum, the proof."""
    demo = start(tmp_path, "--calls", "12", "--rate", "6", "--seed", "3")
    out, err = demo.communicate(timeout=ENDS_S)
    assert (demo.returncode, err) == (0, "")
    assert "Authorization: Bearer cs_" in out
    assert "/v1/accounts/clinic/balance" in out
    finished = [line for line in out.splitlines() if " → 400" in line]
    assert len(finished) == 12
    assert any(" / 60 s = " in line for line in finished)
    assert any("refused (no_credit)" in line for line in finished)
    assert out.rstrip().endswith("mismatches between the PBX's log, SQL and the HTTP API: 0")


def test_a_folder_with_books_in_it_is_left_alone(tmp_path: Path) -> None:
    """The demo never plays with an operator's data."""
    books = tmp_path / "callserver.db"
    books.write_text("precious")
    demo = start(tmp_path, "--calls", "1", "--data", str(tmp_path))
    _, err = demo.communicate(timeout=ENDS_S)
    assert demo.returncode == 1
    assert "is there already" in err
    assert books.read_text() == "precious"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, sign: signal.Signals) -> None:
    """Ctrl-C or kill in the middle of calls: no folder, no Valkey, one line that says so."""
    demo = start(tmp_path, "--calls", "40", "--rate", "8")
    assert demo.stdout
    while " → 400" not in demo.stdout.readline():
        assert demo.poll() is None
    demo.send_signal(sign)
    _, err = demo.communicate(timeout=ENDS_S)
    assert (demo.returncode, err) == (1, "callserver: stopped\n")
    assert list(tmp_path.iterdir()) == []
