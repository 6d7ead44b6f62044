"""What providers earn: shares, differences between them, margins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.commission import (
    BadCommission,
    CallUsage,
    Terms,
    commission_text,
    earned,
    share_bp,
)

YUAN = 1_000_000


@pytest.mark.parametrize(
    ("text", "kept", "bp"),
    [
        ("margin", "margin", 0), ("10%", "10%", 1000), (" 12.50 % ", "12.5%", 1250),
        ("0.01%", "0.01%", 1), ("100%", "100%", 10_000), ("7.05%", "7.05%", 705),
    ],
)  # fmt: skip
def test_a_commission_has_one_way_of_writing(text: str, kept: str, bp: int) -> None:
    """So that an export imports back to no change."""
    assert commission_text(text) == kept == commission_text(kept)
    assert share_bp(kept) == bp


@pytest.mark.parametrize("text", ["", "10", "0%", "100.01%", "-5%", "1.234%", "١٠%", "half"])
def test_what_is_no_commission(text: str) -> None:
    """It says how to write one."""
    with pytest.raises(BadCommission, match=r"12\.5%"):
        commission_text(text)


def fees(yuan: int, cost: int = 0) -> CallUsage:
    return CallUsage(1, 1, 60, yuan * YUAN, yuan * YUAN, cost * YUAN)


def paid(terms: dict[str, tuple[str | None, str | None]], **usage: CallUsage) -> dict[str, int]:
    found = earned({name: Terms(*each) for name, each in terms.items()}, usage)
    return {name: each.micros for name, each in found.items() if each.micros}


def test_a_share_is_of_the_call_fees() -> None:
    """10 % of 123.45 is 12.345, half-up to the fen."""
    usage = CallUsage(3, 2, 100, 123_450_000, 0, 0)
    assert paid({"a": ("10%", None)}, a=usage) == {"a": 12_350_000}
    found = earned({"a": Terms("10%", None)}, {"a": usage})["a"]
    assert (found.lines, found.usage.calls) == (("123.45 × 10.00 %",), 3)


def test_those_above_earn_the_difference() -> None:
    """15 % above 10 %: five per cent of what is below, all of it of one's own."""
    terms: dict[str, tuple[str | None, str | None]] = {
        "top": ("15%", None), "mid": ("10%", "top"), "leaf": ("12%", "mid"), "none": (None, "mid")
    }  # fmt: skip
    assert paid(terms, top=fees(100)) == {"top": 15 * YUAN}
    assert paid(terms, mid=fees(100)) == {"top": 5 * YUAN, "mid": 10 * YUAN}
    assert paid(terms, leaf=fees(100)) == {"top": 3 * YUAN, "leaf": 12 * YUAN}
    assert paid(terms, none=fees(100)) == {"top": 5 * YUAN, "mid": 10 * YUAN}


def test_a_margin_is_what_is_left_of_the_price() -> None:
    """A loss too; nobody above earns by those calls."""
    terms: dict[str, tuple[str | None, str | None]] = {
        "top": ("15%", None), "shop": ("margin", "top")
    }  # fmt: skip
    assert paid(terms, shop=fees(100, 70)) == {"shop": 30 * YUAN}
    assert paid(terms, shop=fees(10, 70)) == {"shop": -60 * YUAN}
    assert paid(terms, shop=CallUsage(1, 1, 60, 99 * YUAN, 0, 0)) == {}, "covered by minutes"


PERCENTS = st.one_of(st.none(), st.integers(1, 10_000).map(lambda bp: f"{bp / 100:.2f}%"))


@given(st.lists(st.tuples(PERCENTS, st.integers(0, 10**12)), min_size=1, max_size=6))
def test_shares_never_add_up_to_more_than_the_highest(
    chain: list[tuple[str | None, int]],
) -> None:
    """Down a chain of providers all together earn the largest per cent on the way up, at most."""
    names = [f"p{number}" for number in range(len(chain))]
    terms = {
        name: Terms(commission and commission_text(commission), names[place - 1] if place else None)
        for place, (name, (commission, _)) in enumerate(zip(names, chain, strict=True))
    }
    usage = {
        name: CallUsage(1, 1, 1, micros) for name, (_, micros) in zip(names, chain, strict=True)
    }
    most = sum(
        micros * max(share_bp(terms[above].commission) for above in names[: place + 1])
        for place, (_, micros) in enumerate(chain)
    )
    total = sum(each.micros for each in earned(terms, usage).values())
    assert abs(total * 10_000 - most) <= 5_000 * 10_000 * len(chain)
