"""No two modules need each other: what one imports never leads back to it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house import SOURCE, module, tree

MODULES = {module(path): path for path in SOURCE}


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports: at its top, inside functions, for types."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inside & MODULES.keys()
            if node.module in MODULES and not inside <= MODULES.keys():
                yield node.module


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Every group of modules of which each leads to each other."""
    leads = {start: _reached(graph, start) for start in graph}
    found = {
        frozenset(other for other in leads[start] if start in leads[other])
        for start in graph
        if start in leads[start]
    }
    return sorted(sorted(group) for group in found)


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += graph[at]
    return seen


def test_a_circle_is_found() -> None:
    """Also one over three; what only leads into it is not part of it."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set[str]()}
    assert circles(graph) == [["a", "b", "c"]]


def test_no_module_imports_itself_over_others() -> None:
    """Whatever the import is for: a type that is needed back is in the wrong place."""
    graph = {name: set(imports(path)) - {name} for name, path in MODULES.items()}
    assert circles(graph) == []
