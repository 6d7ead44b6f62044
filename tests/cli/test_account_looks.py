"""`callserver accounts entries|statement`: what moved an account."""

import csv
import io
from pathlib import Path

from tests.cli.conftest import Run


def test_a_statement_adds_up(run: Run, data: Path) -> None:
    """As a table, as JSON and as CSV the same."""
    args = ("accounts", "statement", "clinic", "--from", "2020-01-01", "--data", data)
    shown = run(*args, "--json").json
    moved = [line["amount"]["amount"] for line in shown["movements"]]
    assert shown["opening"]["amount"]["amount"] == "0.000000"
    assert sum(map(float, moved)) == float(shown["closing"]["amount"]["amount"])
    rows = list(csv.DictReader(io.StringIO(run(*args, "--csv").out)))
    assert [row["row"] for row in rows] == ["opening", *["entry"] * (len(rows) - 2), "closing"]
    assert rows[-1]["balance"] == rows[-2]["balance"] == shown["closing"]["amount"]["amount"]
    table = run(*args).out
    assert table.startswith("clinic: 2020-01-01 00:00:00 to ")
    assert "closing" in table
    assert len(shown["entries"]) == len(rows) - 2 == sum(m["count"] for m in shown["movements"])


def test_a_month_is_a_natural_month_in_shanghai(run: Run, data: Path) -> None:
    """The edges are Shanghai's midnights."""
    args = ("accounts", "statement", "tea", "--month", "2020-02", "--no-entries", "--data", data)
    shown = run(*args, "--json").json
    assert (shown["from"], shown["to"]) == ("2020-01-31T16:00:00.000Z", "2020-02-29T16:00:00.000Z")
    assert (shown["movements"], shown["entries"]) == ([], None)


def test_entries_are_listed_by_kind_and_in_pages(run: Run, data: Path) -> None:
    """The newest first."""
    args = ("accounts", "entries", "clinic", "--data", data)
    calls = run(*args, "--kind", "call", "--limit", "4", "--json").json
    assert [entry["kind"] for entry in calls["entries"]] == ["call"] * 4
    rest = run(*args, "--kind", "call", "--cursor", calls["next_cursor"], "--json").json
    assert len(rest["entries"]) == 2
    got = run(*args, "--limit", "1")
    assert len(got.out.splitlines()) == 2
    assert "more with --cursor" in got.err
