"""Log events are names, and docs/log-events.md lists them all."""

import ast
from collections.abc import Iterator

from tests.log_events import DOCUMENT, LEVELS, ROOT, document, events, meanings


def test_the_document_lists_every_event_with_its_level_and_fields() -> None:
    """Run `python -m tests.log_events` after adding an event, then write what it means."""
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_every_event_has_a_meaning() -> None:
    """Whoever is woken at night by a line finds here what it says."""
    known = meanings()
    assert [name for name in events() if not known.get(name, "").strip()] == []


def _is_logger(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "log"


def test_an_event_is_a_name_not_a_sentence() -> None:
    """`log.info("call.admitted", …)`: what varies is in fields, so that lines can be counted."""
    for path in sorted((ROOT / "callserver").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sentences = [f"{path}:{call.lineno}" for call in _logged(tree) if not _is_named(call)]
        assert sentences == []


def _logged(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if _is_logger(node.func.value) and node.func.attr in LEVELS:
            yield node


def _is_named(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Name) or (
        isinstance(first, ast.Constant) and first.value in events()
    )
