"""Every Lua script does what its header says, and keeps the house rules of Redis."""

import re

import pytest

from callserver.adapters.redis.script import LUA_FOLDER, Script, load_script
from callserver.adapters.redis.script_header import Slots, script_body, script_header

FILES = sorted(LUA_FOLDER.glob("*.lua"))
PIECES = sorted(LUA_FOLDER.glob("lib/*.lua"))
COMMENT = re.compile(r"--\[(=*)\[.*?\]\1\]|--[^\n]*", re.DOTALL)
# A jump of the clock erases what has a TTL; TIME is an argument, so that a repeat is the same.
CLOCK = re.compile(r"['\"](P?EXPIRE(AT)?|P?SETEX|GETEX|TIME|EX|PX|EXAT|PXAT)['\"]", re.IGNORECASE)
every_script = pytest.mark.parametrize(
    "script", [load_script(path) for path in FILES], ids=[path.stem for path in FILES]
)


def test_there_are_scripts() -> None:
    """An empty folder must not look like a folder without faults."""
    assert FILES, f"no *.lua in {LUA_FOLDER}"


@every_script
def test_header_names_the_file(script: Script) -> None:
    """The header's first word is the script's name."""
    assert script_header(script).name == script.name


def gaps(named: Slots, used: frozenset[int], whole: bool) -> tuple[set[int], set[int]]:
    """(used but not named, named but never used)."""
    unnamed = {number for number in used if not named.covers(number)}
    idle = set() if whole else set(named.numbers - used)
    if named.open_from is not None and not whole:
        idle.add(named.open_from)
    return unnamed, idle


@every_script
def test_keys_and_arguments_are_those_of_the_header(script: Script) -> None:
    """No KEYS or ARGV is used unnamed or named unused."""
    header, body = script_header(script), script_body(script)
    assert gaps(header.keys, body.keys, body.keys_whole) == (set(), set()), "KEYS"
    assert gaps(header.args, body.args, body.args_whole) == (set(), set()), "ARGV"


@every_script
def test_returned_words_are_those_of_the_header(script: Script) -> None:
    """Each word under RETURNS stands in the body, and each word returned first in the header."""
    header, body = script_header(script), script_body(script)
    assert header.returns - body.strings == set()
    assert body.returned - header.returns == set()


@pytest.mark.parametrize("path", FILES + PIECES, ids=lambda path: path.stem)
def test_no_script_knows_a_clock(path) -> None:
    """No TTL on money or meters and no TIME: instants are arguments."""
    found = CLOCK.search(COMMENT.sub("", path.read_text("utf-8")))
    assert found is None, found
