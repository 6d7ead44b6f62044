"""Ends a process whose event loop has stopped.

Asterisk waits without limit for an AGI answer, so a frozen server holds calls up where a dead one
does not: its dialplan goes on by itself, and the supervisor starts a new process.
"""

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable


def end_process() -> None:
    """Say where every thread stands, then die at once; a supervisor starts us again."""
    sys.stderr.write("callserver: the event loop stopped; ending the process\n")
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os.kill(os.getpid(), signal.SIGKILL)


class Watchdog:
    """A thread that expects a sign of life from the loop every second.

    `patience_s` is how long the loop may be silent; `on_frozen` is what happens then.
    """

    def __init__(self, patience_s: float, on_frozen: Callable[[], None] = end_process) -> None:
        self._patience_s = patience_s
        self._on_frozen = on_frozen
        self._alive_at = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    async def run(self) -> None:
        """Give signs of life until cancelled; the thread lives as long."""
        self._alive_at = time.monotonic()
        self._thread.start()
        try:
            while True:
                self._alive_at = time.monotonic()
                await asyncio.sleep(min(1.0, self._patience_s / 4))
        finally:
            self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, self._patience_s / 4)):
            if time.monotonic() - self._alive_at > self._patience_s:
                self._on_frozen()
                return
