"""Instants as people write and read them."""

from datetime import UTC, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "CST")  # no summer time since 1991


def parse_instant(text: str) -> int:
    """UTC milliseconds of RFC 3339 text; without a zone it is Shanghai's time.

    Raises ValueError with a sentence for people.
    """
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(
            f"{text!r} is not an instant; write it like 2026-11-22T09:30:00+08:00"
        ) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=SHANGHAI)
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def instant_text(at_ms: int) -> str | None:
    """RFC 3339 in UTC with milliseconds; None for 0, which means never."""
    if at_ms == 0:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(at_ms: int) -> str:
    """Shanghai's time to the second, for tables; `-` for never."""
    if at_ms == 0:
        return "-"
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
