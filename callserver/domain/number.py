"""The forms of telephone numbers, and how they are shown to people who need not know them."""

import re

_DID = re.compile(r"400\d{7}", re.ASCII)
_DESTINATION = re.compile(r"\+?\d{3,20}", re.ASCII)
_AREA_CODE = re.compile(r"0\d{2,3}", re.ASCII)
_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
# A landline without its 0: area code, local number. 400, 800, 95… are services; no area is 086….
_LANDLINE = re.compile(r"(?:10|2\d)[2-8]\d{7}|(?!400|800|86|950)[3-9]\d\d[2-8]\d{6,7}", re.ASCII)

SHOWN_LAST = 3
HIDDEN_LEAST = 4


def is_did(text: str) -> bool:
    """Whether the text is a 400 number as it is dialled: 400 and seven digits."""
    return _DID.fullmatch(text) is not None


def is_destination(text: str) -> bool:
    """Whether the text may be dialled: 3 … 20 ASCII digits, perhaps after a plus.

    Checked when a destination is written and again when it is read: whatever else reaches a Dial
    string is toll fraud.
    """
    return _DESTINATION.fullmatch(text) is not None


def is_area_code(text: str) -> bool:
    """Whether the text has the form of an area code, its 0 included: 010, 0571."""
    return _AREA_CODE.fullmatch(text) is not None


def is_mobile(text: str) -> bool:
    """Whether the text is a mobile number in canonical form (11 digits, 13… to 19…)."""
    return _MOBILE.fullmatch(text) is not None


def dialled(destination: str) -> str:
    """A destination in the one form that prefixes are written in: `0571…`, `138…`, `+852…`.

    Without `+86`, `0086`, or an `86` or `086` before a full number; a mobile without a leading
    zero, a landline with its own; other `00…` as `+…`. What is neither stays as it is.
    """
    if destination.startswith(("+86", "0086")):
        national = destination[3 if destination[0] == "+" else 4 :]
        return _national(national) or national
    if destination.startswith(("+", "00")):
        return f"+{destination.lstrip('+0')}"
    bare = destination.lstrip("0")
    if bare.startswith("86") and (found := _national(bare[2:])):
        return found
    return _national(destination) or destination


def _national(digits: str) -> str | None:
    """A full mobile or landline of China in its one form; None for anything else."""
    bare = digits.lstrip("0")
    if is_mobile(bare):
        return bare
    return f"0{bare}" if _LANDLINE.fullmatch(bare) else None


def mask(number: str) -> str:
    """A caller's number for logs, tables and anybody but its owner.

    `13812345678` → `138****5678`, `02188886666` → `0218****666`; of shorter numbers only the last
    three digits, below seven nothing. At least four digits are hidden; an empty one stays empty.
    """
    if not number:
        return ""
    if is_mobile(number):
        return f"{number[:3]}****{number[-4:]}"
    shown_first = len(number) - SHOWN_LAST - HIDDEN_LEAST
    if shown_first < 0:
        return "***"
    return f"{number[: min(4, shown_first)]}****{number[-SHOWN_LAST:]}"
