"""The header block with which Asterisk opens a FastAGI session, read strictly."""

import re
from dataclasses import dataclass

# All that Asterisk 22 sends (res_agi.c); anything else was not written by Asterisk.
KNOWN = frozenset(
    {
        "network",
        "network_script",
        "request",
        "channel",
        "language",
        "type",
        "uniqueid",
        "version",
        "callerid",
        "calleridname",
        "callingpres",
        "callingani2",
        "callington",
        "callingtns",
        "dnid",
        "rdnis",
        "context",
        "extension",
        "priority",
        "enhanced",
        "accountcode",
        "threadid",
    }
)
ARGS_MAX = 32
_LINE = re.compile(r"agi_([a-z0-9_]{1,32}): ?(.*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadHeader(ValueError):
    """The block is not one that Asterisk would send."""


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """`script` is the URL's path without the leading slash; headers without their `agi_`."""

    script: str
    args: tuple[str, ...]
    headers: dict[str, str]


def parse_request(block: bytes) -> AgiRequest:
    """Read the block up to (not with) its blank line.

    Raises BadHeader for a duplicate or unknown header, a control character, or missing script.
    """
    headers: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\n"):
        found = _LINE.fullmatch(line)
        if found is None or _CONTROL.search(line):
            raise BadHeader("a line is not `agi_name: value`")
        name, value = found.groups()
        if name in headers:
            raise BadHeader(f"agi_{name} comes twice")
        if name not in KNOWN and not name.startswith("arg_"):
            raise BadHeader(f"agi_{name} is unknown")
        headers[name] = value
    args: list[str] = []
    while (value := headers.pop(f"arg_{len(args) + 1}", None)) is not None:
        args.append(value)
    if len(args) > ARGS_MAX or any(name.startswith("arg_") for name in headers):
        raise BadHeader("the arguments are not numbered 1, 2, …")
    script = headers.get("network_script", "")
    if not script:
        raise BadHeader("there is no agi_network_script")
    return AgiRequest(script, tuple(args), headers)
