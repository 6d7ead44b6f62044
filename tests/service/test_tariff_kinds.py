"""Rows of tariffs, bands and days, against the manual and what they become."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from callserver.domain.band import DAY_S
from callserver.domain.caller import CallerKind
from callserver.domain.holidays import DayKind, Holiday
from callserver.service.import_field import REQUIRED, FieldFault
from callserver.service.tariff_kinds import (
    BAND_CONDITIONS,
    TARIFF,
    band_row,
    holiday_row,
    tariff_row,
)

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["rating.md", "rating.zh-CN.md"])
def test_every_key_is_in_the_manual(page: str) -> None:
    """Of a tariff and of a band, and every kind of caller and day."""
    text = (DOCS / page).read_text("utf-8")
    keys = [each.name for each in (*TARIFF, *BAND_CONDITIONS) if each.name != "id"]
    words = [*(kind.value for kind in CallerKind), *(kind.value for kind in DayKind)]
    assert [key for key in (*keys, *words) if f"`{key}" not in text] == []


def terms(**changed: Any) -> dict[str, Any]:
    """The cells of a tariff, checked."""
    given = {each.name: each.default for each in TARIFF if each.default is not REQUIRED}
    return {**given, "id": "t", "rate": 150_000, **changed}


INCREMENTS = [  # cells, first, further
    ({}, 60, 60),
    ({"increments": (30, 6)}, 30, 6),
    ({"initial_increment_s": 30}, 30, 60),
    ({"increment_s": 6}, 60, 6),
]


@pytest.mark.parametrize(("cells", "first", "further"), INCREMENTS)
def test_increments_are_said_in_one_key_or_two(
    cells: dict[str, Any], first: int, further: int
) -> None:
    """What is left out is a minute."""
    row = tariff_row(**terms(**cells))
    assert (row.terms.initial_increment_s, row.terms.increment_s) == (first, further)


@pytest.mark.parametrize("key", ["initial_increment_s", "increment_s"])
def test_increments_are_not_said_twice(key: str) -> None:
    """Which would hold?"""
    with pytest.raises(FieldFault, match=f"leave it out or {key}") as fault:
        tariff_row(**terms(increments=(60, 60), **{key: 60}))
    assert fault.value.key == "increments"


def test_a_cap_is_not_below_the_minimum() -> None:
    """The same is allowed: every call costs just that."""
    assert tariff_row(**terms(cap=5, minimum_charge=5)).terms.cap_micros == 5
    with pytest.raises(FieldFault, match="below the minimum charge"):
        tariff_row(**terms(cap=4, minimum_charge=5))


ENDS = [  # from, to, from_s, to_s
    (None, None, None, None),
    (None, 0, 0, 0),
    (None, 8, 0, 8),
    (0, None, 0, DAY_S),
    (8, None, 8, DAY_S),
    (8, 0, 8, 0),
]


@pytest.mark.parametrize(("begins", "ends", "from_s", "to_s"), ENDS)
def test_an_end_that_is_not_given_is_the_days(
    begins: int | None, ends: int | None, from_s: int | None, to_s: int | None
) -> None:
    """Neither given: the band asks for no time."""
    cells = {"tariff": "t", "effective_from": None, "rate": 1, "from": begins, "to": ends}
    band = band_row(**cells).band
    assert (band.from_s, band.to_s) == (from_s, to_s)


def test_a_day_is_a_holiday_or_a_workday() -> None:
    """As the catalogue keeps it."""
    day = date(2027, 2, 6)
    row = holiday_row(date=day, kind="workday", name="补班")
    assert row == Holiday(day, DayKind.WORKDAY, "补班")
