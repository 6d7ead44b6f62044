"""Texts of the command line to values; a wrong one is wrong usage (exit status 2)."""

import time

import typer

from callserver.cli.instants import parse_instant
from callserver.domain.billing_month import BadMonth, BillingMonth
from callserver.domain.identity import is_slug
from callserver.domain.money import BadAmount, parse_yuan, short_yuan


def amount(text: str, option: str, least: int = 0, most: int | None = None) -> int:
    """Micros of yuan text, at least `least` and at most `most`."""
    try:
        micros = parse_yuan(text)
    except BadAmount as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None
    if micros < least:
        raise typer.BadParameter(f"{text} is too little.", param_hint=option)
    if most is not None and micros > most:
        raise typer.BadParameter(
            f"{text} is too much; at most {short_yuan(most)}.", param_hint=option
        )
    return micros


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
