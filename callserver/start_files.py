"""The files that the server reads at its start: number blocks, holidays, its call_ids' key."""

import os
import secrets
from importlib.resources import files
from pathlib import Path

from callserver.domain.holidays import DayKind, HolidayCalendar
from callserver.domain.region import RegionTable

KEY_BYTES = 32


def load_regions() -> RegionTable:
    """The table of number blocks that the `phone` package carries."""
    return RegionTable.from_phone_dat((files("phone") / "phone.dat").read_bytes())


def load_calendar() -> HolidayCalendar:
    """The official holidays and make-up workdays that `chinesecalendar` carries."""
    # 40 ms that few commands need
    from chinese_calendar.constants import (  # type: ignore[import-untyped]  # it has no types
        holidays,
        workdays,
    )

    kinds = dict.fromkeys(holidays, DayKind.HOLIDAY) | dict.fromkeys(workdays, DayKind.WORKDAY)
    return HolidayCalendar(kinds, frozenset(day.year for day in kinds))


def load_call_id_key(path: Path) -> bytes:
    """The secret that turns tokens into call_ids; made at the first start, 0600."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} must hold {KEY_BYTES} bytes, not {len(key)}; restore it.")
    return key
