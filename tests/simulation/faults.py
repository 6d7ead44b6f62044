"""What can go wrong on a simulated day."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulation.calls import SECOND_US
from tests.simulation.simulation import Simulation

Work = Callable[[], Awaitable[None]]


class Faults:
    """Draws faults from the day's seed and makes them happen."""

    def __init__(self, day: Simulation) -> None:
        self._day = day
        self._kinds: tuple[Work, ...] = (
            self._kill,
            self._kill_at_a_word,
            self._kill_at_a_word,
            self._flush,
            self._flush_and_kill,
            self._redis_away,
            self._redis_forgets,
            self._sql_away,
            self._ami_away,
            self._pbx_dies,
        )

    def schedule(self, count: int) -> None:
        """Spread so many over the day."""
        for _ in range(count):
            kind = self._day.random.choice(self._kinds)
            self._day.after(self._day.random.uniform(2, self._day.plan.length_s), kind)

    async def _kill(self) -> None:
        self._day.kill()

    async def _kill_at_a_word(self) -> None:
        words = self._day.random.randrange(1, 40)
        heard = self._day.random.random() < 0.5
        self._day.note(f"the server's {words}-th word will be its last, heard: {heard}")
        self._day.fate.dies_after(words, heard=heard)

    async def _flush(self) -> None:
        self._day.note("FLUSHALL")
        await self._day.link.query("FLUSHALL")

    async def _flush_and_kill(self) -> None:
        await self._flush()
        self._day.kill()

    async def _redis_away(self) -> None:
        self._day.note("Redis away")
        self._day.redis_away = True
        self._later(self._redis_back)

    async def _redis_back(self) -> None:
        self._day.note("Redis back")
        self._day.redis_away = False
        await self._day.turn("upkeep")

    async def _redis_forgets(self) -> None:
        """It dies and comes back without its last second, as AOF everysec may."""
        day = self._day
        kept = {key: await day.link.query("DUMP", key) for key in await day.link.query("KEYS", "*")}
        day.after(1.0, lambda: self._forgotten(kept))

    async def _forgotten(self, kept: dict[bytes, Any]) -> None:
        day = self._day
        day.note("Redis lost its last second")
        await day.link.query("FLUSHALL")
        for key, value in kept.items():
            await day.link.query("RESTORE", key, "0", value)
        day.run_number += 1
        if day.process is not None:
            day.process.guard.suspect(set(range(64)))
        await day.turn("upkeep")

    async def _sql_away(self) -> None:
        self._day.note("SQL away")
        self._day.sql_away = True
        self._later(self._sql_back)

    async def _sql_back(self) -> None:
        self._day.note("SQL back")
        self._day.sql_away = False

    async def _ami_away(self) -> None:
        self._day.note("AMI away")
        self._day.pbx.away = True
        self._later(self._ami_back)

    async def _ami_back(self) -> None:
        self._day.note("AMI back")
        self._day.pbx.away = False
        if self._day.process is not None:
            self._day.process.reconciler._adopted.clear()
        await self._day.turn("reconcile")

    async def _pbx_dies(self) -> None:
        """Only where all else is well: nobody else knows of the calls it had."""
        day = self._day
        if day.process is None or day.redis_away or day.sql_away or day.pbx.away or day.fate.sealed:
            return
        day.calm = True
        for wheel in ("upkeep", "reconcile", "writer"):
            await day.turn(wheel)
        in_hand = day.process.in_hand
        if not all(in_hand.get(token) for token in day.pbx.live):
            day.calm = False  # let through without Redis by a server that then died: known to none
            return
        day.note(f"the PBX dies with {len(day.pbx.live)} calls")
        day.pbx.dies(f"boot {day.clock.us // SECOND_US}")
        await day.turn("reconcile")
        await day.turn("writer")
        day.calm = False

    def _later(self, work: Work) -> None:
        self._day.after(self._day.random.choice((0.3, 2.0, 12.0, 40.0)), work)
