"""Bytes from Asterisk, cut into whole messages."""

from callserver.adapters.ami.errors import GarbledMessage

MESSAGE_BYTES_MAX = 1 << 20
BANNER_BYTES_MAX = 256
_BANNER = b"Asterisk Call Manager/"
_END = b"\r\n\r\n"


class MessageBuffer:
    """Keeps what is not whole yet: at most MESSAGE_BYTES_MAX and one read more."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.version = ""
        """AMI's version from the banner; empty until it has come."""

    def feed(self, data: bytes) -> list[bytes]:
        """Add what came; the messages that are now whole, without their closing empty line.

        Raises GarbledMessage if this is not AMI, or a message does not end.
        """
        held = self._bytes
        searched = max(0, len(held) - len(_END) + 1)
        held += data
        if not self.version:
            if not self._take_banner():
                return []
            searched = 0
        end = held.rfind(_END, searched)
        if end < 0:
            if len(held) > MESSAGE_BYTES_MAX:
                raise GarbledMessage(f"a message is longer than {MESSAGE_BYTES_MAX} bytes")
            return []
        whole = bytes(held[:end])
        del held[: end + len(_END)]
        return whole.split(_END)

    def _take_banner(self) -> bool:
        held = self._bytes
        end = held.find(b"\r\n")
        endless = end < 0 and len(held) > BANNER_BYTES_MAX
        if endless or not held.startswith(_BANNER[: len(held)]):
            raise GarbledMessage("what answers is not Asterisk's manager")
        if end < 0:
            return False
        self.version = held[len(_BANNER) : end].decode("ascii", "replace") or "unknown"
        del held[: end + 2]
        return True
