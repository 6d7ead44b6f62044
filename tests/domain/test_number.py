"""Forms of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.number import dialled, is_destination, is_did, is_mobile, mask


@pytest.mark.parametrize("text", ["4001234567", "4008000000", "4000000000", "4007654321"])
def test_dids(text: str) -> None:
    """A 400 number is never rejected by its carrier prefix."""
    assert is_did(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "400123456",
        "40012345678",
        "8001234567",
        "4001234567\n",
        "4001234567&PJSIP/9",
        "400１２３４５６７",
        "+4001234567",
    ],
)
def test_what_is_no_did(text: str) -> None:
    """Anything longer, shorter or with a second destination behind it is refused."""
    assert not is_did(text)


@pytest.mark.parametrize("text", ["110", "13800138000", "+8613800138000", "1" * 20])
def test_destinations(text: str) -> None:
    """3 … 20 digits, perhaps after a plus."""
    assert is_destination(text)


@pytest.mark.parametrize(
    "text", ["", "12", "+12", "1" * 21, "138&139", "138,30", "138\n", "++138", "138@x", "１２３"]
)
def test_what_may_not_be_dialled(text: str) -> None:
    """Nothing that means something to a Dial string passes."""
    assert not is_destination(text)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138****5678"),
        ("02188886666", "0218****666"),
        ("057188886666", "0571****666"),
        ("+85221234567", "+852****567"),
        ("88886666", "8****666"),
        ("8888666", "****666"),
        ("10086", "***"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_masks(number: str, shown: str) -> None:
    """Enough is shown to recognise a caller, too little to call back."""
    assert mask(number) == shown


@given(st.text(alphabet="+0123456789", min_size=1, max_size=24))
def test_a_mask_hides_at_least_four_digits(number: str) -> None:
    """Or all of a shorter number."""
    shown = mask(number).replace("*", "")
    assert len(shown) <= max(0, len(number) - 4)


def test_mobiles_are_bare() -> None:
    """Canonical mobiles carry no prefix, and 10… to 12… are none."""
    assert is_mobile("19912345678")
    for text in ("12345678901", "013800138000", "1380013800", "13800138000\n"):
        assert not is_mobile(text)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (
            "13800138000",
            "8613800138000 08613800138000 86013800138000 +8613800138000 008613800138000",
        ),
        ("13800138000", "013800138000 086013800138000"),
        ("02188886666", "0862188886666 08602188886666"),
        ("02188886666", "2188886666 862188886666 8602188886666 +862188886666 00862188886666"),
        ("01088886666", "1088886666 861088886666 8601088886666 +861088886666 00861088886666"),
        ("05718888666", "5718888666 865718888666 8605718888666 +865718888666 00865718888666"),
        ("057188886666", "57188886666 8657188886666 +8657188886666 0086057188886666"),
        ("+85221234567", "0085221234567"),
        ("4008123456", "+864008123456 00864008123456"),
        ("10086", "+8610086"),
        ("95588", "008695588"),
    ],
)
def test_a_line_has_one_form_however_it_is_written(form: str, texts: str) -> None:
    """So a prefix fits it or not, whatever stands before the number for the trunk's sake."""
    assert {dialled(text) for text in (form, *texts.split())} == {form}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "110",
        "10086",
        "8601",
        "86010",
        "08610086",
        "086218888",
        "86123456",
        "8688886666",
        "8008108888",
        "95013123456",
        "02110086",
    ],
)
def test_what_is_no_full_number_stays_as_it_is(text: str) -> None:
    """Extensions, services, and local numbers that begin with 86."""
    assert dialled(text) == text
