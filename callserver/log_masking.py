"""What must not stand in a log: full caller numbers, call tokens, passwords, API tokens.

DIDs (400 and seven digits) are public and stay as they are.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from enum import Enum
from functools import lru_cache
from typing import Any

from callserver.domain.number import mask

REMOVED = "[removed]"
DEPTH_MAX = 8
_COMMON = (int, str)

_DID = re.compile(r"400\d{7}", re.ASCII)
_CALL_ID = re.compile(r"\d\d-[0-9a-f]{32}", re.ASCII)
_DIGIT_RUN = re.compile(r"\+?\d(?:[ -]?\d){6,}", re.ASCII)
_NUMBER_KEYS = frozenset({"number", "src", "ani", "exten", "callee", "from", "to", "line_number"})
_NUMBER_KEY_PARTS = ("caller", "destination", "phone", "connectedline")
_SECRET_KEY_PARTS = ("secret", "token", "password", "passwd", "authorization", "api_key")

_PHONE = re.compile(
    r"""(?<![0-9A-Za-z])(?:
        (?:(?:\+|00)?86[ -]?|0)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}            # mobile
      | (?:(?:\+|00)?86[ -]?0?|0)[1-9]\d{1,2}[ -]?[2-8]\d{2,3}[ -]?\d{4} # landline, area code
      | (?:\+|00)\d(?:[ -]?\d){6,17}                                    # international
    )(?![0-9A-Za-z])""",
    re.VERBOSE | re.ASCII,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*):\S*@")
_NAMED_SECRET = re.compile(
    r"(?i)((?:secret|token|password)\w*)(['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,;&'\")]+)"
)
_API_TOKEN = re.compile(r"cs_[A-Za-z0-9_-]{20,}", re.ASCII)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[^\s'\",]+")


class _Kind(Enum):
    SECRET = 1
    NUMBERS = 2
    TEXT = 3


def mask_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """structlog processor: the event with its name first and nothing in it that must not be."""
    masked: dict[str, Any] = {"event": mask_text(str(event.get("event", "")))}
    for key, value in event.items():
        if key == "event":
            continue
        if type(value) in _COMMON and _kind_of(key) is _Kind.TEXT:
            masked[key] = value if type(value) is int else mask_text(value)
        else:
            masked[key] = _mask_under(key, value, 0)
    return masked


@lru_cache(maxsize=4096)  # most texts of a log come again: event names, DIDs, ids of live calls
def mask_text(text: str) -> str:
    """Free text without phone numbers in their usual forms, call tokens or passwords."""
    if len(text) < 7 or _CALL_ID.fullmatch(text):
        return text
    if text.count("-") >= 4:
        text = _UUID.sub(REMOVED, text)
    if "=" in text or ":" in text:
        text = _URL_PASSWORD.sub(r"\1:***@", text)
        text = _NAMED_SECRET.sub(rf"\1\2{REMOVED}", text)
    if "cs_" in text:
        text = _API_TOKEN.sub(REMOVED, text)
    if " " in text:
        text = _BEARER.sub(rf"\1{REMOVED}", text)
    return _PHONE.sub(lambda found: mask(found.group()), text)


@lru_cache(maxsize=1024)
def _kind_of(key: str) -> _Kind:
    lower = key.lower()
    if any(part in lower for part in _SECRET_KEY_PARTS) and not lower.endswith("_file"):
        return _Kind.SECRET
    if lower in _NUMBER_KEYS or any(part in lower for part in _NUMBER_KEY_PARTS):
        return _Kind.NUMBERS
    return _Kind.TEXT


def _mask_under(key: str, value: Any, depth: int) -> Any:
    match _kind_of(key):
        case _Kind.SECRET:
            counts = isinstance(value, int) and key.endswith("s")  # tokens=4
            return value if value is None or isinstance(value, bool) or counts else REMOVED
        case _Kind.NUMBERS:
            return _mask_value(value, depth, _mask_all_numbers)
        case _Kind.TEXT:
            return _mask_value(value, depth, mask_text)


def _mask_all_numbers(text: str) -> str:
    """For fields that hold phone numbers: any seven digits or more, except a DID."""
    return _DIGIT_RUN.sub(
        lambda run: run.group() if _DID.fullmatch(run.group()) else mask(run.group()),
        mask_text(text),
    )


def _mask_value(value: Any, depth: int, how: Callable[[str], str]) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):  # before int: an Enum of texts is one
        return how(str(value))
    if isinstance(value, int):
        return value if how is mask_text else _mask_int(value)
    if isinstance(value, bytes | bytearray):
        return how(bytes(value).decode(errors="replace"))
    if depth >= DEPTH_MAX:
        return REMOVED
    if isinstance(value, Mapping):
        return {how(str(key)): _mask_item(key, item, depth, how) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask_value(item, depth + 1, how) for item in value]
    return how(str(value))


def _mask_item(key: object, item: Any, depth: int, how: Callable[[str], str]) -> Any:
    if how is mask_text:
        return _mask_under(str(key), item, depth + 1)
    masked = _mask_under(str(key), item, depth + 1)
    return masked if masked == REMOVED else _mask_value(item, depth + 1, how)


def _mask_int(value: int) -> int | str:
    masked = _mask_all_numbers(str(value))
    return value if masked == str(value) else masked
