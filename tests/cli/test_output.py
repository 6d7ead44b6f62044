"""Tables for people: whole where they are lists, and within the terminal where they are live."""

import pytest
from rich.console import Console

from callserver.cli.output import print_table, table

COLUMNS = ("did", ">fee", "call_id")
ROWS = [("4008001234", "0.15", "00-" + "a" * 32), ("4001234567", "12.345", "07-" + "b" * 32)]


def test_where_a_table_does_not_fit_only_its_last_column_is_cut() -> None:
    """In a narrow terminal numbers and money stay whole."""
    console = Console(width=30)
    with console.capture() as shown:
        console.print(table(COLUMNS, ROWS))
    lines = shown.get().splitlines()
    assert max(len(line) for line in lines) <= 30
    assert lines[1].startswith("4008001234    0.15  00-a")
    assert lines[2].startswith("4001234567  12.345  07-b")


def test_a_list_is_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are there to be copied, in a narrow terminal too."""
    monkeypatch.setenv("COLUMNS", "30")
    print_table(COLUMNS, ROWS, empty="none")
    assert all(row[-1] in capsys.readouterr().out.splitlines()[-1] for row in ROWS[-1:])


def test_no_line_of_a_list_ends_in_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a last cell is shorter than its column, or empty."""
    print_table(("did", "reason"), [("4008001234", "long reason"), ("4001234567", "")], empty="")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["did         reason", "4008001234  long reason", "4001234567"]
