"""The fee of one call with its arithmetic, for people to check."""

from dataclasses import dataclass

from callserver.domain.money import MICROS_PER_YUAN, half_up, short_yuan
from callserver.domain.price_table import SECONDS_PER_MINUTE
from callserver.domain.tariff import TariffVersion


@dataclass(frozen=True, slots=True)
class RatedFee:
    """A fee in micro-yuan, the seconds charged for, and the sums that led to it, line by line."""

    amount_micros: int
    billed_s: int
    lines: tuple[str, ...]


def explain(version: TariffVersion, billsec: int) -> RatedFee:
    """Rate a call of `billsec` whole answered seconds and show every step.

    Step by step where the price table evaluates at once; a test holds the two together.
    """
    if billsec <= 0:
        return RatedFee(0, 0, ("not answered: free",))
    if billsec <= version.free_s:
        return RatedFee(0, 0, (f"{billsec} s, free up to {version.free_s} s",))
    billed_s = _billed_s(version, billsec)
    increments = f"{version.initial_increment_s}/{version.increment_s}"
    num = version.rate_micros * billed_s
    lines = [
        f"{billsec} s in steps of {increments} s: {billed_s} s",
        f"{billed_s} s × {short_yuan(version.rate_micros)} / 60 s = {_exact(num)}",
    ]
    if version.connection_fee_micros:
        num += version.connection_fee_micros * SECONDS_PER_MINUTE
        lines.append(
            f"+ connection fee {short_yuan(version.connection_fee_micros)} = {_exact(num)}"
        )
    if num < version.minimum_charge_micros * SECONDS_PER_MINUTE:
        num = version.minimum_charge_micros * SECONDS_PER_MINUTE
        lines.append(f"at least the minimum charge {short_yuan(version.minimum_charge_micros)}")
    fee = half_up(num, SECONDS_PER_MINUTE, version.precision_micros)
    if fee * SECONDS_PER_MINUTE != num:
        lines.append(f"to {short_yuan(version.precision_micros)}, half up: {short_yuan(fee)}")
    return RatedFee(fee, billed_s, tuple(lines))


def _billed_s(version: TariffVersion, billsec: int) -> int:
    """`billsec` rounded up: the first increment is always full, then every started one."""
    beyond_first_s = max(0, billsec - version.initial_increment_s)
    started = -(-beyond_first_s // version.increment_s)
    return version.initial_increment_s + started * version.increment_s


def _exact(num: int) -> str:
    """Yuan of a numerator over 60; an ellipsis where it goes on beyond a micro-yuan."""
    micros, rest = divmod(num, SECONDS_PER_MINUTE)
    if not rest:
        return short_yuan(micros)
    whole, fraction = divmod(micros, MICROS_PER_YUAN)
    return f"{whole}.{fraction:06d}…"
