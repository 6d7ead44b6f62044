"""Bands: whom they are for, and how exactly they say so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.band import Band, bands_from_json, bands_to_json, longest_prefix
from callserver.domain.caller import Caller, CallerKind

from .samples import HANGZHOU_MOBILE, SHANGHAI, WITHHELD
from .tariff_reference import bands

FOREIGN = Caller("+85221234567", CallerKind.INTERNATIONAL)
UNPLACED = Caller("19912345678", CallerKind.MOBILE)

RANKS = [  # conditions, caller, rank, why
    ({}, WITHHELD, (0, 0), "no condition: for everybody"),
    ({"caller_kinds": ("mobile",)}, HANGZHOU_MOBILE, (0, 1), "a mobile"),
    ({"caller_kinds": ("mobile",)}, SHANGHAI, None, "a landline is none"),
    ({"caller_kinds": ("landline", "mobile")}, SHANGHAI, (0, 1), "any of them"),
    ({"caller_kinds": ("international",)}, FOREIGN, (0, 1), "from abroad"),
    ({"caller_kinds": ("unknown",)}, WITHHELD, (0, 1), "withheld is unknown"),
    ({"provinces": ("浙江",)}, HANGZHOU_MOBILE, (0, 2), "where the mobile is registered"),
    ({"provinces": ("浙江",)}, SHANGHAI, None, "another province"),
    ({"provinces": ("浙江",)}, WITHHELD, None, "nowhere"),
    ({"provinces": ("浙江",)}, UNPLACED, None, "a block that nobody knows is nowhere"),
    ({"area_codes": ("0571",)}, HANGZHOU_MOBILE, (0, 3), "mobiles have area codes too"),
    ({"area_codes": ("021", "0571")}, SHANGHAI, (0, 3), "a landline's own"),
    ({"area_codes": ("0571",), "provinces": ("浙江",)}, HANGZHOU_MOBILE, (0, 3), "the most exact"),
    ({"area_codes": ("0571",), "provinces": ("江苏",)}, HANGZHOU_MOBILE, None, "all must hold"),
    ({"provinces": ("浙江",), "caller_kinds": ("landline",)}, HANGZHOU_MOBILE, None, "both"),
    ({"caller_prefixes": ("138",)}, HANGZHOU_MOBILE, (3, 0), "how the number begins"),
    ({"caller_prefixes": ("138", "13800", "139")}, HANGZHOU_MOBILE, (5, 0), "the longest"),
    ({"caller_prefixes": ("139",)}, HANGZHOU_MOBILE, None, "another beginning"),
    ({"caller_prefixes": ("021",)}, SHANGHAI, (3, 0), "with its area code"),
    ({"caller_prefixes": ("+852",)}, FOREIGN, (4, 0), "the plus counts"),
    ({"caller_prefixes": ("1",)}, WITHHELD, None, "a withheld number begins with nothing"),
    ({"caller_prefixes": ("138",), "area_codes": ("0571",)}, HANGZHOU_MOBILE, (3, 3), "both"),
]


@pytest.mark.parametrize(("conditions", "caller", "rank", "why"), RANKS)
def test_whom_a_band_is_for(
    conditions: dict[str, Any], caller: Caller, rank: tuple[int, int] | None, why: str
) -> None:
    """Every condition that is given must hold; the most exact one ranks it."""
    assert Band(1, **conditions).caller_rank(caller) == rank, why


def test_the_longest_prefix_counts() -> None:
    """None asked for is 0, none fitting is None."""
    assert longest_prefix((), "0571") == 0
    assert longest_prefix(("05", "0571", "057"), "057188886666") == 4
    assert longest_prefix(("06",), "0571") is None


@given(st.lists(bands(), max_size=3).map(tuple))
def test_any_bands_survive_their_json(some: tuple[Band, ...]) -> None:
    """As they are kept in the books."""
    assert bands_from_json(bands_to_json(some)) == some


def test_bands_survive_their_json() -> None:
    """What is not given is not written."""
    some = (
        Band(0),
        Band(1, 79_200, 28_800, ("workday",), ("浙江",), ("0571",), ("mobile",), ("138",), ("0",)),
        Band(2, 0, 86_400, name="all day"),
    )
    assert bands_from_json(bands_to_json(some)) == some
    assert bands_to_json(some[:1]) == '[{"rate_micros":0}]'
    assert bands_from_json("[]") == ()
