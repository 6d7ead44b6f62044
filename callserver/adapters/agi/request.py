"""The header block with which Asterisk opens a FastAGI session, read strictly."""

import re
from dataclasses import dataclass

ARGS_MAX = 32
# All that Asterisk 22 sends (res_agi.c); anything else was not written by Asterisk.
_NAMES = (
    "network network_script request channel language type uniqueid version callerid calleridname "
    "callingpres callingani2 callington callingtns dnid rdnis context extension priority enhanced "
    "accountcode threadid"
)
_KNOWN = {f"agi_{name}": name for name in _NAMES.split()}
_ARGS = tuple(f"agi_arg_{number}" for number in range(1, ARGS_MAX + 1))
_CONTROL = bytes({*range(32), 127} - {10})
_CONTROL_BEYOND_ASCII = re.compile(r"[\x80-\x9f\u2028\u2029]")


class BadHeader(ValueError):
    """The block is not one that Asterisk would send."""


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """`script` is the URL's path without the leading slash; headers without their `agi_`."""

    script: str
    args: tuple[str, ...]
    headers: dict[str, str]

    @property
    def path(self) -> tuple[str, ...]:
        """The script's segments: `route/4001234567/1700000000.1` has three."""
        return tuple(self.script.split("/"))


def parse_request(block: bytes) -> AgiRequest:
    """Read the block up to (not with) its blank line.

    Raises BadHeader for a duplicate or unknown header, a control character, arguments out of
    their order, or a missing script.
    """
    text = block.decode("utf-8", "replace")
    if len(block.translate(None, _CONTROL)) != len(block) or (
        not text.isascii() and _CONTROL_BEYOND_ASCII.search(text)
    ):
        raise BadHeader("a control character")
    headers: dict[str, str] = {}
    args: list[str] = []
    for line in text.split("\n"):
        name, separator, value = line.partition(": ")
        known = _KNOWN.get(name)
        if not separator:
            raise BadHeader("a line is not `agi_name: value`")
        if known is None:
            if len(args) == ARGS_MAX or name != _ARGS[len(args)]:
                raise BadHeader("an unknown header, or arguments not numbered 1, 2, …")
            args.append(value)
        elif known in headers:
            raise BadHeader(f"{name} comes twice")
        else:
            headers[known] = value
    script = headers.get("network_script", "")
    if not script:
        raise BadHeader("there is no agi_network_script")
    return AgiRequest(script, tuple(args), headers)
