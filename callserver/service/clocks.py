"""Two clocks: ours, and each PBX's, by which calls are timed."""

import time


class SystemClock:
    """The Clock port on this host's clock."""

    def now_us(self) -> int:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1000


class PbxClocks:
    """Our clock minus each PBX's, as AMI Ping measured it last (0 until then)."""

    def __init__(self) -> None:
        self._offset_us: dict[str, int] = {}

    def set_offset(self, pbx: str, offset_us: int) -> None:
        """Note a fresh measurement."""
        self._offset_us[pbx] = offset_us

    def offset_us(self, pbx: str) -> int:
        """Microseconds to add to an instant of the PBX to get ours."""
        return self._offset_us.get(pbx, 0)

    def ours(self, pbx: str, pbx_us: int) -> int:
        """An instant of the PBX on our clock."""
        return pbx_us + self.offset_us(pbx)

    def theirs(self, pbx: str, our_us: int) -> int:
        """An instant of ours on the PBX's clock."""
        return our_us - self.offset_us(pbx)
