"""A day of calls and misfortunes in virtual time, on a real Valkey and a real SQLite.

Everything random comes from one seed, so that a bad day can be lived again.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.call import Arrival, CallEnd, EndSource, HungUpBy
from callserver.domain.refusal import Refusal
from callserver.ports import REDIS_AWAY
from callserver.service.admit import Routed
from callserver.service.billing_policy import BillingPolicy
from callserver.service.hangups import HangupReport
from tests.fakes.clock import VirtualClock
from tests.service import business
from tests.service.process import Process, build
from tests.simulation.calls import (
    FALLBACK_MAX_S,
    FALLBACK_NUMBER,
    SECOND_US,
    SimCall,
    SimPbx,
    renamed,
    write_line,
)
from tests.simulation.mortal import Fate, Killed, MortalStore

POLICY = BillingPolicy(slice_s=20, end_report_wait_ms=0)
DIDS = tuple(business.catalogue().dids)
WHEELS_S = {"meters": 1.0, "upkeep": 2.0, "writer": 4.0, "reconcile": 5.0, "accounts": 4.0}


@dataclass
class Plan:
    """How much of what a day has."""

    calls: int = 25
    faults: int = 6
    length_s: int = 150
    unheard: float = 0.05
    """Share of writes to Redis whose answer is lost."""


@dataclass
class Simulation:
    """One day. `run` lives it; `tests.simulation.verdict` judges it."""

    seed: int
    folder: Path
    link: RedisLink
    database: Database
    plan: Plan = field(default_factory=Plan)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.clock = VirtualClock()
        self.pbx = SimPbx(clock=self.clock)
        self.store = RedisMeterStore(self.link)
        self.books = SqlBooks(self.database, self.clock)
        self.calls: list[SimCall] = []
        self.diary: list[str] = []
        self.redis_away = self.sql_away = False
        self.run_number = 1
        self.process: Process | None = None
        self.fate = Fate()
        self.calm = False
        self._agenda: list[tuple[int, int, Callable[[], Awaitable[None]]]] = []
        self._entries = 0
        self._wheels = dict.fromkeys(WHEELS_S, self.clock.us)

    @property
    def run_id(self) -> str:
        """Of the Redis that runs now."""
        return f"run-{self.run_number}"

    def note(self, text: str) -> None:
        """A line of the diary, for whoever has to find out what went wrong."""
        self.diary.append(f"{(self.clock.us - self.started_us) / SECOND_US:8.3f} {text}")

    def at(self, us: int, work: Callable[[], Awaitable[None]]) -> None:
        """Do this then."""
        self._entries += 1
        self._agenda.append((us, self._entries, work))
        self._agenda.sort()

    def after(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do this so much later."""
        self.at(self.clock.us + round(seconds * SECOND_US), work)

    async def run(self) -> None:
        """Live the day, then let everything come back and settle down."""
        self.started_us = self.clock.us
        self.start()
        await self.turn("upkeep")
        for number in range(1, self.plan.calls + 1):
            self.after(
                self.random.uniform(1, self.plan.length_s * 0.8), _soon(self._arrives, number)
            )
        from tests.simulation.faults import Faults

        Faults(self).schedule(self.plan.faults)
        end_us = self.clock.us + self.plan.length_s * SECOND_US
        while self.clock.us < end_us or self.pbx.live:
            await self._step()
        self.calm = True
        self.note("calm")
        self.redis_away = self.sql_away = self.pbx.away = False
        self.fate.reprieve()
        await self._revive()
        for _ in range(120):
            self.clock.pass_s(0.5)
            await self._wheels_turn()

    async def _step(self) -> None:
        """Go to the next thing that happens, and let it happen."""
        soonest = min(self.pbx.live.values(), key=lambda call: call.next_us, default=None)
        agenda_us = self._agenda[0][0] if self._agenda else None
        wheel_us = min(self._wheels.values())
        call_us = soonest.next_us if soonest else None
        now_us = min(us for us in (agenda_us, wheel_us, call_us) if us is not None)
        self.clock.us = max(self.clock.us, now_us)
        if soonest is not None and call_us == now_us:
            await self._moves(soonest)
        elif agenda_us == now_us:
            _, _, work = self._agenda.pop(0)
            await work()
        else:
            await self._wheels_turn()

    async def _wheels_turn(self) -> None:
        for name, every_s in WHEELS_S.items():
            if self._wheels[name] <= self.clock.us:
                self._wheels[name] = self.clock.us + round(every_s * SECOND_US)
                await self.turn(name)

    # The server

    def start(self) -> None:
        """A server process, its fate open."""
        self.fate = fate = Fate()
        books = MortalStore(self.books, fate, lambda: self.sql_away, lambda: False)
        meters = MortalStore(self.store, fate, lambda: self.redis_away, self._unheard)
        self.process = build(
            books=books.books,
            meters=meters.meters,
            clock=self.clock,
            pbx=self.pbx,
            folder=self.folder,
            policy=POLICY,
        )
        self.process.guard.suspect(set(range(64)))
        self.note("server starts")

    def _unheard(self) -> bool:
        return not self.calm and self.random.random() < self.plan.unheard

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is None:
            return
        self.note("server dies")
        self.fate.dead = True
        self.process.close()
        self.process = None
        self.after(self.random.choice((0.0, 1.0, 8.0, 30.0)), self._revive)

    async def _revive(self) -> None:
        if self.process is None:
            self.start()
            await self.turn("upkeep")
            await self.turn("reconcile")

    async def tell(self, word: Callable[[Process], Awaitable[object]]) -> object:
        """Let the server do something; None if it is dead, or dies of it, or waits for a store."""
        process = self.process
        if process is None:
            return None
        try:
            return await word(process)
        except REDIS_AWAY as error:
            self.note(f"  … {type(error).__name__}: {error}")
        except Killed:
            self.kill()
        return None

    async def turn(self, name: str) -> None:
        """What a loop of the server does in one turn."""
        await self.tell(getattr(self, f"_{name}"))
        process = self.process
        while (
            process
            and self.process is process
            and (process.hangups._waiting or process.hangups._late)
        ):
            await asyncio.sleep(0.001)
            if self.fate.dead:
                self.kill()

    async def _meters(self, process: Process) -> None:
        await process.metering.turn()

    async def _reconcile(self, process: Process) -> None:
        await process.reconciler.once()

    async def _writer(self, process: Process) -> None:
        await process.write_cdrs()

    async def _accounts(self, process: Process) -> None:
        try:
            await process.accounts.catch_up()
        except* REDIS_AWAY as errors:
            self.note(f"  … {errors.exceptions[0]}")
        except* Killed:
            self.kill()

    async def _upkeep(self, process: Process) -> None:
        await process.rebuilder.check(self.run_id)
        await process.settle.replay()

    # The calls

    async def _arrives(self, number: int) -> None:
        did = self.random.choice(DIDS)
        arrival = renamed(
            Arrival(
                token=str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
                pbx=self.pbx.name,
                uniqueid="",
                linkedid="",
                channel="",
                did=did,
                caller_raw="13800571234",
                arrived_us=self.clock.us,
            ),
            number,
        )
        answers_us = self.clock.us + round(self.random.uniform(0.5, 8) * SECOND_US)
        never = self.random.random() < 0.15
        talk_us = round(self.random.uniform(0.3, 70) * SECOND_US)
        call = SimCall(arrival, 0 if never else answers_us, answers_us + talk_us)
        self.calls.append(call)
        self.pbx.arrived(call)
        answer = await self.tell(lambda process: process.admit.route(arrival))
        self.note(f"{number} arrives at {did}: {_word(answer)}")
        if isinstance(answer, Routed):
            call.routed, call.line = True, answer.line
            call.deadline_us = answer.held_s * SECOND_US + 500_000  # from the answer on
            self.pbx.last_routes.add(did)
            self.pbx.show(call)
        elif answer is not None:
            call.routed, call.refusal, call.line = False, _refusal(answer), -1
            await self._ends(call, HungUpBy.SYSTEM)
        elif did in self.pbx.last_routes:
            call.deadline_us = FALLBACK_MAX_S * SECOND_US
        else:
            call.line = -1
            await self._ends(call, HungUpBy.SYSTEM)

    async def _moves(self, call: SimCall) -> None:
        """The next thing in a call's life: its answer or its end."""
        if call.answers_us and not call.answered_us:
            call.answered_us = self.clock.us
            call.deadline_us += self.clock.us
            self.pbx.show(call)
            self.note(f"{call.arrival.uniqueid} answered")
            if not self.pbx.away:
                arrival = call.arrival
                await self.tell(
                    lambda process: process.metering.answered(
                        *(arrival.pbx, arrival.token, arrival.did, arrival.uniqueid),
                        *(call.line, call.answered_us),
                    )
                )
            return
        call.timed_out = bool(call.answered_us) and self.clock.us >= call.deadline_us
        await self._ends(call, HungUpBy.TIMEOUT if call.timed_out else HungUpBy.CALLER)

    async def _ends(self, call: SimCall, by: HungUpBy) -> None:
        call.ended_us = self.clock.us
        self.note(f"{call.arrival.uniqueid} ends by {by.value} after {call.billsec} s")
        self.pbx.gone(call)
        write_line(self.folder, call)
        words = [self._report, self._ami_hangup]
        if self.random.random() < 0.1:
            words.reverse()
        if self.random.random() < 0.1:
            words.remove(self._report)
            self.note("  its report is lost")
        for word in words:
            await word(call, by)

    async def _report(self, call: SimCall, by: HungUpBy) -> None:
        end = CallEnd(
            ended_us=call.ended_us,
            answered_us=call.answered_us,
            rang_us=0,
            dial_status="ANSWER" if call.answered_us else "CANCEL",
            hangup_cause=16,
            hung_up_by=by,
            source=EndSource.REPORT,
            line=max(0, call.line) if call.routed else 0,
            destination=FALLBACK_NUMBER if call.line >= 0 else "",
        )
        refusal = Refusal(call.refusal) if call.refusal else None
        report = HangupReport(call.arrival, end, call.routed is True, refusal)
        await self.tell(lambda process: process.hangups.reported(report))

    async def _ami_hangup(self, call: SimCall, by: HungUpBy) -> None:
        if self.pbx.away or self.process is None:
            return
        arrival = call.arrival
        self.process.hangups.hung_up(
            *(arrival.pbx, arrival.token, arrival.uniqueid, call.line, call.answered_us),
            *(call.ended_us, 16),
        )
        await self.turn("nothing")

    async def _nothing(self, process: Process) -> None:
        """Only timers that ran out."""


def _soon(work: Callable[[int], Awaitable[None]], number: int) -> Callable[[], Awaitable[None]]:
    return lambda: work(number)


def _word(answer: object) -> str:
    if answer is None:
        return "no answer"
    return f"routed, {answer.held_s} s held" if isinstance(answer, Routed) else _refusal(answer)


def _refusal(answer: object) -> str:
    return str(answer.refusal.value)  # type: ignore[attr-defined] # Refused
