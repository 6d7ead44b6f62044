"""The load: a process that plays Asterisk, told what to do by JSON lines on its standard input.

Its argument is JSON too: `agi` and `http` ports, an API `token`, the server's `data` folder, how
many `dids` to call. It prints `{"ami": PORT}`, then a line of figures for each command, named as
the methods of Load.
"""

import asyncio
import json
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.calls import Call, Pbx, Tally, read_key
from tests.bench.visible import CdrWatch

PLAYED_S = 0.03
"""Between a call's answer and its end: as in life, the answer is noted before the end comes."""
TICK_S = 0.002
RUN_MAX_S = 120.0
SLICE_HALF_S = 150.0  # half of billing.slice_s: when a call's next slice is due


class Load:
    """Runs of calls on one simulated PBX."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        data = Path(settings["data"])
        key = read_key(data) if (data / "call_id.key").exists() else bytes(32)
        agi = ("127.0.0.1", settings["agi"])
        self.pbx = Pbx(agi, settings["dids"], key, PLAYED_S)
        self.live: list[Call] = []

    async def closed(
        self, calls: int, in_flight: int, seconds: float = RUN_MAX_S
    ) -> dict[str, Any]:
        """`in_flight` calls at any time, as fast as the server goes; so many, or for so long."""
        run = _Run(self.pbx, calls, seconds)
        while run.begun < min(in_flight, calls):
            run.begin(again=True)
        await run.finished()
        return run.figures()

    async def open(self, calls: int, per_s: float, watch_every: int) -> dict[str, Any]:
        """Calls at fixed instants, however the server does; every n-th CDR is looked for."""
        watch = CdrWatch(("127.0.0.1", self.settings["http"]), self.settings["token"])
        await watch.connect()
        run = _Run(self.pbx, calls, RUN_MAX_S, watch, watch_every)
        began = self.loop.time()
        while run.begun < calls:
            due = min(calls, int((self.loop.time() - began) * per_s) + 1)
            while run.begun < due:
                run.begin(again=False)
            await asyncio.sleep(TICK_S / 2)
        await run.finished()
        watch.close()
        return {**run.figures(), "visible_ms": _ms(watch.seconds), "visible_asked": watch.asked}

    async def hold(self, calls: int, in_flight: int) -> dict[str, Any]:
        """Bring calls in and let them talk on, answered at instants spread over half a slice."""
        tally = self.pbx.tally = Tally()
        began = time.perf_counter()

        def answered(call: Call) -> None:
            self.live.append(call)
            begin()

        def begin() -> None:
            if tally.begun < calls:
                before_s = SLICE_HALF_S * tally.begun / calls
                self.pbx.arrive(answered, answered_before_s=before_s)

        for _ in range(in_flight):
            begin()
        while tally.routed + tally.faults < calls and time.perf_counter() - began < RUN_MAX_S:
            await asyncio.sleep(0.01)
        return _counts(tally, time.perf_counter() - began)

    async def end(self, in_flight: int) -> dict[str, Any]:
        """Hang up the calls that `hold` brought in."""
        tally = self.pbx.tally = Tally(begun=len(self.live), routed=len(self.live))
        began, waiting = time.perf_counter(), deque(self.live)
        self.live = []

        def one() -> None:
            if waiting:
                self.pbx.hang_up(waiting.popleft(), one)

        for _ in range(in_flight):
            one()
        while tally.ended < tally.begun and time.perf_counter() - began < RUN_MAX_S:
            await asyncio.sleep(0.01)
        return _counts(tally, time.perf_counter() - began)

    async def state(self) -> dict[str, Any]:
        """Links of the server, time-outs moved so far, and where to reach a restarted server."""
        ami = self.pbx.ami
        return {"links": len(ami.links), "timeouts_moved": ami.timeouts_moved}


class _Run:
    """One run: its calls, from arrival to hang-up."""

    def __init__(
        self,
        pbx: Pbx,
        calls: int,
        seconds: float,
        watch: CdrWatch | None = None,
        watch_every: int = 0,
    ) -> None:
        self._pbx, self._calls, self._watch, self._watch_every = pbx, calls, watch, watch_every
        self._tally = pbx.tally = Tally()
        self._talking: deque[tuple[float, Call]] = deque()
        self._began, self._done_s, self._again = time.perf_counter(), 0.0, False
        self._over_for_good = False
        self._until = self._began + seconds
        self._cpu = os.times()
        self._tick()

    @property
    def begun(self) -> int:
        return self._tally.begun

    def begin(self, *, again: bool) -> None:
        self._again = again
        self._pbx.arrive(self._answered)

    async def finished(self) -> None:
        while not self._over and time.perf_counter() - self._began < RUN_MAX_S:
            await asyncio.sleep(0.001)
        self._over_for_good = True

    def figures(self) -> dict[str, Any]:
        cpu = os.times()
        used_s = cpu.user - self._cpu.user + cpu.system - self._cpu.system
        counted = _counts(self._tally, self._done_s - self._began)
        decisions = _ms(self._tally.decision_s)
        return {**counted, "decision_ms": decisions, "load_cpu_s": used_s}

    @property
    def _over(self) -> bool:
        tally = self._tally
        all_begun = tally.begun >= self._calls or time.perf_counter() >= self._until
        ended = all_begun and tally.ended + tally.faults >= tally.begun
        if ended and not self._done_s:
            self._done_s = time.perf_counter()
        return ended and (self._watch is None or not self._watch.open)

    def _answered(self, call: Call) -> None:
        self._talking.append((time.perf_counter() + PLAYED_S, call))

    def _tick(self) -> None:
        if self._over_for_good:
            return
        now = time.perf_counter()
        while self._talking and self._talking[0][0] <= now:
            self._hang_up(self._talking.popleft()[1])
        self._pbx.loop.call_later(TICK_S, self._tick)

    def _hang_up(self, call: Call) -> None:
        self._pbx.hang_up(call, self._ended)
        if self._watch is not None and self._tally.ended % self._watch_every == 0:
            self._watch.watch(self._pbx.call_id(call), call.reported)

    def _ended(self) -> None:
        more = self._tally.begun < self._calls and time.perf_counter() < self._until
        if self._again and more:
            self.begin(again=True)


def _counts(tally: Tally, seconds: float) -> dict[str, Any]:
    return {
        "begun": tally.begun,
        "routed": tally.routed,
        "ended": tally.ended,
        "faults": tally.faults,
        "fees_micros": tally.fees_micros,
        "seconds": seconds,
    }


def _ms(seconds: list[float]) -> list[float]:
    return [round(each * 1000, 3) for each in sorted(seconds)]


async def main() -> None:
    """Until standard input ends."""
    load = Load(json.loads(sys.argv[1]))
    await load.pbx.ami.listen()
    _print({"ami": load.pbx.ami.port})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        _print(await getattr(load, command.pop("do"))(**command))


def _print(figures: dict[str, Any]) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
