"""A caller's channel on the simulated PBX: its variables, its instants, what may end it."""

import asyncio
import re
import time
from dataclasses import dataclass, field

_EXPRESSION = re.compile(r"\$\{([^}]*)\}")


def now_us() -> int:
    """The PBX's clock: microseconds since 1970."""
    return time.time_ns() // 1000


def instant(us: int) -> str:
    """Epoch seconds with microseconds, as `CDR(…,u)` prints them; empty for never."""
    return f"{us // 1_000_000}.{us % 1_000_000:06d}" if us else ""


class HungUp(Exception):
    """The channel is gone. `who` is caller, callee, timeout or system."""

    def __init__(self, who: str, cause: int) -> None:
        super().__init__(f"hung up by {who}, cause {cause}")
        self.who = who
        self.cause = cause


@dataclass(slots=True)
class Channel:
    """One caller's channel. Instants are microseconds of the PBX's clock; 0: not yet."""

    name: str
    uniqueid: str
    did: str
    caller: str
    variables: dict[str, str]
    started_us: int = field(default_factory=now_us)
    attempt_us: int = 0
    rang_us: int = 0
    answered_us: int = 0
    ended_us: int = 0
    far_end: "Channel | None" = None
    _deadline: float | None = None
    _hangup_cause: int | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def evaluate(self, expression: str) -> str:
        """What the dialplan would put in place of a `${…}` of the contract; unset is empty."""
        return _EXPRESSION.sub(lambda found: self._value(found[1]), expression)

    def _value(self, name: str) -> str:
        match name:
            case "UNIQUEID" | "CHANNEL(linkedid)":
                return self.uniqueid
            case "CDR(start,u)":  # a dial after the first begins a new CDR
                return instant(self.attempt_us or self.started_us)
            case "CDR(answer,u)":
                return instant(self.answered_us)
            case "CDR(end,u)":
                return instant(self.ended_us)
            case "ANSWEREDTIME_MS":
                return str((self.ended_us - self.answered_us) // 1000) if self.answered_us else ""
        return self.variables.get(name, "")

    def end_after(self, seconds: float) -> None:
        """`TIMEOUT(absolute)`: end the channel that many seconds from now; 0 or less: never."""
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + seconds if seconds > 0 else None
        self._changed.set()

    def hang_up(self, cause: int) -> None:
        """End the channel now."""
        self._hangup_cause = cause
        self._changed.set()

    async def live(self, seconds: float) -> None:
        """Let time pass. Raises HungUp when the time-out or a hang-up comes first."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            if self._hangup_cause is not None:
                raise HungUp("system", self._hangup_cause)
            now, end = loop.time(), self._deadline
            if now >= until and (end is None or until <= end):
                return
            if end is not None and now >= end:
                raise HungUp("timeout", 16)
            wake = until if end is None else min(until, end)
            self._changed.clear()
            try:
                async with asyncio.timeout(wake - now):
                    await self._changed.wait()
            except TimeoutError:
                continue
