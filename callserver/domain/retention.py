"""How long callers' numbers are kept, and what is left of them: counts by day and region."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from callserver.domain.billing_month import BillingMonth, shanghai_day

_KEY = ("day", "did", "customer", "province", "area_code")


@dataclass(frozen=True, slots=True)
class CallerData:
    """One call's personal data with what its CDR counts. `province` … may be unknown: empty."""

    ended_ms: int
    call_id: str
    did: str
    customer: str
    province: str
    area_code: str
    answered: bool
    billsec: int
    billed_s: int
    fee_micros: int
    charged_micros: int


@dataclass(frozen=True, slots=True)
class CallerDay:
    """What is kept for ever: calls of a Shanghai day to one number from one area."""

    day: date
    did: str
    customer: str
    province: str
    area_code: str
    calls: int = 0
    answered: int = 0
    billsec: int = 0
    billed_s: int = 0
    fee_micros: int = 0
    charged_micros: int = 0


@dataclass(frozen=True, slots=True)
class Dispute:
    """A note that a call is contested. While it is open (`closed_ms` None) its caller stays."""

    call_id: str
    ended_ms: int
    note: str
    actor: str
    opened_ms: int
    closed_ms: int | None = None


def kept_from_ms(now_ms: int, months: int) -> int:
    """From when on callers are kept (UTC milliseconds): `months` full Shanghai months (≥ 0) before
    the running one, which is kept too."""
    month = BillingMonth.of(now_ms)
    for _ in range(months):
        month = month.previous()
    return month.from_ms


def by_day(calls: Iterable[CallerData]) -> list[CallerDay]:
    """The calls added up by day, number, customer and area; nothing of one caller is left."""
    sums: dict[tuple[object, ...], CallerDay] = {}
    for call in calls:
        new = CallerDay(
            shanghai_day(call.ended_ms),
            call.did,
            call.customer,
            call.province,
            call.area_code,
            1,
            int(call.answered),
            call.billsec,
            call.billed_s,
            call.fee_micros,
            call.charged_micros,
        )
        key = tuple(getattr(new, name) for name in _KEY)
        before = sums.get(key)
        sums[key] = new if before is None else _added(before, new)
    return list(sums.values())


def _added(one: CallerDay, other: CallerDay) -> CallerDay:
    return CallerDay(
        **{
            each.name: getattr(one, each.name)
            if each.name in _KEY
            else getattr(one, each.name) + getattr(other, each.name)
            for each in fields(CallerDay)
        }
    )
