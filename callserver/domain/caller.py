"""Bring a presented caller number into canonical form and find its region.

Trunks present callers bare, with `0`, `86`, `+86` or `0086`, landlines with or without area code.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.number import is_mobile
from callserver.domain.region import Region, RegionTable

DIGITS_MAX = 20
_PRESENTED = re.compile(rf"\+?\d{{1,{DIGITS_MAX}}}", re.ASCII)
_LOCAL = re.compile(r"[2-8]\d{6,7}", re.ASCII)
_INTERNATIONAL = re.compile(r"[1-9]\d{4,14}", re.ASCII)  # E.164 ends at 15 digits
_SHORT = re.compile(r"\d{3,6}|9[56]\d{5,6}", re.ASCII)  # 110, 10086, 95588, 95013xxx


class CallerKind(StrEnum):
    """What the presented caller number turned out to be."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    INTERNATIONAL = "international"
    SHORT = "short"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Caller:
    """The A-number in canonical form: `02188886666`, `13800138000`; empty if withheld."""

    number: str
    kind: CallerKind
    region: Region | None = None


WITHHELD = Caller("", CallerKind.UNKNOWN)


def normalise(raw: str, trunk_area_code: str | None, regions: RegionTable) -> Caller:
    """The caller in canonical form; never raises, whatever the text.

    Landlines become `02188886666`, mobiles `13800138000`, foreign numbers `+85221234567`.
    Text that is not a number is a withheld caller (empty); digits that match nothing are kept,
    as UNKNOWN. A bare local number takes `trunk_area_code` if there is one.
    """
    text = raw.replace(" ", "").replace("-", "")
    if not _PRESENTED.fullmatch(text):
        return WITHHELD
    if text.startswith(("+86", "0086")):
        national = text[3:] if text[0] == "+" else text[4:]
    elif text.startswith(("+", "00")):
        return _international(text)
    else:
        national = text.lstrip("0")
        if national.startswith("86") and (found := _full(national[2:].lstrip("0"), regions)):
            return found
    return _national(national.lstrip("0"), trunk_area_code, regions)


def _international(text: str) -> Caller:
    """A number of another country: `+` or `00`, then its country code."""
    digits = text.lstrip("+0")
    if not _INTERNATIONAL.fullmatch(digits):
        return WITHHELD
    return Caller(f"+{digits}", CallerKind.INTERNATIONAL)


def _national(digits: str, trunk_area_code: str | None, regions: RegionTable) -> Caller:
    """A Chinese number without its leading zeros."""
    found = _full(digits, regions)
    if found:
        return found
    if _LOCAL.fullmatch(digits):
        region = regions.by_area_code(trunk_area_code) if trunk_area_code else None
        return Caller(f"{trunk_area_code or ''}{digits}", CallerKind.LANDLINE, region)
    kind = CallerKind.SHORT if _SHORT.fullmatch(digits) else CallerKind.UNKNOWN
    return Caller(digits, kind)


def _full(digits: str, regions: RegionTable) -> Caller | None:
    """A mobile, or a landline with a known area code; `digits` has no leading zero."""
    if is_mobile(digits):
        return Caller(digits, CallerKind.MOBILE, regions.by_mobile(digits[:7]))
    number = f"0{digits}"
    for length in (3, 4):
        region = regions.by_area_code(number[:length])
        if region and _LOCAL.fullmatch(number[length:]):
            return Caller(number, CallerKind.LANDLINE, region)
    return None
