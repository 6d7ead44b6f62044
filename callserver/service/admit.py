"""Steps 2 to 4 of a call: decide, hold, and move to the next line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from callserver.domain.business import Billing, Customer
from callserver.domain.call import Arrival, Line, Plan
from callserver.domain.call_tariff import CallTariff
from callserver.domain.caller import Caller, normalise
from callserver.domain.hold import hold_table
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.identity import call_id, shard_of, token_hash
from callserver.domain.meter import AccountMissing, Admission, Held, NotHeld, ShardLost
from callserver.domain.price_table import PriceTable
from callserver.domain.refusal import Refusal
from callserver.domain.region import RegionTable
from callserver.domain.routing import Decision, decide, tariff_of, version_at
from callserver.domain.tariff import TariffVersion
from callserver.ports import Clock, MeterStore, OutcomeUnknown, StoreUnavailable
from callserver.service.accounts import Accounts
from callserver.service.billing_policy import BillingPolicy
from callserver.service.catalogue import CurrentCatalogue
from callserver.service.clocks import PbxClocks
from callserver.service.in_hand import CallInHand, CallsInHand
from callserver.service.shards import ShardGuard

log = structlog.get_logger()


class NotInHand(StoreUnavailable):
    """This process did not route the call, so it does not know its lines; nothing has moved."""


@dataclass(frozen=True, slots=True)
class Routed:
    """The call may ring: its lines, the one whose slot it has (1-based), the seconds held."""

    plan: Plan
    line: int
    held_s: int

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in the order to try them."""
        return self.plan.lines


