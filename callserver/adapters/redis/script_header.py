"""The comment at the head of every Lua script, read so that a test can hold the body to it.

    --[[ meter_hold: hold money for one leg, before it is answered.
    KEYS[1] {shard}:acct:A       hash  available, held (micros)
    KEYS[2..] {shard}:line:ID    set   one per line, any number
    ARGV[1] hold_micros   ARGV[2] now_ms   ARGV[3..] alternating line id, limit
    RETURNS "ok" held | "no_credit" available
    RETRY   safe: the second call answers "ok" again and moves nothing.
    ]]

`[n]` is one, `[n..m]` a range, `[n..]` (also `[n...]`, `[n+]`) everything from n on.
"""

import re
from dataclasses import dataclass

from callserver.adapters.redis.script import Script

_BLOCK = re.compile(r"--\[\[(.*?)\]\]", re.DOTALL)
_TITLE = re.compile(r"\s*([a-z][a-z0-9_]*):\s*(\S.*)")
_NAMED = re.compile(r"\b(KEYS|ARGV)\[(\d+)(\.{2,3}|\+)?(\d+)?[^\]\s]*\]")
_LITERAL = re.compile(r"\b(KEYS|ARGV)\s*\[\s*(\d+)\s*\]")
_SECTION = re.compile(r"^[ \t]*(RETURNS|RETRY|KEYS\[|ARGV\[)", re.MULTILINE)
_QUOTED = re.compile(r'"([^"\n]*)"')
_COMMENT = re.compile(r"--\[(=*)\[.*?\]\1\]|--[^\n]*", re.DOTALL)
_STRING = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'")
_RETURNED = re.compile(r"\breturn\s*\{?\s*(?:\"([^\"\n]*)\"|'([^'\n]*)')")


class HeaderMissing(Exception):
    """The script does not begin with a header of this form; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Which of KEYS or ARGV: single numbers, and from where on any number more (or None)."""

    numbers: frozenset[int]
    open_from: int | None = None

    def covers(self, number: int) -> bool:
        """Whether this number is among them."""
        return number in self.numbers or (self.open_from is not None and number >= self.open_from)


@dataclass(frozen=True, slots=True)
class ScriptHeader:
    """What a script says about itself."""

    name: str
    summary: str
    keys: Slots
    args: Slots
    returns: frozenset[str]
    retry: str


@dataclass(frozen=True, slots=True)
class ScriptBody:
    """What a script does: literal indices used, all string literals, words it returns first.

    `keys_whole` and `args_whole` tell that the table is also used other than by literal index.
    """

    keys: frozenset[int]
    args: frozenset[int]
    keys_whole: bool
    args_whole: bool
    strings: frozenset[str]
    returned: frozenset[str]


def script_header(script: Script) -> ScriptHeader:
    """Parse the header. Raises HeaderMissing."""
    block = _BLOCK.search(script.own_source)
    title = block and _TITLE.match(block[1])
    if not block or not title:
        raise HeaderMissing(f"{script.name}.lua: no `--[[ {script.name}: what it does` at its head")
    returns, retry = _section(block[1], "RETURNS"), _section(block[1], "RETRY")
    for word, text in (("RETURNS", returns), ("RETRY", retry)):
        if not text:
            raise HeaderMissing(f"{script.name}.lua: the header has no {word}")
    before = block[1].split("RETURNS", 1)[0]
    return ScriptHeader(
        name=title[1],
        summary=title[2].strip(),
        keys=_slots(before, "KEYS"),
        args=_slots(before, "ARGV"),
        returns=frozenset(_QUOTED.findall(returns)),
        retry=retry,
    )


def script_body(script: Script) -> ScriptBody:
    """What the code uses, its included pieces too; words returned first only of its own code."""
    code = _COMMENT.sub("", script.source)
    own_code = _COMMENT.sub("", script.own_source)
    used = {
        table: frozenset(int(number) for name, number in _LITERAL.findall(code) if name == table)
        for table in ("KEYS", "ARGV")
    }
    rest = _LITERAL.sub("", code)
    return ScriptBody(
        keys=used["KEYS"],
        args=used["ARGV"],
        keys_whole=re.search(r"\bKEYS\b", rest) is not None,
        args_whole=re.search(r"\bARGV\b", rest) is not None,
        strings=_words(_STRING.findall(code)),
        returned=_words(_RETURNED.findall(own_code)),
    )


def _words(pairs: list[tuple[str, str]]) -> frozenset[str]:
    return frozenset(double or single for double, single in pairs)


def _section(header: str, word: str) -> str:
    start = re.search(rf"^[ \t]*{word}\b", header, re.MULTILINE)
    if start is None:
        return ""
    end = _SECTION.search(header, start.end())
    return header[start.end() : end.start() if end else len(header)].strip()


def _slots(header: str, table: str) -> Slots:
    numbers: set[int] = set()
    open_from: int | None = None
    for name, first, dots, last in _NAMED.findall(header):
        if name != table:
            continue
        if dots and not last:
            open_from = min(int(first), open_from or int(first))
        else:
            numbers.update(range(int(first), int(last or first) + 1))
    return Slots(frozenset(numbers), open_from)
