"""Business data in CSV: one kind a file, keys in the first line."""

import pytest

from callserver.domain.import_set import ImportProblem
from callserver.service.import_csv import kind_of, read_csv
from callserver.service.import_records import Record


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("dids.csv", "did"),
        ("/srv/x.y/DID.CSV", "did"),
        ("customers-2026-11.csv", "customer"),
        ("blacklist.old.csv", "blacklist"),
        ("C:\\in\\tariffs.csv", "tariff"),
        ("numbers.csv", None),
        ("dids.toml", None),
    ],
)
def test_the_name_says_the_kind(file: str, kind: str | None) -> None:
    """Singular or plural, with anything after a dash, a dot or an underscore."""
    found = kind_of(file)
    assert (found.name if found else None) == kind


def test_rows_become_records() -> None:
    """Empty cells are not given; blank lines are passed over; a quoted cell may hold a comma."""
    text = 'id,name, parent\r\n\r\nnorth,"北方, 通信",\r\nleaf,叶,north\r\n'
    north, leaf = read_csv("providers.csv", text)
    assert isinstance(north, Record)
    assert isinstance(leaf, Record)
    assert (north.line, north.cells) == (3, {"id": "north", "name": "北方, 通信"})
    assert (leaf.line, leaf.cells["parent"]) == (4, "north")
    assert leaf.layout == {"id": (0, 1), "name": (0, 2), "parent": (0, 3)}


def test_a_record_over_two_lines_is_at_its_first() -> None:
    """And what follows is still counted right."""
    first, second = read_csv("providers.csv", 'id,name\na,"x\ny"\nb,z\n')
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize(
    ("file", "text", "line", "reason"),
    [
        ("numbers.csv", "id\n", 0, "name it after what it holds"),
        ("dids.csv", "number,number\n4,4\n", 1, "twice"),
        ("dids.csv", "number,customer\n4001234567\n", 2, "1 fields under 2 columns"),
        ("dids.csv", 'number\n"4001\n', 2, "not CSV"),
        ("dids.csv", 'number\n"4"001\n', 2, "not CSV"),
    ],
)
def test_what_is_not_such_a_file_is_told(file: str, text: str, line: int, reason: str) -> None:
    """With its line."""
    [problem] = read_csv(file, text)
    assert isinstance(problem, ImportProblem)
    assert problem.line == line
    assert reason in problem.reason


def test_an_empty_file_holds_nothing() -> None:
    """Nor does one with a header only."""
    assert list(read_csv("dids.csv", "")) == []
    assert list(read_csv("dids.csv", "number,customer\n")) == []
