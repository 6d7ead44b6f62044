"""Tariffs with bands, drawn at random, and what a call costs by them, worked out second by second.

Written from docs/rating.md, with Fractions and the zone's own data, and not from the code.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from callserver.domain.band import Band
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.holidays import DayKind, Holiday, HolidayCalendar
from callserver.domain.region import Region
from callserver.domain.tariff import TariffVersion

ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True)
class Call:
    """One to be rated."""

    caller: Caller
    destination: str
    answered_ms: int
    billsec: int
    minutes: int


@dataclass(frozen=True)
class Price:
    """What it comes to, in micro-yuan."""

    fee: int
    billed_s: int
    minutes_used: int


def reference(version: TariffVersion, call: Call, calendar: HolidayCalendar) -> Price:
    """The fee of a call, second by second."""
    if call.billsec == 0 or call.billsec <= version.free_s:
        return Price(0, 0, 0)
    fee, second, step = Fraction(0), 0, version.initial_increment_s
    while second < call.billsec:
        at = EPOCH.astimezone(ZONE) + timedelta(milliseconds=call.answered_ms, seconds=second)
        rate = rate_at(version, call, at.astimezone(ZONE), calendar)
        for each in range(second, second + step):
            if each >= 60 * call.minutes:
                fee += Fraction(rate, 60)
        second, step = second + step, version.increment_s
    used = min(call.minutes, ceil(Fraction(second, 60)))
    if used * 60 >= second:
        return Price(0, second, used)
    fee += version.connection_fee_micros
    fee = max(fee, Fraction(version.minimum_charge_micros))
    if version.cap_micros is not None:
        fee = min(fee, Fraction(version.cap_micros))
    unit = version.precision_micros
    return Price(floor(fee / unit + Fraction(1, 2)) * unit, second, used)


def rate_at(version: TariffVersion, call: Call, at: datetime, calendar: HolidayCalendar) -> int:
    """The rate of an increment that starts at Shanghai's `at`."""
    fitting = []
    for place, band in enumerate(version.bands):
        day = at.date()
        if band.from_s is not None and band.to_s is not None:
            clock = (at.hour * 3600 + at.minute * 60 + at.second) * 1_000_000 + at.microsecond
            begins, ends = band.from_s * 1_000_000, band.to_s * 1_000_000
            if begins < ends:
                if not begins <= clock < ends:
                    continue
            elif clock < begins:
                if clock >= ends:
                    continue
                day -= timedelta(days=1)
        kind, weekday = calendar.kind(day), WEEK[day.weekday()]
        if band.days and kind not in band.days and weekday not in band.days:
            continue
        if not caller_fits(band, call.caller) or not (
            destination := beginning(band.destination_prefixes, call.destination)
        ):
            continue
        caller = beginning(band.caller_prefixes, call.caller.number) or [0]
        region = 3 if band.area_codes else 2 if band.provinces else 1 if band.caller_kinds else 0
        holiday = kind is DayKind.HOLIDAY and "holiday" in band.days
        of_day = 2 if holiday else 1 if band.days else 0
        timed = band.from_s is not None
        order = (max(destination), max(caller), region, of_day, timed, -place)
        fitting.append((order, band.rate_micros))
    return max(fitting)[1] if fitting else version.rate_micros


def beginning(prefixes: tuple[str, ...], number: str) -> list[int]:
    """Lengths of the prefixes that fit; [0] where none is asked for."""
    return [len(each) for each in prefixes if number.startswith(each)] if prefixes else [0]


def caller_fits(band: Band, caller: Caller) -> bool:
    """Whether the band is for this caller."""
    place = caller.region or Region("", "", "")
    return (
        (not band.caller_kinds or caller.kind in band.caller_kinds)
        and (not band.provinces or place.province in band.provinces)
        and (not band.area_codes or place.area_code in band.area_codes)
        and bool(beginning(band.caller_prefixes, caller.number))
    )


