"""`callserver bill`: months with nothing in them, forms there are not, files without a folder."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize("how", ["table", "json", "csv", "html"])
def test_a_month_before_the_customer_has_no_bill(run: Run, data: Path, how: str) -> None:
    """It is said, with 1, and not printed as an empty bill."""
    got = run("bill", "clinic", "--month", "2015-01", "--format", how, "--data", data)
    assert (got.status, got.out) == (1, "")
    assert "there is no bill of 2015-01 for clinic" in got.err


def test_a_month_that_runs_has_one(run: Run, data: Path) -> None:
    """To date, and said so."""
    got = run("bill", "clinic", "--data", data)
    assert got.status == 0
    assert "(if the month ended now)" in got.out


def test_a_past_month_does_not_end_now(run: Run, data: Path) -> None:
    """The calls of the books are older: that month is over, and not closed."""
    ended = run("cdr", "list", "--data", data, "--json").json["cdrs"][0]["ended_at"]
    got = run("bill", "clinic", "--month", ended[:7], "--data", data)
    assert got.status == 0, got.err
    assert "(if the month ended now)" not in got.out
    assert "(the month is not closed yet)" in got.out
    page = run("bill", "clinic", "--month", ended[:7], "--format", "html", "--data", data).out
    assert "（该月尚未结账）" in page


def test_there_is_no_pdf(run: Run, data: Path) -> None:
    """The forms there are, in our words."""
    got = run("bill", "clinic", "--format", "pdf", "--data", data)
    assert got.status == 2
    assert "'pdf' is not one of 'table', 'csv', 'json', 'html'." in got.err
    assert "Value error" not in got.err


@pytest.mark.parametrize(
    "command",
    [
        "bill clinic --format csv -o",
        "cdr export -o",
        "export -o",
        "export --csv",
        "reconcile --csv",
    ],
)
def test_no_folder_is_made_for_a_file(run: Run, data: Path, tmp_path: Path, command: str) -> None:
    """Which one is missing is said, with 1."""
    missing = tmp_path / "new" / "folder"
    got = run(*command.split(), missing / "x", "--data", data)
    assert (got.status, missing.parent.exists()) == (1, False)
    assert f"there is no folder {missing}; make it first" in got.err
