"""From what was planned, how it ended and what was charged to the rated CDR."""

from functools import lru_cache
from typing import Any

import orjson

from callserver.domain.attempts import with_destinations
from callserver.domain.call import CallEnd, HungUpBy, Plan
from callserver.domain.call_tariff import CallTariff
from callserver.domain.cdr import Cdr, Disposition
from callserver.domain.meter import Settled
from callserver.domain.money import short_yuan
from callserver.domain.price_table import PriceTable
from callserver.domain.rating import RatedFee, explain

_BY_DIAL_STATUS = {
    "NOANSWER": Disposition.NO_ANSWER,
    "BUSY": Disposition.BUSY,
    "CONGESTION": Disposition.FAILED,
    "CHANUNAVAIL": Disposition.FAILED,
    "CANCEL": Disposition.CANCELLED,
}


def disposition(plan: Plan, end: CallEnd) -> Disposition:
    """How the call came out. An instant of answer outweighs whatever the dial status says."""
    if end.answered_us:
        return Disposition.ANSWERED
    if plan.refusal is not None:
        return Disposition.REFUSED
    status = end.dial_status or (end.attempts[-1].result if end.attempts else "")
    known = _BY_DIAL_STATUS.get(status)
    if known is not None:
        return known
    return Disposition.CANCELLED if end.hung_up_by is HungUpBy.CALLER else Disposition.FAILED


def destination(plan: Plan, end: CallEnd) -> str:
    """The number that answered or was tried last; empty if none was dialled."""
    if 1 <= end.line <= len(plan.lines):
        return plan.lines[end.line - 1].number
    return end.destination


def build_cdr(plan: Plan, end: CallEnd, settled: Settled) -> Cdr:
    """The CDR of a settled call. Amounts and billed seconds are what the settlement fixed."""
    arrival = plan.arrival
    return Cdr(
        call_id=plan.call_id,
        token_hash=plan.token_hash,
        pbx=arrival.pbx,
        uniqueid=arrival.uniqueid,
        linkedid=arrival.linkedid,
        did=arrival.did,
        customer=plan.customer,
        provider=plan.provider,
        account=plan.account,
        caller=plan.caller,
        destination=destination(plan, end),
        attempts=with_destinations(end.attempts, plan.lines),
        arrived_ms=arrival.arrived_us // 1000,
        rang_ms=end.rang_us // 1000,
        answered_ms=end.answered_us // 1000,
        ended_ms=end.ended_us // 1000,
        billsec=end.billsec,
        billed_s=settled.billed_s,
        tariff=plan.tariff.tariff if plan.tariff else None,
        tariff_version=plan.tariff.version if plan.tariff else None,
        fee_micros=settled.fee_micros,
        charged_micros=settled.charged_micros,
        written_off_micros=settled.written_off_micros,
        fee_lines=_fee_lines(plan, end, settled),
        disposition=disposition(plan, end),
        refusal=plan.refusal.value if plan.refusal else None,
        hangup_cause=end.hangup_cause,
        hung_up_by=end.hung_up_by,
        end_source=end.source,
        included_minutes=settled.minutes,
        cost_micros=_cost_micros(plan, end),
    )


def price_table(plan: Plan, end: CallEnd) -> PriceTable | None:
    """What the call is charged by: the line's price from the instant of its answer on."""
    if plan.tariff is None or not end.answered_us:
        return None
    return plan.tariff.compile(destination(plan, end), end.answered_us // 1000)


def _cost_micros(plan: Plan, end: CallEnd) -> int | None:
    """What the call costs the provider, to whom no minutes are given."""
    if plan.cost_tariff is None:
        return None
    if not end.answered_us:
        return 0
    table = plan.cost_tariff.compile(destination(plan, end), end.answered_us // 1000)
    return table.price_micros(end.billsec)


def sold_below_cost(plan: Plan, end: CallEnd, settled: Settled) -> bool:
    """Whether the customer's price is below the cost.

    Minutes were sold with their plan: a call that used some is compared by what it would cost
    without them.
    """
    cost_micros = _cost_micros(plan, end)
    if cost_micros is None or cost_micros <= settled.fee_micros:
        return False
    table = price_table(plan, end)
    return table is not None and table.price_micros(end.billsec) < cost_micros


def _fee_lines(plan: Plan, end: CallEnd, settled: Settled) -> tuple[str, ...]:
    """The arithmetic of the fee, and what of it is not charged."""
    if plan.tariff is None or not end.answered_us:
        return ()
    if plan.tariff.bands:
        answered_ms, dialled = end.answered_us // 1000, destination(plan, end)
        rated = explain(plan.tariff, dialled, answered_ms, end.billsec, settled.minutes)
    else:
        rated = _explained(plan.tariff, end.billsec, settled.minutes)
    if (rated.amount_micros, rated.minutes_used) != (settled.fee_micros, settled.minutes):
        # the settlement stands for ever; a sum that does not lead to it would only mislead
        lines: tuple[str, ...] = (f"settled at {short_yuan(settled.fee_micros)}",)
    else:
        lines = rated.lines
    if settled.written_off_micros:
        lines = (
            *lines,
            f"{short_yuan(settled.charged_micros)} charged,"
            f" {short_yuan(settled.written_off_micros)} beyond the hold written off",
        )
    return lines


@lru_cache(maxsize=8192)
def _explained(tariff: CallTariff, billsec: int, minutes: int) -> RatedFee:
    """The same for every call of so many seconds: to whom and when does not matter."""
    return explain(tariff, "", 0, billsec, minutes)


def encode_outcome(plan: Plan, end: CallEnd) -> bytes:
    """The plan and the end as JSON for the outbox, without the token: its key carries that."""
    return orjson.dumps({"plan": orjson.Fragment(plan.encode()), "end": end})


def decode_outcome(payload: bytes) -> tuple[Plan, CallEnd]:
    """The inverse of `encode_outcome`, also for payloads of other versions of this program.

    Fields they lack get their defaults, fields we do not know are ignored. Raises ValueError or
    KeyError where even the fields that have always been there are missing.
    """
    raw: dict[str, Any] = orjson.loads(payload)
    return Plan.from_json(raw["plan"]), CallEnd.from_json(raw["end"])
