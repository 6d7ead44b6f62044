"""The fee of one call with its arithmetic, for people to check."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from callserver.domain.billing_month import shanghai
from callserver.domain.call_tariff import CallBand, CallTariff, Span, owning_day
from callserver.domain.holidays import DayKind
from callserver.domain.money import MICROS_PER_YUAN, half_up, short_yuan
from callserver.domain.number import dialled
from callserver.domain.price_table import SECONDS_PER_MINUTE

_BY_KIND = frozenset(DayKind)


@dataclass(frozen=True, slots=True)
class Charged:
    """Billed seconds at one rate: from `from_s` after the answer to before `to_s`.

    `paid_s` of them are paid for with money, the first ones perhaps with included minutes.
    """

    from_s: int
    to_s: int
    rate_micros: int
    band: CallBand | None
    paid_s: int

    @property
    def num(self) -> int:
        """Micro-yuan × 60."""
        return self.rate_micros * self.paid_s


@dataclass(frozen=True, slots=True)
class RatedFee:
    """A fee in micro-yuan, the seconds charged for, and the sums that led to it, line by line."""

    amount_micros: int
    billed_s: int
    lines: tuple[str, ...]
    charged: tuple[Charged, ...] = ()
    minutes_used: int = 0


def explain(
    tariff: CallTariff, destination: str, answered_ms: int, billsec: int, minutes: int = 0
) -> RatedFee:
    """Rate a call of `billsec` whole answered seconds and show every step.

    `minutes` included minutes are used up first. Step by step where the price table evaluates at
    once; a test holds the two together.
    """
    if billsec <= 0:
        return RatedFee(0, 0, ("not answered: free",))
    if billsec <= tariff.free_s:
        return RatedFee(0, 0, (f"{billsec} s, free up to {tariff.free_s} s",))
    billed_s = _billed_s(tariff, billsec)
    used = min(minutes, -(-billed_s // SECONDS_PER_MINUTE))
    covered_s = min(billed_s, used * SECONDS_PER_MINUTE)
    spans = tariff.spans(destination, answered_ms)
    charged = tuple(_charged(spans, billed_s, covered_s))
    increments = f"{tariff.initial_increment_s}/{tariff.increment_s}"
    lines = [f"{billsec} s in steps of {increments} s: {billed_s} s"]
    lines += _unknown_days(tariff, dialled(destination), answered_ms, billed_s)
    if used:
        lines.append(f"{_counted(used)} included: the first {covered_s} s")
    if covered_s == billed_s:
        return RatedFee(0, billed_s, (*lines, "covered by included minutes: free"), charged, used)
    num = sum(each.num for each in charged)
    paid = [each for each in charged if each.paid_s]
    lines += [_sum_of(each, answered_ms) for each in paid]
    if len(paid) > 1:
        lines.append(f"together {_exact(num)}")
    fee, more = _total(tariff, num)
    return RatedFee(fee, billed_s, (*lines, *more), charged, used)


def _total(tariff: CallTariff, num: int) -> tuple[int, list[str]]:
    """Connection fee, minimum, cap, one rounding; with their lines."""
    lines = []
    if tariff.connection_fee_micros:
        num += tariff.connection_fee_micros * SECONDS_PER_MINUTE
        lines.append(f"+ connection fee {short_yuan(tariff.connection_fee_micros)} = {_exact(num)}")
    if num < tariff.minimum_charge_micros * SECONDS_PER_MINUTE:
        num = tariff.minimum_charge_micros * SECONDS_PER_MINUTE
        lines.append(f"at least the minimum charge {short_yuan(tariff.minimum_charge_micros)}")
    if tariff.cap_micros is not None and num > tariff.cap_micros * SECONDS_PER_MINUTE:
        num = tariff.cap_micros * SECONDS_PER_MINUTE
        lines.append(f"at most the cap {short_yuan(tariff.cap_micros)}")
    fee = half_up(num, SECONDS_PER_MINUTE, tariff.precision_micros)
    if fee * SECONDS_PER_MINUTE != num:
        lines.append(f"to {short_yuan(tariff.precision_micros)}, half up: {short_yuan(fee)}")
    return fee, lines


def _billed_s(tariff: CallTariff, billsec: int) -> int:
    """`billsec` rounded up: the first increment is always full, then every started one."""
    beyond_first_s = max(0, billsec - tariff.initial_increment_s)
    started = -(-beyond_first_s // tariff.increment_s)
    return tariff.initial_increment_s + started * tariff.increment_s


def _charged(spans: tuple[Span, ...], billed_s: int, covered_s: int) -> Iterator[Charged]:
    """The billed seconds by band, steps of different length together."""
    last: Charged | None = None
    for span, after in zip(spans, [*spans[1:], None], strict=True):
        to_s = min(billed_s, after.from_s) if after else billed_s
        if span.from_s >= to_s:
            break
        if last is not None and last.band == span.band:
            last = replace(last, to_s=to_s)
        else:
            if last is not None:
                yield last
            last = Charged(span.from_s, to_s, span.rate_micros, span.band, 0)
        last = replace(last, paid_s=max(0, last.to_s - max(last.from_s, covered_s)))
    if last is not None:
        yield last


def _sum_of(charged: Charged, answered_ms: int) -> str:
    """`60 s × 0.15 / 60 s = 0.15`, and when and why where there is a band."""
    text = f"{charged.paid_s} s × {short_yuan(charged.rate_micros)} / 60 s = {_exact(charged.num)}"
    if charged.band is None:
        return text
    starts_s = charged.to_s - charged.paid_s
    at = shanghai(answered_ms + starts_s * 1000)
    return f"{text} ({_band(charged.band)}; from {at:%H:%M:%S})"


def _band(band: CallBand) -> str:
    """What of a band is not about the caller: lines stay when the caller's data is deleted."""
    name = band.name.replace("\\", "\\\\").replace('"', '\\"')
    parts = [f'band {band.number} "{name}"' if name else f"band {band.number}"]
    if band.from_s is not None and band.to_s is not None:
        parts.append(f"{clock(band.from_s)}-{clock(band.to_s)}")
    if band.days:
        parts.append(" ".join(band.days))
    if band.destination_prefixes:
        parts.append(f"to {' '.join(f'{prefix}…' for prefix in band.destination_prefixes)}")
    return ", ".join(parts)


def clock(of_day_s: int) -> str:
    """`08:00`, with seconds only where there are any; the day's end is 24:00."""
    minutes, seconds = divmod(of_day_s, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def _unknown_days(
    tariff: CallTariff, number: str, answered_ms: int, billed_s: int
) -> Iterator[str]:
    """A line where a band asks what kind of day it is and only the weekday is known."""
    bands = [band for _, band in tariff.candidates(number) if _BY_KIND & set(band.days)]
    ends_ms = answered_ms + (billed_s - 1) * 1000
    days = {
        day
        for band in bands
        for at_ms in (answered_ms, ends_ms)
        if (day := owning_day(band, at_ms)) is not None and not tariff.day_kind(day)[1]
    }
    if days:
        yield "no official calendar for that year yet: the weekday decides"


def _counted(minutes: int) -> str:
    return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"


def _exact(num: int) -> str:
    """Yuan of a numerator over 60; an ellipsis where it goes on beyond a micro-yuan."""
    micros, rest = divmod(num, SECONDS_PER_MINUTE)
    if not rest:
        return short_yuan(micros)
    whole, fraction = divmod(micros, MICROS_PER_YUAN)
    return f"{whole}.{fraction:06d}…"
