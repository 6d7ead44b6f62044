"""Exact money. 1 yuan = 1_000_000 micros; inside it is an int, at the edges decimal text."""

import re

MICROS_PER_YUAN = 1_000_000
AMOUNT_MICROS_MAX = 2**53 - 1  # Redis' Lua counts in doubles: above this they lose fen
_WHOLE_DIGITS_MAX = 10
_YUAN = re.compile(r"^(-?)(\d+)(?:\.(\d{1,6}))?$", re.ASCII)


class BadAmount(ValueError):
    """The text is not an amount of yuan with at most six decimals."""


class AmountTooLarge(BadAmount):
    """It is one, but more than can be counted."""


def parse_yuan(text: str) -> int:
    """Micros of a decimal text of yuan such as `"0.150"`; never goes through a float.

    Raises BadAmount for anything else (exponents, thousands separators, more than six decimals)
    and for amounts from 2^53 micros (about 9 007 million yuan) on.
    """
    found = _YUAN.match(text.strip())
    if not found:
        raise BadAmount(
            f"{text!r} is not an amount of yuan; write it like 12.50 (at most 6 decimals)."
        )
    sign, whole, fraction = found.groups()
    whole = whole.lstrip("0") or "0"
    if len(whole) <= _WHOLE_DIGITS_MAX:
        micros = int(whole) * MICROS_PER_YUAN + int((fraction or "").ljust(6, "0"))
    else:
        micros = AMOUNT_MICROS_MAX + 1
    if micros > AMOUNT_MICROS_MAX:
        raise AmountTooLarge(
            f"{text[:40]!r} is larger than {yuan_text(AMOUNT_MICROS_MAX)}, the most we count."
        )
    return -micros if sign else micros


def yuan_text(micros: int) -> str:
    """Decimal text of yuan with six decimals: 270000 → `"0.270000"`."""
    whole, fraction = divmod(abs(micros), MICROS_PER_YUAN)
    return f"{'-' if micros < 0 else ''}{whole}.{fraction:06d}"


def short_yuan(micros: int) -> str:
    """The same amount for people, at least two decimals: 270000 → `"0.27"`."""
    text = yuan_text(micros).rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def money_json(micros: int) -> dict[str, str]:
    """The shape of money in every HTTP answer."""
    return {"amount": yuan_text(micros), "currency": "CNY"}


def half_up(numerator: int, denominator: int, step_micros: int) -> int:
    """Round the fraction to the nearest whole `step_micros`, halves up. All arguments ≥ 0."""
    unit = denominator * step_micros
    return (2 * numerator + unit) // (2 * unit) * step_micros
