"""`callserver cdr`: pages, filters, CSV and JSON lines, callers masked unless asked for."""

import csv
import io
import json
from pathlib import Path

import pytest

from callserver.cli.cdr_columns import COLUMNS, cdr_row
from callserver.domain.caller import Caller, CallerKind
from tests.adapters.sql.samples import cdr
from tests.cli.conftest import Run


def test_a_page_leads_to_the_next(run: Run, data: Path) -> None:
    """Following the cursor shows every call once, the last first."""
    seen: list[str] = []
    cursor: list[str] = []
    for _ in range(3):
        page = run("cdr", "list", "--limit", 2, *cursor, "--data", data, "--json").json
        seen += [call["call_id"] for call in page["cdrs"]]
        cursor = ["--cursor", page["next_cursor"] or "none"]
    assert (len(seen), len(set(seen)), cursor) == (6, 6, ["--cursor", "none"])


def test_filters_narrow_the_list(run: Run, data: Path) -> None:
    """By number, customer and end."""

    def count(*args: str) -> int:
        return len(run("cdr", "list", "--data", data, "--json", *args).json["cdrs"])

    assert count("--did", "4008001234") == 3
    assert (count("--customer", "clinic"), count("--customer", "tea")) == (6, 0)
    assert (count("--to", "2026-09-01"), count("--from", "2026-09-01")) == (0, 6)


def test_callers_are_masked_unless_asked_for(run: Run, data: Path) -> None:
    """Whoever looks over the operator's shoulder sees no number in full."""
    for args in (["list"], ["list", "--json"], ["export"], ["export", "--json"]):
        assert "02188886666" not in run("cdr", *args, "--data", data).out
        assert "02188886666" in run("cdr", *args, "--full-callers", "--data", data).out


def test_a_table_is_for_people(run: Run, data: Path) -> None:
    """A line a call; where the next page is stands on standard error."""
    got = run("cdr", "list", "--limit", 2, "--data", data)
    assert (len(got.out.splitlines()), got.err.startswith("more with --cursor ")) == (3, True)
    empty = run("cdr", "list", "--did", "4000000000", "--data", data)
    assert (empty.out, empty.err) == ("", "no calls\n")


def test_export_writes_every_call_as_csv_or_json_lines(run: Run, data: Path) -> None:
    """Both forms hold all calls with exact amounts."""
    rows = list(csv.DictReader(io.StringIO(run("cdr", "export", "--data", data).out)))
    assert (len(rows), list(rows[0])) == (6, list(COLUMNS))
    assert {(row["fee_yuan"], row["billed_seconds"]) for row in rows} == {("0.300000", "120")}
    lines = run("cdr", "export", "--json", "--data", data).out.splitlines()
    fees = {json.loads(line)["fee"]["amount"] for line in lines}
    assert (len(lines), fees) == (6, {"0.300000"})


def test_export_to_a_file_is_for_its_owner(run: Run, data: Path, tmp_path: Path) -> None:
    """The file is made with mode 0600; a folder that is not there is a fault."""
    path = tmp_path / "calls.csv"
    got = run("cdr", "export", "--data", data, "--output", path)
    assert (got.out, got.err, path.stat().st_mode & 0o777) == ("", "6 calls\n", 0o600)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 7
    missing = run("cdr", "export", "--data", data, "--output", tmp_path / "none" / "x.csv")
    assert (missing.status, "there is no folder" in missing.err) == (1, True)


def test_no_cell_is_taken_for_a_formula() -> None:
    """A caller such as `+852…` cannot become a formula in a spreadsheet."""
    row = cdr_row(cdr(caller=Caller("+85221234567", CallerKind.INTERNATIONAL)), in_full=True)
    assert row[COLUMNS.index("caller")] == "'+85221234567"


@pytest.mark.parametrize(
    "args",
    [
        ["--did", "400800"],
        ["--from", "2026-09-02", "--to", "2026-09-01"],
        ["--cursor", "x"],
        ["--from", "x"],
        ["--limit", 0],
        ["--customer", "A B"],
    ],
)
def test_wrong_filters_are_wrong_usage(run: Run, data: Path, args: list[object]) -> None:
    """They end with 2."""
    assert run("cdr", "list", "--data", data, *args).status == 2
