"""AMI messages as Asterisk sends them: strict, decoded whole, each header once."""

import re
from dataclasses import dataclass

from panoramisk.message import Message

from callserver.adapters.ami.errors import GarbledMessage
from callserver.domain.pbx_cdr import instant_us

_TIMESTAMP = re.compile(r"[0-9]{1,12}\.[0-9]{6}", re.ASCII)
CHAN_VARIABLE = "ChanVariable"
DEST_CHAN_VARIABLE = "DestChanVariable"


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """An event, or a row of a list.

    `chan_vars` and `dest_chan_vars` are the channel variables manager.conf's `channelvars` names,
    of the event's channel and of its destination channel.
    """

    name: str
    fields: dict[str, str]
    chan_vars: dict[str, str]
    dest_chan_vars: dict[str, str]

    @property
    def timestamp_us(self) -> int:
        """Epoch microseconds of the PBX's clock; 0 where the event does not carry them."""
        text = self.fields.get("Timestamp", "")
        return instant_us(text) if _TIMESTAMP.fullmatch(text) else 0


class AmiMessage(Message):  # type: ignore[misc]  # panoramisk has no types
    """A response. Headers are found in any case; `content` is a command's output.

    panoramisk's own reading keeps duplicates as lists, and cuts lines at will.
    """

    @classmethod
    def from_block(cls, block: bytes) -> "AmiMessage":
        """Read one message, without its closing empty line. Raises GarbledMessage."""
        headers: dict[str, str] = {}
        output: list[str] = []
        for line in _lines(block):
            name, value = _split(line)
            if name == "Output":
                output.append(value)
            elif name in headers:
                raise GarbledMessage("a header comes twice")
            else:
                headers[name] = value
        return cls(headers, "\n".join(output))

    def header(self, name: str) -> str:
        """A header's value, empty if it is not there."""
        return str(self.get(name, ""))


def parse_event(block: bytes) -> AmiEvent:
    """Read one event, without its closing empty line. Raises GarbledMessage.

    Channel variables may repeat the header, not the variable.
    """
    fields: dict[str, str] = {}
    chan_vars: dict[str, str] = {}
    dest_chan_vars: dict[str, str] = {}
    lines = _lines(block)
    for line in lines:
        name, colon, value = line.partition(": ")
        if not colon:
            name, value = _split(line)
        if name == CHAN_VARIABLE:
            variable, _, value = value.partition("=")
            chan_vars[variable] = value
        elif name == DEST_CHAN_VARIABLE:
            variable, _, value = value.partition("=")
            dest_chan_vars[variable] = value
        else:
            fields[name] = value
    if "" in fields:
        raise GarbledMessage("a line is no header")
    if len(fields) + len(chan_vars) + len(dest_chan_vars) != len(lines):
        raise GarbledMessage("a header comes twice")
    return AmiEvent(fields.get("Event", ""), fields, chan_vars, dest_chan_vars)


def event_name(block: bytes) -> bytes | None:
    """The name of an event, read without parsing the rest; None for anything but an event."""
    if not block.startswith(b"Event: "):
        return None
    end = block.find(b"\r\n")
    return block[7:] if end < 0 else block[7:end]


def action_id(block: bytes) -> str | None:
    """What a message answers, read without parsing the rest."""
    start = block.find(b"\r\nActionID: ")
    if start < 0:
        return None
    start += len(b"\r\nActionID: ")
    end = block.find(b"\r\n", start)
    return (block[start:] if end < 0 else block[start:end]).decode("ascii", "replace")


def _lines(block: bytes) -> list[str]:
    """Decode the whole; names in another encoding lose a letter, never a header."""
    lines = block.decode("utf-8", "replace").split("\r\n")
    ends = len(lines) - 1
    if block.count(b"\r") != ends or block.count(b"\n") != ends:
        raise GarbledMessage("a line break stands inside a value")
    return lines


def _split(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name:
        raise GarbledMessage("a line is no header")
    return name, value.removeprefix(" ")


def number(text: str, digits_max: int = 15) -> int:
    """Decimal digits as a number; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits_max else 0
