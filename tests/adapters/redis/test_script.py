"""Reading scripts from files, and their headers."""

import hashlib
from pathlib import Path

import pytest

from callserver.adapters.redis.script import (
    Script,
    ScriptFolderBroken,
    load_script,
    load_scripts,
)
from callserver.adapters.redis.script_header import (
    HeaderMissing,
    Slots,
    script_body,
    script_header,
)

SOURCE = """--[[ hold: hold money for one leg.
KEYS[1] {shard}:acct:A       hash  KEYS[9] is not a use, but a name
KEYS[2..] {shard}:line:ID    set
ARGV[1] hold_micros   ARGV[2..3] now_ms and "later"
RETURNS "ok" held | "no_credit"
        "none"
RETRY   safe: answers "again" and moves nothing.
]]
-- ARGV[7] in a comment is no use
local held = redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])
for i = 2, #KEYS do redis.call("SADD", KEYS[i], ARGV[3]) end
if held then return {"ok", held} end
return 'no_credit'
"""


def script_of(source: str) -> Script:
    """A script that includes nothing."""
    return Script("hold", source, source, "")


def test_include_is_replaced_by_the_piece(tmp_path: Path) -> None:
    """The sent text has the piece in the place of its line, and the SHA-1 is of that text."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "two.lua").write_text("local two = 2\n")
    (tmp_path / "a.lua").write_text("--#include two\nreturn two\n")
    script = load_script(tmp_path / "a.lua")
    assert script.source == "local two = 2\nreturn two\n"
    assert script.sha1 == hashlib.sha1(script.source.encode()).hexdigest()
    assert script.own_source == "--#include two\nreturn two\n"


@pytest.mark.parametrize(
    ("line", "why"), [("--#include gone", "missing"), ("--#include ../a", "can't be the name")]
)
def test_wrong_include_names_the_file(tmp_path: Path, line: str, why: str) -> None:
    """A piece that is missing or outside lib/ is an error at load, not at the first call."""
    (tmp_path / "a.lua").write_text(line)
    with pytest.raises(ScriptFolderBroken, match=why):
        load_script(tmp_path / "a.lua")


def test_piece_includes_nothing_itself(tmp_path: Path) -> None:
    """One level is enough; a second would go unreplaced."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "two.lua").write_text("--#include three")
    (tmp_path / "a.lua").write_text("--#include two")
    with pytest.raises(ScriptFolderBroken, match="includes nothing"):
        load_script(tmp_path / "a.lua")


def test_folder_gives_scripts_by_name(tmp_path: Path) -> None:
    """lib/ holds pieces, which are no scripts; a folder without scripts is an error."""
    with pytest.raises(ScriptFolderBroken, match="no Lua script"):
        load_scripts(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "two.lua").write_text("local two = 2")
    (tmp_path / "a.lua").write_text("return 1")
    assert list(load_scripts(tmp_path)) == ["a"]


def test_header_is_read_whole() -> None:
    """Names, single numbers, ranges, open ends, words returned, the promise on repeats."""
    header = script_header(script_of(SOURCE))
    assert (header.name, header.summary) == ("hold", "hold money for one leg.")
    assert header.keys == Slots(frozenset({1, 9}), open_from=2)
    assert header.args == Slots(frozenset({1, 2, 3}))
    assert header.returns == {"ok", "no_credit", "none"}
    assert header.retry.startswith("safe")


def test_body_is_read_without_comments() -> None:
    """Comments use nothing; a loop over KEYS uses the table as a whole."""
    body = script_body(script_of(SOURCE))
    assert (body.keys, body.keys_whole) == ({1}, True)
    assert (body.args, body.args_whole) == ({1, 3}, False)
    assert body.returned == {"ok", "no_credit"}
    assert "held" in body.strings


@pytest.mark.parametrize("source", ["return 1", "--[[ hold: x\nRETRY safe ]]", "--[[ hold: x\n]]"])
def test_missing_header_is_an_error(source: str) -> None:
    """No header, no RETURNS or no RETRY can't pass for a header without faults."""
    with pytest.raises(HeaderMissing):
        script_header(script_of(source))
