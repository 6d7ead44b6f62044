"""Lua scripts: read from files, completed with shared pieces, named by their SHA-1."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

LUA_FOLDER = Path(__file__).parent / "lua"
_INCLUDE = re.compile(r"^--#include[ \t]+(\S+)[ \t]*$", re.MULTILINE)
_PIECE_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ScriptFolderBroken(Exception):
    """A script can't be put together; the text names the file."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script as Redis gets it. `own_source` is the file before its includes."""

    name: str
    own_source: str
    source: str
    sha1: str


def load_script(path: Path) -> Script:
    """Read one script; each `--#include NAME` line becomes the text of `lib/NAME.lua`.

    Raises ScriptFolderBroken if a piece is missing.
    """
    own_source = path.read_text(encoding="utf-8")
    source = _INCLUDE.sub(lambda found: _piece(path, found[1]), own_source)
    # SHA-1 is how EVALSHA names scripts; nothing is protected by it.
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(path.stem, own_source, source, digest)


def load_scripts(folder: Path = LUA_FOLDER) -> dict[str, Script]:
    """All scripts of the folder by name (file name without `.lua`); `lib/` holds only pieces."""
    scripts = {path.stem: load_script(path) for path in sorted(folder.glob("*.lua"))}
    if not scripts:
        raise ScriptFolderBroken(f"no Lua script in {folder}")
    return scripts


def _piece(script: Path, name: str) -> str:
    if not _PIECE_NAME.fullmatch(name):
        raise ScriptFolderBroken(f"{script.name}: {name!r} can't be the name of a piece")
    piece = script.parent / "lib" / f"{name}.lua"
    if not piece.is_file():
        raise ScriptFolderBroken(f"{script.name} includes {name}, but lib/{name}.lua is missing")
    text = piece.read_text(encoding="utf-8").rstrip("\n")
    if _INCLUDE.search(text):
        raise ScriptFolderBroken(f"lib/{name}.lua: a piece includes nothing itself")
    return text
