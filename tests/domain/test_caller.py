"""Caller numbers, as trunks present them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.caller import Caller, CallerKind, normalise
from callserver.domain.region import RegionTable

MOBILE = [
    "13800138000",
    "013800138000",
    "8613800138000",
    "86013800138000",
    "08613800138000",
    "086013800138000",
    "+8613800138000",
    "008613800138000",
    "+86 138-0013-8000",
    "0013800138000"[2:],
]
SHANGHAI = [
    "02188886666",
    "2188886666",
    "862188886666",
    "8602188886666",
    "0862188886666",
    "08602188886666",
    "+862188886666",
    "+8602188886666",
    "00862188886666",
    "021-8888 6666",
]
HANGZHOU = ["057188886666", "57188886666", "8657188886666", "+8657188886666", "88886666"]


@pytest.mark.parametrize("raw", MOBILE)
def test_mobiles(regions: RegionTable, raw: str) -> None:
    """However presented, a mobile is bare and keyed by its first seven digits."""
    caller = normalise(raw, "0571", regions)
    assert (caller.number, caller.kind) == ("13800138000", CallerKind.MOBILE)
    assert caller.region
    assert caller.region.city == "北京"


@pytest.mark.parametrize("raw", SHANGHAI)
def test_landlines_with_a_three_digit_area_code(regions: RegionTable, raw: str) -> None:
    """However presented, a landline carries its area code."""
    caller = normalise(raw, "0571", regions)
    assert (caller.number, caller.kind) == ("02188886666", CallerKind.LANDLINE)
    assert caller.region
    assert caller.region.city == "上海"


@pytest.mark.parametrize("raw", HANGZHOU)
def test_landlines_with_a_four_digit_area_code(regions: RegionTable, raw: str) -> None:
    """A bare local number takes the trunk's area code."""
    caller = normalise(raw, "0571", regions)
    assert (caller.number, caller.kind) == ("057188886666", CallerKind.LANDLINE)
    assert caller.region
    assert caller.region.city == "杭州"


def test_beijing_is_no_mobile(regions: RegionTable) -> None:
    """010 without its zero begins with 1, as mobiles do."""
    assert normalise("1088886666", None, regions).number == "01088886666"


def test_a_local_number_that_begins_with_86_keeps_it(regions: RegionTable) -> None:
    """A bare 86 is the country only before a full number."""
    assert normalise("86218888", "021", regions).number == "02186218888"
    assert normalise("8621888", "021", regions).number == "0218621888"
    assert normalise("086218888", "021", regions).number == "02186218888"


def test_a_local_number_without_a_trunk_code_stays_bare(regions: RegionTable) -> None:
    """Its region is unknown, its kind is not."""
    assert normalise("88886666", None, regions) == Caller("88886666", CallerKind.LANDLINE)


@pytest.mark.parametrize(
    ("raw", "number", "kind"),
    [
        ("+85221234567", "+85221234567", CallerKind.INTERNATIONAL),
        ("0085221234567", "+85221234567", CallerKind.INTERNATIONAL),
        ("0013800138000", "+13800138000", CallerKind.INTERNATIONAL),
        ("110", "110", CallerKind.SHORT),
        ("10086", "10086", CallerKind.SHORT),
        ("95588", "95588", CallerKind.SHORT),
        ("95013123", "95013123", CallerKind.SHORT),
        ("4001234567", "4001234567", CallerKind.UNKNOWN),
        ("12345678901", "12345678901", CallerKind.UNKNOWN),
        ("96688886666", "96688886666", CallerKind.UNKNOWN),
        ("0", "", CallerKind.UNKNOWN),
    ],
)
def test_other_numbers(regions: RegionTable, raw: str, number: str, kind: CallerKind) -> None:
    """Foreign and short numbers are told apart; digits that match nothing are kept."""
    assert normalise(raw, "021", regions) == Caller(number, kind)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "unknown",
        "anonymous",
        "+",
        "00",
        "+86+86",
        "138００138000",
        "13800138000\n",
        "1380013\r\nEvent: Hangup",
        "${SHELL(id)}",
        "1" * 21,
        "张三",
        "\x00",
        "+1234",
        "+1234567890123456",
    ],
)
def test_what_is_no_number_is_withheld(regions: RegionTable, raw: str) -> None:
    """Nothing of a hostile text survives."""
    assert normalise(raw, "021", regions) == Caller("", CallerKind.UNKNOWN)


def test_an_unknown_block_keeps_the_mobile(regions: RegionTable) -> None:
    """A number newer than the file has no region."""
    assert normalise("14000000000", None, regions) == Caller("14000000000", CallerKind.MOBILE)


hostile = st.one_of(
    st.text(),
    st.text(alphabet="+0123456789 -", max_size=24),
    st.from_regex(r"\A(\+86|0086|86|0|\+|00)?[0-9]{0,12}\Z"),
)


@given(hostile, st.one_of(st.none(), st.sampled_from(["021", "0571", "", "x"])))
def test_no_text_raises(regions: RegionTable, raw: str, trunk: str | None) -> None:
    """Any text gives a caller whose number is digits, perhaps after a plus."""
    caller = normalise(raw, trunk if trunk != "x" else None, regions)
    digits = caller.number.removeprefix("+")
    assert digits == "" or (digits.isascii() and digits.isdigit())
    assert len(digits) <= 24


@given(hostile)
def test_a_full_number_is_its_own_canonical_form(regions: RegionTable, raw: str) -> None:
    """What has been normalised stays as it is."""
    caller = normalise(raw, "021", regions)
    if caller.kind in (CallerKind.MOBILE, CallerKind.LANDLINE, CallerKind.INTERNATIONAL):
        assert normalise(caller.number, "0571", regions) == caller