CALLERS = [
    Caller("13800571234", CallerKind.MOBILE, Region("浙江", "杭州", "0571")),
    Caller("057188886666", CallerKind.LANDLINE, Region("浙江", "杭州", "0571")),
    Caller("02188886666", CallerKind.LANDLINE, Region("上海", "上海", "021")),
    Caller("19900000000", CallerKind.MOBILE),
    Caller("+85221234567", CallerKind.INTERNATIONAL),
    Caller("", CallerKind.UNKNOWN),
]
DESTINATIONS = ["02188886666", "057188886666", "13800138000", "+85221234567", ""]
PREFIXES = ["0", "02", "021", "0571", "1", "13", "138", "+852", "02188886666"]
MOMENTS = [  # around what may go wrong
    "2026-09-30T21:30", "2026-10-07T22:00", "2026-10-09T23:00", "2026-10-10T22:30",
    "2026-11-30T23:30", "2026-12-31T22:00", "2027-02-05T23:00", "2024-02-28T22:00",
    "2024-02-29T23:30", "2026-11-21T07:00", "2026-11-22T12:00",
]  # fmt: skip
OFFICIAL = HolidayCalendar(
    {
        **{date(2026, 10, day): DayKind.HOLIDAY for day in range(1, 8)},
        date(2026, 10, 10): DayKind.WORKDAY,
    },
    frozenset(range(2004, 2027)),
    {date(2027, 2, 6): Holiday(date(2027, 2, 6), DayKind.HOLIDAY)},
)

of_day = st.one_of(
    st.sampled_from([0, 1, 3_600, 8 * 3_600, 79_200, 82_800, 86_399]), st.integers(0, 86_399)
)


def lists(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Mostly none, else a few."""
    few = st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)
    return st.one_of(st.just(()), st.just(()), few.map(tuple))


@st.composite
def bands(draw: st.DrawFn) -> Band:
    """A band with some of the conditions."""
    timed = draw(st.booleans())
    return Band(
        rate_micros=draw(st.integers(0, 500_000)),
        from_s=draw(of_day) if timed else None,
        to_s=draw(st.one_of(of_day, st.just(86_400))) if timed else None,
        days=draw(lists([*WEEK, *(kind.value for kind in DayKind)])),
        provinces=draw(lists(["浙江", "上海"])),
        area_codes=draw(lists(["0571", "021"])),
        caller_kinds=draw(lists([kind.value for kind in CallerKind])),
        caller_prefixes=draw(lists(PREFIXES)),
        destination_prefixes=draw(lists(PREFIXES)),
    )


@st.composite
def banded(draw: st.DrawFn) -> TariffVersion:
    """A version with bands and, sometimes, each of the other terms."""
    least = draw(st.one_of(st.just(0), st.integers(0, 2_000_000)))
    return TariffVersion(
        "t",
        1,
        0,
        rate_micros=draw(st.integers(0, 500_000)),
        initial_increment_s=draw(st.sampled_from([60, 30, 1, 6, 7, 180])),
        increment_s=draw(st.sampled_from([60, 6, 1, 7, 90])),
        connection_fee_micros=draw(st.one_of(st.just(0), st.integers(0, 2_000_000))),
        minimum_charge_micros=least,
        free_s=draw(st.one_of(st.just(0), st.integers(0, 90))),
        precision_micros=draw(st.sampled_from([1, 1_000, 10_000])),
        cap_micros=draw(st.one_of(st.none(), st.integers(least, 5_000_000))),
        bands=tuple(draw(st.lists(bands(), min_size=1, max_size=5))),
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call around one of the moments, up to three hours long."""
    moment = datetime.fromisoformat(draw(st.sampled_from(MOMENTS))).replace(tzinfo=ZONE)
    return Call(
        caller=draw(st.sampled_from(CALLERS)),
        destination=draw(st.sampled_from(DESTINATIONS)),
        answered_ms=int(moment.timestamp()) * 1000 + draw(st.integers(0, 7_200_000)),
        billsec=draw(st.one_of(st.integers(0, 130), st.integers(0, 10_800))),
        minutes=draw(st.one_of(st.just(0), st.integers(0, 30))),
    )
