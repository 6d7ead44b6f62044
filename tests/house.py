"""What the house tests look at: the checkout's own files, as text and as syntax trees."""

import ast
import fnmatch
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = sorted((ROOT / "callserver").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXT_ENDS = {".py", ".lua", ".conf", ".sample", ".md", ".toml", ".yaml", ".yml", ".sh", ".xml"}
TEXT_ENDS |= {".lock", ".mako", ".service", ".svg", ".json", ""}


def _ignored() -> list[str]:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    return [".git", *(line.strip("/") for line in lines if line and not line.startswith("#"))]


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file that git would keep."""
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in _ignored()):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def texts() -> Iterator[tuple[Path, str]]:
    """The text files among them, with what is in them."""
    for path in files():
        if path.suffix in TEXT_ENDS:
            yield path, path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """A Python file, parsed once."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    """The file as people write it."""
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """The module's dotted name."""
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(path: Path) -> set[str]:
    """Every dotted name that a file imports; `from a import b` gives a and a.b."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
