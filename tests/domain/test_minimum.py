"""[R1] Formula, raises, cuts, exemptions and shortfalls, from tables and as properties."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.minimum import (
    BASE_RATE_MICROS,
    FEN_MICROS,
    MINIMUM_MICROS_MAX,
    Happened,
    Service,
    Standing,
    Terms,
    followed,
    formula_micros,
    raised,
    services,
    shortfall_micros,
    standing,
)
from callserver.domain.money import parse_yuan

NOVEMBER = BillingMonth(2026, 11)
START, END = NOVEMBER.from_ms, NOVEMBER.to_ms
YUAN = 1_000_000


def yuan(text: str) -> int:
    return parse_yuan(text)


def agreed(amount: str, rate: str) -> Terms:
    found = raised(None, yuan(amount), yuan(rate), in_use=False, confirmed=True)
    assert found is not None
    return found


FORMULA = [  # minimum at 0.3, rate, minimum
    ("100", "0.3", "100"),
    ("100", "0.15", "50"),
    ("100", "0.12", "40"),
    ("100", "0.13", "43.33"),
    ("100", "0.2", "66.67"),
    ("100", "0.000015", "0.01"),  # 0.005 is half a fen: up
    ("100", "0.000014", "0"),
    ("0", "0.15", "0"),
    ("100", "0", "0"),
]


@pytest.mark.parametrize(("base", "rate", "amount"), FORMULA)
def test_the_formula(base: str, rate: str, amount: str) -> None:
    """Minimum at 0.3, divided by 0.3, times the rate, half-up to 0.01 yuan."""
    assert formula_micros(yuan(base), BASE_RATE_MICROS, yuan(rate)) == yuan(amount)


@pytest.mark.parametrize(("base", "rate", "amount"), FORMULA[1:5])
def test_a_number_not_in_use_follows_its_rate_down(base: str, rate: str, amount: str) -> None:
    """Agreed at 0.3, the minimum follows in proportion, and keeps what it is based on."""
    now = followed(agreed(base, "0.3"), yuan(rate), in_use=False)
    assert now == Terms(yuan(amount), yuan(rate), yuan(base), BASE_RATE_MICROS)


def test_a_number_in_use_never_follows() -> None:
    """Whatever its rate does, and it cannot be asked for either."""
    now = agreed("100", "0.3")
    assert followed(now, yuan("0.15"), in_use=True) is None
    with pytest.raises(Declined) as found:
        raised(now, yuan("50"), yuan("0.15"), in_use=True, confirmed=True)
    assert found.value.reason is Reason.MINIMUM_LOWERED


@pytest.mark.parametrize("rate", ["0.3", "0.4"])
def test_nothing_follows_a_rate_that_did_not_go_down(rate: str) -> None:
    """An unchanged rate lowers nothing, and a higher one raises nothing."""
    now = agreed("100", "0.3")
    assert followed(now, yuan(rate), in_use=False) is None
    with pytest.raises(Declined) as found:
        raised(now, yuan("99.99"), yuan(rate), in_use=False, confirmed=True)
    assert found.value.reason is Reason.MINIMUM_LOWERED


def test_a_raise_must_be_confirmed() -> None:
    """Who did not confirm is told that it cannot be undone."""
    with pytest.raises(Declined, match="cannot be lowered") as found:
        raised(agreed("50", "0.15"), yuan("60"), yuan("0.15"), in_use=True, confirmed=False)
    assert found.value.reason is Reason.CONFIRMATION_NEEDED


def test_a_first_minimum_is_a_raise_from_nothing() -> None:
    """It needs its confirmation too."""
    with pytest.raises(Declined) as found:
        raised(None, yuan("60"), yuan("0.15"), in_use=False, confirmed=False)
    assert found.value.reason is Reason.CONFIRMATION_NEEDED


def test_the_same_minimum_again_is_nothing_new() -> None:
    """Asked for what stands, nothing happens and nothing need be confirmed."""
    now = agreed("50", "0.15")
    assert raised(now, yuan("50"), yuan("0.15"), in_use=True, confirmed=False) is None
    assert raised(None, 0, yuan("0.15"), in_use=True, confirmed=False) is None


def test_a_raise_rebases() -> None:
    """60 at 0.15 is 120 at 0.3: a cut to 0.12 gives 48, not the 40 of before the raise."""
    now = raised(agreed("50", "0.15"), yuan("60"), yuan("0.15"), in_use=False, confirmed=True)
    assert now is not None
    assert now.base_micros == yuan("120")
    cut = followed(now, yuan("0.12"), in_use=False)
    assert cut is not None
    assert cut.amount_micros == yuan("48")


def test_a_raise_at_a_higher_rate_never_takes_away_an_older_one() -> None:
    """100 at 0.3 stays what 0.15 is computed from, though 60 at 0.3 would be less."""
    now = followed(agreed("100", "0.3"), yuan("0.15"), in_use=False)
    assert now is not None
    up = raised(now, yuan("60"), yuan("0.3"), in_use=False, confirmed=True)
    assert up is not None
    assert up.base_micros == yuan("100")
    back = followed(up, yuan("0.15"), in_use=False)
    assert back is not None
    assert back.amount_micros == yuan("50")


def test_an_operator_may_ask_for_what_the_formula_gives() -> None:
    """And for anything above it; what it is based on stays exact."""
    now = agreed("100", "0.3")
    cut = raised(now, yuan("66.67"), yuan("0.2"), in_use=False, confirmed=False)
    assert cut == Terms(yuan("66.67"), yuan("0.2"), yuan("100"), BASE_RATE_MICROS)
    with pytest.raises(Declined):
        raised(now, yuan("66.66"), yuan("0.2"), in_use=False, confirmed=True)
    more = raised(now, yuan("70"), yuan("0.2"), in_use=False, confirmed=False)
    assert more is not None
    assert more.base_micros == yuan("105")


def test_a_minimum_may_be_said_at_the_bases_rate() -> None:
    """100 at 0.3, for a number at 0.13: 43.33, based on 100 and not on the rounded figure."""
    now = raised(
        None,
        yuan("100"),
        yuan("0.13"),
        in_use=False,
        confirmed=True,
        at_rate_micros=BASE_RATE_MICROS,
    )
    assert now == Terms(yuan("43.33"), yuan("0.13"), yuan("100"), BASE_RATE_MICROS)


REFUSED = [
    (yuan("50.001"), yuan("0.15"), Reason.MINIMUM_MALFORMED),
    (-FEN_MICROS, yuan("0.15"), Reason.MINIMUM_MALFORMED),
    (MINIMUM_MICROS_MAX + FEN_MICROS, yuan("0.15"), Reason.MINIMUM_MALFORMED),
    (yuan("50"), 0, Reason.MINIMUM_NEEDS_RATE),
]


@pytest.mark.parametrize(("amount", "rate", "reason"), REFUSED)
def test_what_is_no_minimum_is_refused(amount: int, rate: int, reason: Reason) -> None:
    """Whole fen, not negative, and at a rate."""
    with pytest.raises(Declined) as found:
        raised(None, amount, rate, in_use=False, confirmed=True)
    assert found.value.reason is reason


fen = st.integers(1, 10_000_000).map(lambda n: n * FEN_MICROS)
rates = st.integers(1, 5_000_000)


@given(fen, rates, st.lists(rates, max_size=8))
def test_cuts_leave_the_minutes_bought_as_they_are(base: int, at: int, cuts: list[int]) -> None:
    """However often the rate changes, minimum ÷ rate is that of the start, to 0.01 yuan."""
    now = Terms(base, at, base, at)
    for rate in cuts:
        cut = followed(now, rate, in_use=False)
        if cut is not None:
            now = cut
            assert abs(now.minutes * rate - now.amount_micros) <= Fraction(FEN_MICROS, 2)
        assert now.minutes == Fraction(base, at)


@given(fen, rates, st.lists(st.tuples(fen, rates, st.booleans()), max_size=12))
def test_no_sequence_of_raises_and_cuts_loses_a_raise(
    base: int, at: int, steps: list[tuple[int, int, bool]]
) -> None:
    """The minutes bought never fall, and once a rate is followed they are at least those of every
    raise so far, to 0.01 yuan."""
    now = Terms(base, at, base, at)
    dearest = [Fraction(base, at)]
    for more, rate, raises in steps:
        if raises:
            next_terms = raised(now, now.amount_micros + more, rate, in_use=False, confirmed=True)
            dearest.append(Fraction(now.amount_micros + more, rate))
        else:
            next_terms = followed(now, rate, in_use=False)
        if next_terms is not None:
            assert next_terms.minutes >= now.minutes - Fraction(FEN_MICROS, 2 * rate)
            now = next_terms
        if not raises and next_terms is not None:
            assert now.minutes >= max(dearest) - Fraction(FEN_MICROS, rate)


@given(fen, rates, st.lists(st.tuples(fen, rates), max_size=8))
def test_in_use_a_minimum_only_rises(base: int, at: int, steps: list[tuple[int, int]]) -> None:
    """Whatever is asked for at whatever rate, it never falls."""
    now = Terms(base, at, base, at)
    for wanted, rate in steps:
        before = now.amount_micros
        try:
            now = raised(now, wanted, rate, in_use=True, confirmed=True) or now
        except Declined:
            assert wanted < before
        assert now.amount_micros == max(before, wanted)


DAY = 86_400_000
STANDINGS = [  # active from, to, suspensions, standing
    (0, None, (), Standing.DUE),
    (START - 1, None, (), Standing.DUE),
    (START, None, (), Standing.ACTIVATION_MONTH),
    (END - 1, None, (), Standing.ACTIVATION_MONTH),
    (END, None, (), Standing.NOT_IN_SERVICE),
    (0, START, (), Standing.NOT_IN_SERVICE),
    (0, START + 1, (), Standing.DUE),
    (0, END, (), Standing.DUE),
    (0, None, ((START, END),), Standing.SUSPENDED),
    (0, None, ((START - DAY, None),), Standing.SUSPENDED),
    (0, None, ((START, END - 1),), Standing.DUE),
    (0, None, ((START + 1, END),), Standing.DUE),
    (0, None, ((START, START + DAY), (START + DAY, None)), Standing.SUSPENDED),
    (0, None, ((START, START + DAY), (START + DAY + 1, None)), Standing.DUE),
    (0, START + DAY, ((START - DAY, START + DAY),), Standing.SUSPENDED),
    (0, START + DAY, ((START - DAY, START + 1),), Standing.DUE),
    (START + DAY, None, ((START + 2 * DAY, None),), Standing.ACTIVATION_MONTH),
]


@pytest.mark.parametrize(("active", "to", "suspensions", "expected"), STANDINGS)
def test_when_a_minimum_is_due(
    active: int, to: int | None, suspensions: tuple[tuple[int, int | None], ...], expected: Standing
) -> None:
    """The activation month, full months of suspension and months out of service are exempt."""
    assert standing(Service("acme", active, to, suspensions), NOVEMBER) is expected


A, S, F = NumberState.ACTIVE, NumberState.SUSPENDED, NumberState.FROZEN
HISTORIES = [  # steps, services
    ([], []),
    ([(5, F, None)], []),
    ([(5, A, "a")], [Service("a", 5)]),
    ([(5, A, "a"), (7, S, "a")], [Service("a", 5, None, ((7, None),))]),
    (
        [(5, A, "a"), (7, S, "a"), (8, S, "a"), (9, A, "a")],
        [Service("a", 5, None, ((7, 9),))],
    ),
    (
        [(5, A, "a"), (7, S, "a"), (9, F, None), (20, A, "b")],
        [Service("a", 5, 9, ((7, None),)), Service("b", 20)],
    ),
    ([(5, A, "a"), (9, A, "b")], [Service("a", 5, 9), Service("b", 9)]),
    ([(0, S, "a"), (9, A, "a")], [Service("a", 0, None, ((0, 9),))]),
]


@pytest.mark.parametrize(("steps", "expected"), HISTORIES)
def test_services_of_a_history(
    steps: list[tuple[int, NumberState, str | None]], expected: list[Service]
) -> None:
    """A customer's service lasts from activation to close; suspensions lie within it."""
    assert services(Happened(*step) for step in steps) == expected


SHORTFALLS = [(50, 0, 50), (50, 49, 1), (50, 50, 0), (50, 51, 0), (0, 10, 0), (50, -5, 55)]


@pytest.mark.parametrize(("minimum", "debited", "expected"), SHORTFALLS)
def test_the_shortfall(minimum: int, debited: int, expected: int) -> None:
    """What the month still owes, never less than nothing."""
    assert shortfall_micros(minimum * YUAN, debited * YUAN) == expected * YUAN


def test_the_formula_cannot_make_a_minimum_that_nobody_may_ask_for() -> None:
    """A million yuan at a rate of 0.000001 would be 300 thousand million at 0.3."""
    with pytest.raises(Declined) as refused:
        raised(None, MINIMUM_MICROS_MAX, 300_000, in_use=False, confirmed=True, at_rate_micros=1)
    assert refused.value.reason is Reason.MINIMUM_MALFORMED
