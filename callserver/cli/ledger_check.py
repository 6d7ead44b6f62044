"""Whether balances agree: in the books by themselves, and between the books and Redis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callserver.adapters.sql.books import SqlBooks
    from callserver.config import Config
    from callserver.service.checking import Finding

LOOKED_AGAIN_S = 0.3
NAMED_MOST = 5


async def check_ledger(settings: "Config") -> "Sequence[Finding]":
    """Two findings: every account's kept sum is that of its entries, and Redis has the same.

    Raises CheckFailed where the books cannot be read.
    """
    from callserver.cli.opening import books
    from callserver.cli.output import Failed
    from callserver.ports import StoreUnavailable
    from callserver.service.checking import CheckFailed, Finding, Outcome

    async def look(opened: "SqlBooks") -> list[Finding]:
        drift = await opened.drift()
        if drift:
            names = ", ".join(sorted(drift)[:NAMED_MOST])
            hint = "keep the database as it is and tell us: the triggers keep these sums"
            detail = f"{len(drift)} accounts' sums are not those of their entries: {names}"
            return [Finding("ledger", Outcome.FAILED, detail, hint), *await _live(settings, opened)]
        sums = await opened.account_sums()
        detail = f"{len(sums)} accounts are the sums of their entries"
        return [Finding("ledger", Outcome.OK, detail), *await _live(settings, opened)]

    try:
        async with books(settings) as opened:
            return await look(opened)
    except (Failed, StoreUnavailable) as fault:
        raise CheckFailed(str(fault)) from None


async def _live(settings: "Config", opened: "SqlBooks") -> "list[Finding]":
    """The comparison with Redis, where there is one now."""
    from callserver.adapters.redis.client import RedisLink
    from callserver.adapters.redis.meter_store import RedisMeterStore
    from callserver.back_office import ledger_drift
    from callserver.cli.running_redis import REDIS_READY_S, running_redis
    from callserver.domain.meter import ShardLost
    from callserver.ports import OutcomeUnknown, StoreUnavailable
    from callserver.service.checking import Finding, Outcome
    from callserver.service.ledger_drift import told

    target = running_redis(settings)
    if target is None:
        return [Finding("ledger:redis", Outcome.OK, "no server runs; balances are the books'")]
    link = RedisLink(target, deadline_s=settings.redis.deadline_ms / 1000)
    await link.start()
    try:
        await link.wait_ready(REDIS_READY_S)
        drift = ledger_drift(opened, RedisMeterStore(link))
        found = await drift.go_round(0, LOOKED_AGAIN_S)
    except (StoreUnavailable, OutcomeUnknown, ShardLost) as fault:
        detail = f"balances could not be compared: {fault or type(fault).__name__}"
        return [Finding("ledger:redis", Outcome.WARNING, detail)]
    finally:
        await link.stop()
    if found:
        hint = "the books are right: stop the server, delete Redis' data, start it again"
        detail = f"{len(found)} balances in Redis differ: {told(found[:NAMED_MOST])}"
        return [Finding("ledger:redis", Outcome.FAILED, detail, hint)]
    return [Finding("ledger:redis", Outcome.OK, "balances in Redis are those of the books")]
