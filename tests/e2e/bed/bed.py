"""One Asterisk, its destinations and the calls of a test, started and ended together."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from callserver.demo.asterisk.calls import CallResult, CarrierCalls
from callserver.demo.asterisk.destinations import Destination
from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.demo.asterisk.instance import AsteriskInstance, CdrLine


class Bed:
    """A running Asterisk whose trunks are named after what their destination does.

    `destinations` maps a trunk name to a Destination not yet started. Everything is ended,
    in the right order, when the context ends, also after a failed test.
    """

    def __init__(
        self,
        folder: AsteriskFolder,
        work_dir: Path,
        agi: tuple[str, int],
        destinations: Mapping[str, Destination],
        **instance_options: Any,
    ) -> None:
        """Plan the bed; instance_options go to AsteriskInstance as they are."""
        self.work_dir = work_dir
        self.destinations = dict(destinations)
        self.asterisk = AsteriskInstance(
            folder,
            work_dir / "asterisk",
            agi,
            trunks={name: far_end.port for name, far_end in destinations.items()},
            **instance_options,
        )
        self._open = ExitStack()

    def __enter__(self) -> "Bed":
        with ExitStack() as opening:
            for destination in self.destinations.values():
                opening.enter_context(destination)
            opening.enter_context(self.asterisk)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def begin(self, did: str, **options: Any) -> CarrierCalls:
        """Start calls to did and return while they go on; options as CarrierCalls takes them."""
        calls = CarrierCalls(
            self.asterisk.sip_port, did, work_dir=self.work_dir / "sipp", **options
        )
        return self._open.enter_context(calls)

    def call(self, did: str, *, timeout_s: float = 60.0, **options: Any) -> CallResult:
        """Make one call to did and wait for its end."""
        (result,) = self.begin(did, **options).wait(timeout_s)
        return result

    def calls(
        self, did: str, callers: Sequence[str], *, timeout_s: float = 60.0, **options: Any
    ) -> list[CallResult]:
        """Make a call to did from each caller and wait for the last to end."""
        return self.begin(did, callers=callers, **options).wait(timeout_s)

    def wait_idle(self, timeout_s: float = 15.0) -> None:
        """Wait until Asterisk has no channel left."""
        eventually(lambda: self.asterisk.channels() == 0, "no channel left", timeout_s)

    def wait_cdr_lines(self, count: int, timeout_s: float = 15.0) -> list[CdrLine]:
        """Wait until Asterisk's own CDR file has count lines, and return them."""
        eventually(
            lambda: len(self.asterisk.cdr_lines()) >= count,
            f"{count} lines in Asterisk's CDR file",
            timeout_s,
        )
        return self.asterisk.cdr_lines()


def eventually(condition: Callable[[], bool], what: str, timeout_s: float = 15.0) -> None:
    """Wait until condition holds; AssertionError naming what after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)
