"""A clock that stands still until it is moved."""

from dataclasses import dataclass

T0_US = 1_790_000_000_000_000  # 2026-09-21 in Shanghai


@dataclass
class VirtualClock:
    """The Clock port in virtual time."""

    us: int = T0_US

    def now_us(self) -> int:
        """The instant it stands at."""
        return self.us

    def pass_s(self, seconds: float) -> None:
        """Let time go by."""
        self.us += round(seconds * 1_000_000)
