"""SIPp as the lines that calls are forwarded to: one process, one port, one behaviour."""

import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from callserver.demo.asterisk.free_ports import free_udp_port
from callserver.demo.asterisk.sipp_process import Sipp, SippLine

_NEVER_MS = 3_600_000
_REASONS = {404: "Not Found", 480: "Unavailable", 486: "Busy Here", 503: "Service Unavailable"}


class Destination:
    """A far end at `port`, for any number of calls at once, until close()."""

    def __init__(self, scenario: str, values: dict[str, str], work_dir: Path | None) -> None:
        """Use one of the class methods: they say what the destination does."""
        self.port = free_udp_port()
        self._sipp = Sipp(scenario, values, work_dir)

    @classmethod
    def answers(
        cls, *, ring_ms: int = 200, talk_ms: int | None = None, work_dir: Path | None = None
    ) -> "Destination":
        """Rings for ring_ms, answers, hangs up after talk_ms (None: leaves that to the caller)."""
        talk = _NEVER_MS if talk_ms is None else talk_ms
        values = {"RING_MS": str(max(1, ring_ms)), "TALK_MS": str(talk)}
        return cls("answer", values, work_dir)

    @classmethod
    def never_answers(cls, *, work_dir: Path | None = None) -> "Destination":
        """Rings until it is cancelled."""
        return cls.answers(ring_ms=_NEVER_MS, work_dir=work_dir)

    @classmethod
    def rejects(
        cls, code: int = 486, *, after_ms: int = 20, headers: str = "", work_dir: Path | None = None
    ) -> "Destination":
        """Answers after after_ms with an error: 486 busy, 503 congestion, 404, 480 …

        headers are whole SIP header lines, e.g. a Contact to go with a 302.
        """
        values = {
            "RING_MS": str(max(1, after_ms)),
            "CODE": str(code),
            "REASON": _REASONS.get(code, "Refused"),
            "HEADERS": "".join(f"\n    {line}" for line in headers.splitlines()),
        }
        return cls("reject", values, work_dir)

    def start(self) -> "Destination":
        """Start listening; returns self."""
        self._sipp.run("-p", str(self.port))
        deadline = time.monotonic() + 5
        while not _listens(self._sipp.pid, self.port):
            if not self._sipp.running or time.monotonic() > deadline:
                said = self._sipp.errors()
                self.close()
                raise RuntimeError(f"SIPp did not listen at {self.port}: {said}")
            time.sleep(0.01)
        return self

    def lines(self) -> list[SippLine]:
        """What happened to its calls: rang, answered, cancelled, rejected, ended_by_…"""
        return self._sipp.lines()

    def counts(self) -> Counter[str]:
        """How often each of those happened."""
        return Counter(line.event for line in self.lines())

    def close(self) -> None:
        """Stop listening; calls in progress are left as they are."""
        self._sipp.close()

    def __enter__(self) -> "Destination":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _listens(pid: int, port: int) -> bool:
    """Whether this process has bound the UDP port, without sending it anything."""
    wanted = f":{port:04X}"
    rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(wanted)}
    try:
        return any(str(link.readlink()) in sockets for link in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # it ended, or closed a file meanwhile
        return False
