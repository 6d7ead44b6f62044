"""Where `callserver rate` has its tariff from: options, the books, or files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from callserver.cli.arguments import amount
from callserver.cli.output import Failed, message

if TYPE_CHECKING:
    from datetime import date

    from callserver.domain.holidays import Holiday
    from callserver.domain.tariff import TariffVersion
    from callserver.service.quotes import Enquiry, Quote, Terms

OPTIONS_ONLY = "command-line"
INCREMENT_S_MAX = 86_400
_INCREMENTS = re.compile(r"(\d{1,18})/(\d{1,18})", re.ASCII)
_NOT_OF_AN_ID = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says of a tariff."""

    parts: Mapping[str, Any]
    precision_micros: int | None
    tariff: str | None
    did: str | None
    customer: str | None
    files: list[Path]
    at_ms: int
    config: Path | None
    data: Path | None

    @property
    def named(self) -> str:
        """The option that says which tariff; empty if none does. Raises BadParameter for two."""
        given = {
            "--did": self.did is not None,
            "--customer": self.customer is not None,
            "--tariff-file": bool(self.files),
            "--tariff": self.tariff is not None and not self.files,
        }
        first, *more = [*(option for option, there in given.items() if there), ""]
        if more and more[0]:
            raise typer.BadParameter(f"leave out {more[0]}", param_hint=first)
        return first


def asked(
    at_ms: int, seconds: int, caller: str, to: str, area_code: str, minutes: int
) -> "Enquiry":
    """The call. Raises BadParameter."""
    from callserver.service.quotes import BadEnquiry, Enquiry

    try:
        return Enquiry(seconds, at_ms, caller, to, area_code, minutes)
    except BadEnquiry as wrong:
        raise typer.BadParameter(wrong.what, param_hint=f"--{wrong.part}") from None


def priced(terms: "Terms", enquiry: "Enquiry") -> "Quote":
    """The price. Raises BadParameter."""
    from callserver.service.quotes import BadEnquiry, Quotes
    from callserver.start_files import load_calendar, load_regions

    try:
        return Quotes(load_regions, load_calendar).price(terms, enquiry)
    except BadEnquiry as wrong:
        raise typer.BadParameter(wrong.what, param_hint=f"--{wrong.part}") from None


def chosen_terms(source: Source) -> "Terms":
    """What prices the call. Raises BadParameter for what does not go together, Failed, Declined."""
    from callserver.service.quotes import Terms

    named = source.named
    if named and source.parts:
        raise typer.BadParameter(f"leave out --{next(iter(source.parts))}", param_hint=named)
    if source.files:
        terms = Terms(*_of_files(source))
    elif named:
        terms = _of_books(source)
    elif "rate" in source.parts:
        terms = Terms(_of_options(source.parts))
    else:
        hint = "give --rate, --tariff or --tariff-file, or --did or --customer"
        raise typer.BadParameter(hint, param_hint="--rate")
    if source.precision_micros is None:
        return terms
    return replace(terms, precision_micros=source.precision_micros)


def _of_books(source: Source) -> "Terms":
    from callserver.cli.opening import open_config, with_books
    from callserver.cli.tariffs import require_tariff
    from callserver.domain.number import is_did
    from callserver.service.quotes import terms_of_customer, terms_of_number, terms_of_tariff

    if source.did is not None and not is_did(source.did):
        raise typer.BadParameter(f"{source.did!r} is not 400 and seven digits", param_hint="--did")
    settings = open_config(source.config, source.data)
    catalogue = with_books(settings, lambda opened: opened.load_catalogue())
    if source.did is not None:
        return terms_of_number(catalogue, source.did, source.at_ms)
    if source.customer is not None:
        return terms_of_customer(catalogue, source.customer, source.at_ms)
    name = source.tariff or ""
    require_tariff(name, catalogue.tariffs)
    return terms_of_tariff(catalogue, name, source.at_ms)


def _of_options(parts: Mapping[str, Any]) -> "TariffVersion":
    from callserver.domain.tariff import TariffVersion

    first, further = _increments(parts.get("increments", "60/60"))
    least = amount(parts.get("minimum-charge", "0"), "--minimum-charge")
    return TariffVersion(
        tariff=OPTIONS_ONLY,
        version=1,
        effective_from_ms=0,
        rate_micros=amount(parts["rate"], "--rate"),
        initial_increment_s=first,
        increment_s=further,
        connection_fee_micros=amount(parts.get("connection-fee", "0"), "--connection-fee"),
        minimum_charge_micros=least,
        free_s=parts.get("free-seconds", 0),
        cap_micros=_cap(parts["cap"], least) if "cap" in parts else None,
    )


def _cap(text: str, least: int) -> int:
    from callserver.domain.money import short_yuan

    cap = amount(text, "--cap")
    if cap < least:
        raise typer.BadParameter(
            f"{text}: a cap is not below the minimum charge ({short_yuan(least)})",
            param_hint="--cap",
        )
    return cap


def _increments(text: str) -> tuple[int, int]:
    found = _INCREMENTS.fullmatch(text)
    if not found:
        raise typer.BadParameter(
            f"{text!r} is not like 60/60, 30/6 or 1/1", param_hint="--increments"
        )
    first, further = (int(part) for part in found.groups())
    if not (1 <= first <= INCREMENT_S_MAX and 1 <= further <= INCREMENT_S_MAX):
        raise typer.BadParameter(
            f"{text}: an increment is 1 to {INCREMENT_S_MAX} s", param_hint="--increments"
        )
    return first, further


def _of_files(source: Source) -> "tuple[TariffVersion, Mapping[date, Holiday]]":
    from callserver.service.importing import SourceFile
    from callserver.service.tariff_file import read_tariffs

    read = []
    for path in source.files:
        try:
            content = path.read_bytes()
        except OSError as fault:
            raise Failed(f"{path}: {fault.strerror}") from fault
        read.append(SourceFile(str(path), content))
    stem = _NOT_OF_AN_ID.sub("-", source.files[0].stem.lower()).strip("-_")[:64]
    found = read_tariffs(read, source.tariff or stem or "tariff")
    if isinstance(found, list):
        for problem in found:
            message(str(problem))
        raise Failed(f"{len(found)} {'problem' if len(found) == 1 else 'problems'} in the file")
    if not found.tariffs:
        files = ", ".join(map(str, source.files))
        raise Failed(f'{files} has no tariff: it needs at least `rate = "0.15"`')
    name = source.tariff
    if name is None:
        if len(found.tariffs) != 1:
            known = ", ".join(found.tariffs)
            raise Failed(f"the file must have one tariff, or choose with --tariff: {known}")
        (name,) = found.tariffs
    return _version(source, name, found.tariffs), found.holidays


def _version(
    source: Source, name: str, tariffs: "Mapping[str, tuple[TariffVersion, ...]]"
) -> "TariffVersion":
    from callserver.domain.near_word import did_you_mean
    from callserver.domain.routing import version_at

    if name not in tariffs:
        near = did_you_mean(name, tariffs) or "."
        raise Failed(f"there is no tariff {name!r}{near} There are: {', '.join(tariffs)}")
    version = version_at(tariffs[name], source.at_ms)
    if version is None:
        raise Failed(f"tariff {name!r} has no version in effect at that time")
    return version
