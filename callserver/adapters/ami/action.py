"""What we ask of Asterisk, and the answer as it comes together."""

import re
from collections.abc import Callable

from panoramisk.actions import Action

from callserver.adapters.ami.errors import AmiListIncomplete, AmiRefused
from callserver.adapters.ami.message import AmiMessage, parse_event

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
LIST_ROWS_MAX = 100_000


class AmiAction(Action):  # type: ignore[misc]  # panoramisk has no types
    """One action. `future` ends with its AmiMessage, or with the rows of a list, still unread.

    Of a list only the rows that `wanted` accepts are kept; all are counted.
    It ends with AmiRefused for an Error, with AmiListIncomplete for a list that is not whole.
    Raises ValueError where a name or value would begin another header or action.
    """

    def __init__(
        self,
        name: str,
        headers: dict[str, str],
        *,
        as_list: bool = False,
        wanted: Callable[[bytes], bool] = lambda row: True,
    ) -> None:
        for header, value in {"Action": name, **headers}.items():
            if not _NAME.fullmatch(header) or _CONTROL.search(value):
                raise ValueError(f"{header} of {name!r} holds a control character")
        super().__init__({"Action": name, **headers}, as_list=as_list)
        self._rows: list[bytes] | None = None
        self._count = 0
        self._wanted = wanted

    def packed(self) -> bytes:
        """As it goes over the wire."""
        return str(self).encode()

    def respond(self, message: AmiMessage) -> None:
        """Take the response. A list's rows follow it."""
        if self.future.done():
            return
        if not message.success:
            self.future.set_exception(AmiRefused(message.header("Message") or "no reason given"))
        elif not self.as_list:
            self.future.set_result(message)
        elif message.header("EventList").lower() == "start":
            self._rows = []
        else:
            self.future.set_exception(AmiListIncomplete("the answer is not a list"))

    def add_row(self, block: bytes) -> None:
        """Take an event that belongs to this action: a row, or the end of the list."""
        if self.future.done() or self._rows is None:
            return
        if b"\r\nEventList: " in block:
            self._complete(block)
        elif self._count >= LIST_ROWS_MAX:
            self.future.set_exception(AmiListIncomplete(f"more than {LIST_ROWS_MAX} rows"))
        else:
            self._count += 1
            if self._wanted(block):
                self._rows.append(block)

    def _complete(self, block: bytes) -> None:
        end = parse_event(block).fields
        if end.get("EventList") == "Complete" and end.get("ListItems") == str(self._count):
            self.future.set_result(self._rows)
        else:
            said = end.get("ListItems", "no count")
            self.future.set_exception(
                AmiListIncomplete(f"{self._count} rows came, Asterisk says {said}")
            )
