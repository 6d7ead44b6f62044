"""A PBX as services see it: a channel list, and a note of the time-outs it was told."""

from dataclasses import dataclass, field

from callserver.ports import LiveChannel, StoreUnavailable


@dataclass
class FakePbx:
    """The Pbx port; `away` makes every question fail, as a cut AMI link does."""

    name: str = "pbx-1"
    away: bool = False
    boot: str = "2026-09-21 08:00:00"
    offset_us: int = 0
    channels: dict[str, LiveChannel] = field(default_factory=dict)
    """By token."""
    timeouts: list[tuple[str, int]] = field(default_factory=list)
    """(channel, ms from the order on), in the order they came."""

    async def absolute_timeout(self, channel: str, after_ms: int) -> None:
        """Note the order."""
        self._ask()
        assert after_ms > 0, "Asterisk takes 0 as never"
        self.timeouts.append((channel, after_ms))

    async def live_channels(self) -> list[LiveChannel]:
        """All channels."""
        self._ask()
        return list(self.channels.values())

    async def boot_id(self) -> str:
        """Since when it runs."""
        self._ask()
        return self.boot

    async def clock_offset_us(self) -> int:
        """As set."""
        self._ask()
        return self.offset_us

    def _ask(self) -> None:
        if self.away:
            raise StoreUnavailable("the AMI link is down")
