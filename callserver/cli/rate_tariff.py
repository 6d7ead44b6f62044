"""Where `callserver rate` has its tariff from: options, the books, or files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from callserver.cli.arguments import amount
from callserver.cli.output import Failed, message

if TYPE_CHECKING:
    from datetime import date

    from callserver.domain.call_tariff import CallTariff
    from callserver.domain.caller import Caller
    from callserver.domain.holidays import Holiday
    from callserver.domain.tariff import TariffVersion

OPTIONS_ONLY = "command-line"
INCREMENT_S_MAX = 86_400
SECONDS_MAX = 31_536_000
_INCREMENTS = re.compile(r"(\d{1,5})/(\d{1,5})", re.ASCII)
_NOT_OF_AN_ID = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says of a tariff and a call."""

    parts: Mapping[str, Any]
    precision_micros: int | None
    name: str | None
    files: list[Path]
    at_ms: int
    caller: str
    area_code: str | None
    seconds: int
    config: Path | None
    data: Path | None


def chosen_tariff(source: Source) -> "CallTariff":
    """The terms for this call. Raises BadParameter for what does not go together, and Failed."""
    named = "--tariff-file" if source.files else "--tariff"
    if source.name is not None or source.files:
        if source.parts:
            raise typer.BadParameter(f"leave out --{next(iter(source.parts))}", param_hint=named)
        version, holidays = _of_files(source) if source.files else _stored(source)
    elif "rate" not in source.parts:
        raise typer.BadParameter("give --rate, --tariff or --tariff-file", param_hint="--rate")
    else:
        version, holidays = _of_options(source.parts), {}
    return _for_call(source, version, holidays)


def _for_call(
    source: Source, version: "TariffVersion", holidays: "Mapping[date, Holiday]"
) -> "CallTariff":
    from callserver.domain.call_tariff import CallTariff
    from callserver.domain.holidays import HolidayCalendar
    from callserver.start_files import load_calendar

    if source.seconds > SECONDS_MAX:
        raise typer.BadParameter(f"at most {SECONDS_MAX}, a year", param_hint="--seconds")
    if version.bands:
        _check_year(source)
    calendar = load_calendar() if version.bands else HolidayCalendar()
    return CallTariff.snapshot(
        version,
        _caller(source, version),
        source.at_ms,
        source.seconds,
        calendar.overridden(holidays),
        source.precision_micros,
    )


def _check_year(source: Source) -> None:
    """Bands need days that a calendar can have."""
    from callserver.domain.billing_month import FIRST_YEAR, LAST_YEAR, shanghai

    try:
        year = shanghai(source.at_ms).year
    except OverflowError:
        year = 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise typer.BadParameter(f"between {FIRST_YEAR} and {LAST_YEAR}", param_hint="--at")


def _caller(source: Source, version: "TariffVersion") -> "Caller":
    from callserver.domain.caller import normalise
    from callserver.domain.number import is_area_code
    from callserver.domain.region import RegionTable
    from callserver.start_files import load_regions

    if source.area_code and not is_area_code(source.area_code):
        raise typer.BadParameter(
            f"{source.area_code!r} is not an area code, such as 010 or 0571",
            param_hint="--area-code",
        )
    # The table takes a while to read, and only a band can ask where a caller is from.
    regions = load_regions() if version.bands and source.caller else RegionTable.empty()
    return normalise(source.caller, source.area_code or None, regions)


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
        cap_micros=amount(parts["cap"], "--cap", least=least) if "cap" in parts else None,
    )


def _increments(text: str) -> tuple[int, int]:
    found = _INCREMENTS.fullmatch(text)
    first, further = (int(part) for part in found.groups()) if found else (0, 0)
    if not (1 <= first <= INCREMENT_S_MAX and 1 <= further <= INCREMENT_S_MAX):
        raise typer.BadParameter(
            f"{text!r} is not like 60/60, 30/6 or 1/1", param_hint="--increments"
        )
    return first, further


def _stored(source: Source) -> "tuple[TariffVersion, Mapping[date, Holiday]]":
    from callserver.cli.opening import open_config, with_books

    settings = open_config(source.config, source.data)
    catalogue = with_books(settings, lambda opened: opened.load_catalogue())
    return _version(source, source.name or "", catalogue.tariffs), catalogue.holidays


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
    found = read_tariffs(read, source.name or stem or "tariff")
    if isinstance(found, list):
        for problem in found:
            message(str(problem))
        raise Failed(f"{len(found)} {'problem' if len(found) == 1 else 'problems'} in the file")
    name = source.name
    if name is None:
        if len(found.tariffs) != 1:
            known = ", ".join(found.tariffs) or "none"
            raise Failed(f"the file must have one tariff, or choose with --tariff: {known}")
        (name,) = found.tariffs
    return _version(source, name, found.tariffs), found.holidays


def _version(
    source: Source, name: str, tariffs: "Mapping[str, tuple[TariffVersion, ...]]"
) -> "TariffVersion":
    from callserver.config_error import did_you_mean
    from callserver.domain.routing import version_at

    if name not in tariffs:
        raise Failed(f"there is no tariff {name!r}{did_you_mean(name, tariffs)}")
    version = version_at(tariffs[name], source.at_ms)
    if version is None:
        raise Failed(f"tariff {name!r} has no version in effect at that time")
    return version
