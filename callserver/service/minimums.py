"""[R1] Monthly minimums: asked for, shown, and following rates that went down."""

import asyncio
from dataclasses import dataclass

import structlog

from callserver.domain.declined import Declined, Reason
from callserver.domain.minimum import MinimumVersion, MinimumWish
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.ports.months import MinimumBook

log = structlog.get_logger()

FOLLOWED_AT_ONCE = 1_000
ACTOR = "rates"


@dataclass(frozen=True, slots=True)
class ShownMinimum:
    """A number's minimum: its versions (the oldest first), its rate now, and whose it is."""

    did: str
    customer: str | None
    rate_micros: int
    versions: tuple[MinimumVersion, ...]


class Minimums:
    """What operators do with minimums. Raises Declined, StoreUnavailable and OutcomeUnknown."""

    def __init__(self, book: MinimumBook, look_s: float, *, follows_rate: bool = True) -> None:
        self._book = book
        self._look_s = look_s
        self.follows_rate = follows_rate

    async def set(self, wish: MinimumWish, actor: str) -> MinimumVersion:
        """Grant a wish from next month on; the same operation again: the same version."""
        (version,) = await self._book.put([wish], actor)
        return version

    async def set_many(self, wishes: list[MinimumWish], actor: str) -> list[MinimumVersion]:
        """Grant all wishes or none."""
        return await self._book.put(wishes, actor)

    async def show(self, did: str) -> ShownMinimum:
        """One number. Raises Declined (number_unknown)."""
        rates = await self._book.rates([did])
        if did not in rates:
            raise Declined(Reason.NUMBER_UNKNOWN, f"There is no number {did}.")
        versions = await self._book.history(did)
        return ShownMinimum(did, await self._book.owner(did), rates[did], tuple(versions))

    async def all(self, after: str = "", limit: int = 500) -> list[MinimumVersion]:
        """The last version of each number that has a minimum, beyond `after`."""
        return await self._book.current(after, limit)

    async def follow(self, actor: str = ACTOR) -> int:
        """Lower, in proportion, what may be lowered; how many numbers' minimums that were."""
        count, after = 0, ""
        while True:
            followed, last = await self._book.follow(after, FOLLOWED_AT_ONCE, actor)
            count += followed
            if last is None:
                break
            after = last
        if count:
            log.info("minimums.followed", numbers=count)
        return count

    async def run(self) -> None:
        """Follow rates for ever, once in a while; a database that is away is waited for."""
        while True:
            try:
                await self.follow()
            except (StoreUnavailable, OutcomeUnknown) as away:
                log.warning("minimums.waiting", reason=type(away).__name__)
            await asyncio.sleep(self._look_s)
