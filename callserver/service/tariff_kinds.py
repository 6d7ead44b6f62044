"""What a record of a tariff, of one of its bands, and of a day of the calendar may say."""

from collections.abc import Mapping
from typing import Any

from callserver.domain.band import DAY_S, WEEKDAYS, Band
from callserver.domain.caller import CallerKind
from callserver.domain.holidays import DayKind, Holiday
from callserver.domain.import_set import BandRow, TariffRow
from callserver.domain.money import short_yuan
from callserver.domain.province import WRITTEN
from callserver.domain.tariff import PRECISION_MICROS_DEFAULT, TariffVersion
from callserver.service import tariff_cells as cells
from callserver.service.import_cells import Raw
from callserver.service.import_field import Field, FieldFault

_AMOUNTS = ("rate", "connection_fee", "minimum_charge", "cap", "precision")
_DAYS = {name: name for name in (*WEEKDAYS, *(kind.value for kind in DayKind))}
_PREFIX = r"\+(?!86|0)[0-9]{0,15}|(?!00)[0-9]{1,16}"
_PREFIX_IS = "how a number begins, such as 138, 0571 or +852 (Chinese ones without +86)"

TARIFF: tuple[Field, ...] = (
    Field("id", cells.slug(), about="Names the tariff; its versions share it."),
    Field(
        "effective_from",
        cells.moment(),
        None,
        "From when this version holds. Without an offset Shanghai's time; a day: its midnight.",
    ),
    Field("rate", cells.money(), about="Yuan a minute, where no band holds."),
    Field(
        "increments",
        cells.steps(),
        None,
        "First and further increments in seconds, such as 60/60 (the default) or 30/6.",
    ),
    Field(
        "initial_increment_s",
        cells.whole(1),
        None,
        "Seconds of the first increment, always billed in full. Default 60.",
    ),
    Field(
        "increment_s",
        cells.whole(1),
        None,
        "Seconds of every further increment. Default 60.",
    ),
    Field("connection_fee", cells.money(), 0, "Yuan added to a billed call."),
    Field(
        "minimum_charge",
        cells.money(),
        0,
        "Yuan, the least a billed call costs, connection fee included.",
    ),
    Field(
        "cap",
        cells.money(),
        None,
        "Yuan, the most a call costs, connection fee included; not below the minimum charge.",
    ),
    Field(
        "free_s",
        cells.whole(0),
        0,
        "Seconds: a call no longer than this is free, a longer one is billed in full.",
    ),
    Field(
        "precision",
        cells.precision(),
        PRECISION_MICROS_DEFAULT,
        "Yuan that a fee is rounded to, half up: 0.001 (the default) or 0.01.",
    ),
)

BAND_CONDITIONS: tuple[Field, ...] = (
    Field("name", cells.name(), "", "Shown in the lines of a fee."),
    Field("rate", cells.money(), about="Yuan a minute, where the band holds."),
    Field(
        "from",
        cells.time_of_day(end=False),
        None,
        "Shanghai's time of day from which the band holds, itself included. Default 00:00.",
    ),
    Field(
        "to",
        cells.time_of_day(end=True),
        None,
        "Shanghai's time of day until which it holds, itself not; not later than `from`: on the"
        " next day, and the band belongs to the day it begins on. Default 24:00.",
    ),
    Field(
        "days",
        cells.words(_DAYS, "a day"),
        (),
        "Any of these. workday, weekend and holiday are exactly one kind for each day, with"
        " China's holidays and make-up workdays; mon to sun are the calendar's days, whatever"
        " their kind.",
    ),
    Field(
        "provinces",
        cells.words(WRITTEN, "a province"),
        (),
        "Where the caller's number is registered, mobiles too.",
    ),
    Field(
        "area_codes",
        cells.digits("0[1-9][0-9]{1,2}", "an area code, such as 010 or 0571"),
        (),
        "The area code of where the caller's number is registered, mobiles too.",
    ),
    Field(
        "caller_kinds",
        cells.words({kind.value: kind.value for kind in CallerKind}, "a kind of caller"),
        (),
        "What the caller's number is; `unknown` also when it is withheld.",
    ),
    Field(
        "caller_prefixes",
        cells.digits(_PREFIX, _PREFIX_IS),
        (),
        "How the caller's number begins: 138, 0571, +852.",
    ),
    Field(
        "destination_prefixes",
        cells.digits(_PREFIX, _PREFIX_IS),
        (),
        "How the number of the line that answers begins: 138, 0571, +852.",
    ),
)

BAND: tuple[Field, ...] = (
    Field("tariff", cells.slug()),
    Field("effective_from", cells.moment(), None),
    *BAND_CONDITIONS,
)

HOLIDAY_KINDS: Mapping[str, str] = {
    kind.value: kind.value for kind in (DayKind.HOLIDAY, DayKind.WORKDAY)
}


def tariff_row(
    *,
    id: str,  # the file's key
    effective_from: int | None,
    increments: tuple[int, int] | None,
    initial_increment_s: int | None,
    increment_s: int | None,
    **terms: Any,
) -> TariffRow:
    """The row of a record. Raises FieldFault."""
    if increments is not None and (initial_increment_s is not None or increment_s is not None):
        other = "initial_increment_s" if initial_increment_s is not None else "increment_s"
        raise FieldFault("increments", f"leave it out or {other}: they say the same")
    first, further = increments or (initial_increment_s or 60, increment_s or 60)
    amounts = {f"{name}_micros": terms.pop(name) for name in _AMOUNTS}
    cap, least = amounts["cap_micros"], amounts["minimum_charge_micros"]
    if cap is not None and cap < least:
        raise FieldFault("cap", f"it is below the minimum charge {short_yuan(least)}")
    version = TariffVersion(
        tariff=id,
        version=0,
        effective_from_ms=0,
        initial_increment_s=first,
        increment_s=further,
        **terms,
        **amounts,
    )
    return TariffRow(version, effective_from)


def band_row(*, tariff: str, effective_from: int | None, rate: int, **conditions: Any) -> BandRow:
    """The row of a band; where only one end is given, the other is the day's."""
    from_s, to_s = conditions.pop("from"), conditions.pop("to")
    if from_s is not None or to_s is not None:
        from_s, to_s = from_s or 0, DAY_S if to_s is None else to_s
    return BandRow(tariff, effective_from, Band(rate, from_s, to_s, **conditions))


def holiday_row(*, date: Any, kind: str, name: str) -> Holiday:
    """The row of a day."""
    return Holiday(date, DayKind(kind), name)


def one_of(words: Mapping[str, str]) -> cells.Checked:
    """Exactly one of these words."""

    def check(raw: Raw) -> str:
        if not isinstance(raw, str) or raw not in words:
            raise ValueError(f"{raw!r} is not one of {', '.join(words)}")
        return words[raw]

    return cells.Checked(check, {"enum": list(words)})


HOLIDAY: tuple[Field, ...] = (
    Field("date", cells.day(), about="A calendar day."),
    Field("kind", one_of(HOLIDAY_KINDS), about="What it is, whatever the official calendar says."),
    Field("name", cells.name(), "", "For people."),
)
