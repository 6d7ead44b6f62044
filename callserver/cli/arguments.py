"""Texts of the command line to values; a wrong one is wrong usage (exit status 2)."""

import time

import typer

from callserver.cli.instants import parse_instant
from callserver.domain.billing_month import BadMonth, BillingMonth
from callserver.domain.identity import is_slug
from callserver.domain.money import AmountTooLarge, BadAmount, parse_yuan, short_yuan


def amount(text: str, option: str, least: int = 0, most: int | None = None) -> int:
    """Micros of yuan text, at least `least` and at most `most`."""
    try:
        micros = parse_yuan(text)
    except AmountTooLarge as wrong:
        if most is not None and not text.lstrip().startswith("-"):
            raise _too_much(text, option, most) from None
        raise typer.BadParameter(str(wrong), param_hint=option) from None
    except BadAmount as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None
    if micros < least:
        bound = "an amount is positive" if least == 1 else f"at least {short_yuan(least)}"
        raise typer.BadParameter(f"{text} is too little; {bound}.", param_hint=option)
    if most is not None and micros > most:
        raise _too_much(text, option, most)
    return micros


def positive(text: str, option: str, most: int, instead: str = "") -> int:
    """Micros of yuan text above 0; `instead` says how a negative one is written elsewhere."""
    if text.startswith("-"):
        hint = f"; {instead}" if instead else ""
        raise typer.BadParameter(f"{text}: an amount is positive{hint}.", param_hint=option)
    return amount(text, option, least=1, most=most)


def _too_much(text: str, option: str, most: int) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text[:40]} is too much; at most {short_yuan(most)} yuan.", param_hint=option
    )


def instant(text: str, option: str) -> int:
    """UTC milliseconds."""
    try:
        return parse_instant(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None


def instant_or_now(text: str | None, option: str) -> int:
    """UTC milliseconds of the text, or of this moment."""
    return instant(text, option) if text else time.time_ns() // 1_000_000


def month(text: str, option: str) -> BillingMonth:
    """A month in Shanghai, `2026-11`."""
    try:
        return BillingMonth.parse(text)
    except BadMonth as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None


def slug(text: str, option: str) -> str:
    """The id of a customer, provider or tariff."""
    if not is_slug(text):
        hint = "1 to 64 of a-z, 0-9, - and _"
        raise typer.BadParameter(f"{text!r} is not an id ({hint}).", param_hint=option)
    return text
