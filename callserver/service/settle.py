"""Step 7: a call ended; fix its fee once, whatever told us and however often."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from callserver.domain.business import Billing
from callserver.domain.call import Arrival, CallEnd, HungUpBy, Plan
from callserver.domain.cdr_builder import (
    decode_outcome,
    encode_outcome,
    price_table,
    sold_below_cost,
)
from callserver.domain.identity import shard_of
from callserver.domain.meter import AccountMissing, OutboxEntry, Settled, ShardLost
from callserver.domain.refusal import Refusal
from callserver.ports import CallKeeper, MeterStore, OutcomeUnknown, StoreUnavailable
from callserver.service.accounts import Accounts
from callserver.service.cdr_writer import CdrWriter
from callserver.service.in_hand import CallsInHand
from callserver.service.shards import ShardGuard

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settle:
    """Settles calls in Redis, or keeps them on disk while Redis is away."""

    meters: MeterStore
    accounts: Accounts
    shards: ShardGuard
    in_hand: CallsInHand
    writer: CdrWriter
    keeper: CallKeeper
    on_settled: Callable[[Plan, CallEnd, Settled], None]
    plan_of_unrouted: Callable[[Arrival, Refusal | None], Plan | None]
    """The plan of an ended call that is not in hand; None while there is no catalogue yet."""
    _kept_back: set[bytes] = field(default_factory=set)
    """Records that were complained of."""
    _below_cost: set[tuple[object, ...]] = field(default_factory=set)
    """Customers and tariffs that were warned of."""

    async def ended(self, token: str, plan: Plan, end: CallEnd) -> None:
        """Settle a call. Never raises for a store that is away: then the spool has it."""
        try:
            await self._settle(token, plan, end)
        except (StoreUnavailable, OutcomeUnknown, ShardLost, AccountMissing) as error:
            log.warning("call.spooled", call_id=plan.call_id, reason=str(error))
            self.keeper.keep(
                orjson.dumps({"token": token, "outcome": encode_outcome(plan, end).decode()})
            )
            self.in_hand.set_aside(token)

    async def unrouted_ended(self, arrival: Arrival, end: CallEnd, refusal: Refusal | None) -> None:
        """Settle a call that is not in hand: refused, or connected without us.

        Whose it is must be known: until the catalogue was read for the first time, the spool has
        it.
        """
        plan = self.plan_of_unrouted(arrival, refusal)
        if plan is not None:
            await self.ended(arrival.token, plan, end)
            return
        log.warning("call.spooled_unplanned", pbx=arrival.pbx, did=arrival.did)
        self.keeper.keep(orjson.dumps({"arrival": arrival, "end": end, "refusal": refusal}))
        self.in_hand.set_aside(arrival.token)

    async def replay(self) -> int:
        """Settle what the spool kept; how many.

        A record that can never be settled stays, behind the others. Raises what says that Redis
        or SQL is away; what is settled by then is done with.
        """
        records = self.keeper.kept()
        looked_at, back = 0, list[bytes]()
        try:
            for record in records:
                if not await self._replayed(record):
                    back.append(record)
                looked_at += 1
        finally:
            done = looked_at - len(back)
            if done:  # settling again does no harm, so the disk is written once, at the end
                for record in back:
                    self.keeper.keep(record)
                self.keeper.clear(looked_at)
                log.info("spool.replayed", calls=done)
        return done

    async def _replayed(self, record: bytes) -> bool:
        """Whether the record is settled now; False where it cannot be, ever or yet."""
        try:
            found = self._decoded(orjson.loads(record))
            if found is None:
                return False
            token, plan, end = found
            # A Redis that lost the call since would charge it again.
            if not await self.writer.written([plan.token_hash]):
                await self._settle(token, plan, end)
        except (ValueError, KeyError, TypeError, AccountMissing) as error:
            if record not in self._kept_back:
                log.error("spool.record_kept", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400  # the reason says it all
                self._kept_back.add(record)
            return False
        self.in_hand.drop(token)
        return True

    def _decoded(self, raw: dict[str, Any]) -> tuple[str, Plan, CallEnd] | None:
        """Token, plan and end of a record; None where there is no plan yet."""
        if "outcome" in raw:
            return raw["token"], *decode_outcome(raw["outcome"])
        arrival, refusal = Arrival(**raw["arrival"]), raw["refusal"]
        plan = self.plan_of_unrouted(arrival, Refusal(refusal) if refusal else None)
        return None if plan is None else (arrival.token, plan, CallEnd.from_json(raw["end"]))

    async def _settle(self, token: str, plan: Plan, end: CallEnd) -> None:
        self.shards.check(shard_of(plan.account or token))
        payload = encode_outcome(plan, end)
        try:
            settled = await self._once(token, plan, end, payload)
        except OutcomeUnknown:  # same token: what was done is found, not done again
            settled = await self._once(token, plan, end, payload)
        except AccountMissing:
            await self.accounts.load(plan.account or "")
            settled = await self._once(token, plan, end, payload)
        self.in_hand.drop(token)
        if not settled.first:
            return
        shard = shard_of(plan.account or token)
        self.writer.put(OutboxEntry(shard, token, settled, payload), (plan, end))
        log.info(
            "call.settled",
            call_id=plan.call_id,
            billsec=end.billsec,
            fee_micros=settled.fee_micros,
            source=end.source.value,
        )
        self.on_settled(plan, end, settled)
        if sold_below_cost(plan, end, settled):
            self._warn_below_cost(plan, settled)

    def _warn_below_cost(self, plan: Plan, settled: Settled) -> None:
        """Once for each customer and pair of tariffs: a metric counts the calls."""
        price, cost = plan.tariff, plan.cost_tariff
        if price is None or cost is None:
            return
        told = (plan.customer, price.tariff, price.version, cost.tariff, cost.version)
        if told not in self._below_cost:
            self._below_cost.add(told)
            log.warning(
                "call.below_cost",
                call_id=plan.call_id,
                customer=plan.customer,
                tariff=price.tariff,
                version=price.version,
                cost_tariff=cost.tariff,
                cost_version=cost.version,
                fee_micros=settled.fee_micros,
            )

    async def _once(self, token: str, plan: Plan, end: CallEnd, payload: bytes) -> Settled:
        call = self.in_hand.get(token)
        return await self.meters.settle(
            shard_of(plan.account or token),
            token,
            billsec=end.billsec,
            table=price_table(plan, end),
            cap_at_hold=(plan.billing is Billing.PREPAID or end.hung_up_by is HungUpBy.TIMEOUT),
            account=plan.account,
            payload=payload,
            exact=call is not None and call.plan is plan,
        )
