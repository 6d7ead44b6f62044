"""The kinds of record, against the documentation and the rows they become."""

from pathlib import Path

from callserver.domain.business import NumberState
from callserver.service.import_field import REQUIRED
from callserver.service.import_kinds import KINDS

DOC = Path(__file__).parents[2] / "docs" / "import.md"


def test_every_key_is_documented() -> None:
    """In the table of its kind."""
    sections = DOC.read_text().split("\n### ")
    for kind in KINDS.values():
        [section] = [each for each in sections if each.startswith(f"`{kind.name}`")]
        missing = [key for key in kind.fields if f"`{key}`" not in section]
        assert not missing, f"{kind.name}: {missing}"


def test_every_state_is_documented() -> None:
    """All states of a number [R3]."""
    text = DOC.read_text()
    assert all(f"`{state}`" in text for state in NumberState)


def test_a_key_is_required_or_has_a_default() -> None:
    """Never both, never neither."""
    for kind in KINDS.values():
        assert kind.required | kind.defaults.keys() == kind.fields.keys()
        assert not kind.required & kind.defaults.keys()
        assert REQUIRED not in kind.defaults.values()