@dataclass(frozen=True, slots=True)
class Refused:
    """The call may not ring."""

    plan: Plan
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Admit:
    """Answers a PBX that asks where a call goes."""

    catalogue: CurrentCatalogue
    meters: MeterStore
    accounts: Accounts
    shards: ShardGuard
    in_hand: CallsInHand
    clock: Clock
    clocks: PbxClocks
    policy: BillingPolicy
    regions: RegionTable
    call_id_key: bytes
    area_codes: Mapping[str, str]
    """Area code that bare local callers get, by PBX."""
    calendar: HolidayCalendar = field(default_factory=HolidayCalendar)
    """The official one; the operator's days come with the catalogue."""

    async def route(self, arrival: Arrival) -> Routed | Refused:
        """Decide, and hold the first slice. A second request of the same call changes nothing."""
        plan, decision = self.plan_for(arrival)
        customer = decision.customer
        if plan.refusal is not None or plan.tariff is None or customer is None:
            return self._refused(plan, plan.refusal or Refusal.FAULT)
        from_ms = arrival.arrived_us // 1000
        table = hold_table(plan.tariff, plan.lines, from_ms, self._first_slice_s)
        try:
            held = await self._hold(plan, arrival, table)
        except (StoreUnavailable, OutcomeUnknown, ShardLost, AccountMissing) as error:
            log.warning("call.not_held", call_id=plan.call_id, reason=str(error))
            return self._without_redis(plan, table, customer)
        if isinstance(held, NotHeld):
            return self._refused(replace(plan, refusal=held.refusal, lines=()), held.refusal)
        self._take_in_hand(plan, table, held)
        log.info(
            "call.admitted",
            call_id=plan.call_id,
            did=arrival.did,
            line=held.line,
            held_s=held.held_s,
        )
        return Routed(plan, held.line, held.held_s)

    def plan_for(self, arrival: Arrival) -> tuple[Plan, Decision]:
        """What the catalogue says of a call now; moves nothing."""
        caller = normalise(arrival.caller_raw, self.area_codes.get(arrival.pbx), self.regions)
        at_ms = self.clocks.ours(arrival.pbx, arrival.arrived_us) // 1000
        decision = decide(self.catalogue.now, arrival.did, caller, at_ms)
        return self._plan(arrival, caller, decision, at_ms), decision

    def plan_of_connected(self, arrival: Arrival) -> Plan:
        """The plan of a call that was connected without us: it is rated, whatever we would say."""
        plan, decision = self.plan_for(arrival)
        if plan.tariff is None:
            at_ms = self.clocks.ours(arrival.pbx, arrival.arrived_us) // 1000
            tariff, cost_tariff = self._tariffs_of_refused(plan.caller, decision, at_ms)
            plan = replace(plan, tariff=tariff, cost_tariff=cost_tariff)
        return replace(plan, refusal=None)

    def _tariffs_of_refused(
        self, caller: Caller, decision: Decision, at_ms: int
    ) -> tuple[CallTariff | None, CallTariff | None]:
        """Price and cost of a call whose decision did not come to them."""
        customer, catalogue = decision.customer, self.catalogue.now
        if customer is None:
            return None, None
        named = tariff_of(catalogue, decision.did, customer)
        provider = catalogue.providers.get(customer.provider)
        names = named and named[0], provider and provider.cost_tariff
        price, cost = (version_at(catalogue.tariffs.get(name or "", ()), at_ms) for name in names)
        return (
            self._terms(price, caller, at_ms, customer.precision_micros),
            self._terms(cost, caller, at_ms),
        )

    def _terms(
        self,
        version: TariffVersion | None,
        caller: Caller,
        at_ms: int,
        precision_micros: int | None = None,
    ) -> CallTariff | None:
        """A version as it holds for this call, whatever becomes of it later."""
        if version is None:
            return None
        calendar = self.calendar
        if version.bands:
            calendar = calendar.overridden(self.catalogue.now.holidays)
        longest_s = self.policy.call_max_s
        return CallTariff.snapshot(version, caller, at_ms, longest_s, calendar, precision_micros)

    def plan_of_unrouted(self, arrival: Arrival, refusal: Refusal | None) -> Plan | None:
        """The plan of an ended call that is not in hand; None while there is no catalogue yet."""
        if not self.catalogue.loaded:
            return None
        plan = self.plan_of_connected(arrival)
        return replace(plan, refusal=refusal, lines=()) if refusal is not None else plan

    def _plan(self, arrival: Arrival, caller: Caller, decision: Decision, at_ms: int) -> Plan:
        customer = decision.customer
        account = customer.id if customer else None
        hashed = token_hash(arrival.token, self.call_id_key)
        return Plan(
            call_id=call_id(shard_of(account or arrival.token), hashed),
            token_hash=hashed,
            arrival=arrival,
            caller=caller,
            account=account,
            customer=account,
            provider=customer.provider if customer else None,
            billing=customer.billing if customer else Billing.PREPAID,
            tariff=self._terms(
                decision.tariff, caller, at_ms, customer.precision_micros if customer else None
            ),
            cost_tariff=self._terms(decision.cost_tariff, caller, at_ms),
            lines=decision.lines,
            did_calls_max=decision.did.calls_max if decision.did else 0,
            refusal=decision.refusal,
        )

    @property
    def _first_slice_s(self) -> int:
        return min(self.policy.slice_s, self.policy.call_max_s)

    async def _hold(self, plan: Plan, arrival: Arrival, table: PriceTable) -> Held | NotHeld:
        account = plan.account or ""
        self.shards.check(shard_of(account))
        now_ms = self.clock.now_us() // 1000
        admission = Admission(
            shard=shard_of(account),
            token=arrival.token,
            account=account,
            pbx=arrival.pbx,
            did=arrival.did,
            did_calls_max=plan.did_calls_max,
            lines=tuple((line.id, line.calls_max) for line in plan.lines),
            table=table,
            slice_s=self._first_slice_s,
            now_ms=now_ms,
            due_ms=now_ms + self.policy.ring_check_ms,
            plan=plan.encode(),
        )
        try:
            return await self.meters.admit(admission)
        except AccountMissing:
            await self.accounts.load(account)
        except OutcomeUnknown:
            log.info("call.hold_retried", call_id=plan.call_id)
        return await self.meters.admit(admission)  # same token: a hold already made is found

    def _without_redis(self, plan: Plan, table: PriceTable, customer: Customer) -> Routed | Refused:
        """The fail policy: postpaid is routed and rated later; prepaid within its allowance."""
        if customer.billing is Billing.POSTPAID:
            held_s = self.policy.unmetered_max_s
        else:
            held_s = table.affordable_s(
                customer.local_allowance_micros, self.policy.unmetered_max_s
            )
        if held_s == 0:
            return self._refused(replace(plan, refusal=Refusal.FAULT, lines=()), Refusal.FAULT)
        self._take_in_hand(plan, table, Held(1, held_s, 0, final=True), metered=False)
        return Routed(plan, 1, held_s)

    def _take_in_hand(
        self, plan: Plan, table: PriceTable, held: Held, *, metered: bool = True
    ) -> None:
        self.in_hand.put(
            CallInHand(
                token=plan.arrival.token,
                shard=shard_of(plan.account or plan.arrival.token),
                plan=plan,
                table=table,
                held_s=held.held_s,
                held_micros=held.held_micros,
                minutes=held.minutes,
                channel=plan.arrival.channel,
                metered=metered,
                line=held.line,
                seen_ms=self.clock.now_us() // 1000,
            )
        )

    @staticmethod
    def _refused(plan: Plan, refusal: Refusal) -> Refused:
        log.info("call.refused", call_id=plan.call_id, did=plan.arrival.did, refusal=refusal.value)
        return Refused(plan, refusal)

    async def next_line(self, token: str, failed_line: int) -> int:
        """The next line to dial (1-based), its slot taken; 0 if none is left.

        Raises NotInHand after a restart: the dialplan knows the lines and dials on by itself,
        and the answer moves the slot.
        """
        call = self.in_hand.get(token)
        if call is None:
            raise NotInHand("routed by another process")
        if not call.metered:
            return failed_line + 1 if failed_line < len(call.plan.lines) else 0
        lines = [(line.id, line.calls_max) for line in call.plan.lines]
        call.line = await self.meters.next_line(call.shard, token, failed_line, lines)
        return call.line
