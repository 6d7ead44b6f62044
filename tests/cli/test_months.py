"""`callserver months` and `callserver bill`: closed, reported, printed."""

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

from callserver.domain.billing_month import BillingMonth
from callserver.service.clocks import SystemClock
from tests.adapters.sql.samples import T0_MS
from tests.cli.conftest import Run
from tests.cli.serving import serving

CALLED = BillingMonth.of(T0_MS)
"""The six calls of the data folder ended in it."""
NOW = BillingMonth.of(SystemClock().now_us() // 1000)


def test_a_month_is_tried_closed_and_reported(run: Run, data: Path) -> None:
    """The dry run writes nothing; the close says the same, also when it is repeated."""
    tried = run("months", "close", CALLED, "--dry-run", "--data", data, "--json").json
    assert (tried["dry_run"], tried["close"]) == (True, None)
    assert run("months", "list", "--data", data, "--json").json == {"months": []}
    closed = run("months", "close", CALLED, "--data", data, "--json").json
    assert closed["close"]["closed"] is True
    assert closed["customers"] == tried["customers"]
    [clinic] = [row for row in closed["customers"] if row["customer"] == "clinic"]
    assert (clinic["calls"], clinic["charged"]["amount"]) == (6, "1.800000")
    again = run("months", "close", CALLED, "--data", data, "--json").json
    assert again["close"] == closed["close"]
    assert run("months", "correct", CALLED, "--data", data, "--json").json["corrections"] == []
    assert "nothing is late" in run("months", "correct", CALLED, "--data", data).err
    rows = csv.DictReader(
        run("months", "report", CALLED, "--format", "csv", "--data", data).out.splitlines()
    )
    assert [(row["customer"], row["charged"]) for row in rows if row["calls"] != "0"] == [
        ("clinic", "1.800000")
    ]
    for command in ("show", "report"):
        assert "calls 1.80 yuan" in run("months", command, CALLED, "--data", data).out
        assert run("months", command, CALLED, "--data", data, "--json").json["total"]["calls"] == 6
    assert str(CALLED) in run("months", "list", "--data", data).out


def test_what_cannot_be_closed(run: Run, data: Path) -> None:
    """A month that runs, one out of order, and what is no month."""
    got = run("months", "close", NOW, "--data", data)
    assert (got.status, "is not over" in got.err) == (1, True)
    got = run("months", "close", CALLED.next(), "--data", data)
    assert (got.status, f"calls or minimums of {CALLED}" in got.err) == (1, True)
    assert run("months", "close", "2026-13", "--data", data).status == 2
    for command in ("show", "report", "correct"):
        assert run("months", command, CALLED, "--data", data).status == 1


def test_a_running_server_is_asked_for_what_is_on_its_way(run: Run, data: Path) -> None:
    """Without open calls and waiting CDRs there is no warning; with no server, that is said."""
    with serving(data) as server:
        server.ready()
        got = run("months", "close", CALLED, "--dry-run", "--data", data, "--json").json
        assert got["warnings"] == []
        bill = run("bill", "clinic", "--data", data, "--json").json
        assert bill["running"]["calls"] == []
    got = run("months", "close", CALLED, "--dry-run", "--data", data, "--json")
    assert "no server runs" in got.json["warnings"][0]
    assert "warning: no server runs" in got.err


def test_a_bill_in_every_form(run: Run, data: Path, tmp_path: Path) -> None:
    """Table, JSON, CSV and HTML say the same; a file is its owner's alone."""
    args = ("bill", "clinic", "--month", CALLED, "--data", data)
    assert run(*args, "--json").json["due"]["amount"] == "1.800000"
    table = run(*args, "--for-provider").out
    assert "due: 1.80" in table
    assert "feature fees" in table
    file = tmp_path / "bill.csv"
    assert run(*args, "--format", "csv", "-o", file).status == 0
    assert file.stat().st_mode & 0o077 == 0
    with file.open(encoding="utf-8", newline="") as lines:
        assert {row["kind"] for row in csv.DictReader(lines)} == {"number", "due"}
    assert "1.80" in run(*args, "--format", "html", "--lang", "en").out
    run(*args, "--format", "json", "-o", tmp_path / "bill.json")
    assert (tmp_path / "bill.json").exists()
    assert run(*args, "-o", file).status == 2
    assert run("bill", "nobody", "--data", data).status == 1
    assert run("bill", "clinic", "--month", NOW.next(), "--data", data).status == 1


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_real_browser_prints_the_page(
    run: Run, data: Path, tmp_path: Path, language: str
) -> None:
    """One A4 page of PDF, with nothing loaded from anywhere."""
    page, printed = tmp_path / "bill.html", tmp_path / "bill.pdf"
    args = ("--month", CALLED, "--format", "html", "--lang", language, "-o", page)
    assert run("bill", "clinic", *args, "--data", data).status == 0
    browser = shutil.which("chromium")
    assert browser, "apt-get install chromium (make system does it)"
    subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"),
            *(f"--user-data-dir={tmp_path}/profile", f"--print-to-pdf={printed}"),
            page.as_uri(),
        ],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    pdf = printed.read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/MediaBox [0 0 594.95996 841.91998]" in pdf or b"/MediaBox [0 0 595" in pdf
    assert pdf.count(b"/Type /Page\n") == 1
