"""Where a problem is, and what an import changes."""

from callserver.domain.business import Provider
from callserver.domain.import_set import ImportChanges, ImportProblem, Item


def test_a_problem_reads_like_a_compilers() -> None:
    """File, line, reason; the line is left out where the whole file is wrong."""
    assert str(ImportProblem("a.toml", 3, 7, "no")) == "a.toml:3:7: no"
    assert str(ImportProblem("a.toml", 3, None, "no")) == "a.toml:3: no"
    assert str(ImportProblem("a.xlsx", 0, None, "no")) == "a.xlsx: no"


def test_an_item_knows_where_its_keys_stand() -> None:
    """Without a key, or with one that isn't written, the record's first line."""
    item = Item(None, "a.toml", 10, {"name": (2, 8)})
    assert item.problem("no", "name") == ImportProblem("a.toml", 12, 8, "no")
    assert item.problem("no", "id") == ImportProblem("a.toml", 10, None, "no")
    assert item.problem("no") == ImportProblem("a.toml", 10, None, "no")


def test_changes_are_counted_by_kind() -> None:
    """And are empty where nothing is to be done."""
    assert ImportChanges(3).is_empty()
    some = ImportChanges(3, providers=(Provider("north", "北方"),))
    assert not some.is_empty()
    assert {kind: n for kind, n in some.counts().items() if n} == {"providers": 1}
