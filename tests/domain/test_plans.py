"""Plans: terms of years, grants, and the version of a day."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.plans import (
    PlanVersion,
    Rhythm,
    Subscription,
    SubscriptionState,
    term_end,
    terms_of,
    version_on,
)

START = date(2015, 2, 25)
TERMS = [  # first day, years, last day
    (START, 3, date(2018, 2, 24)),
    (START, 1, date(2016, 2, 24)),
    (date(2016, 2, 29), 1, date(2017, 2, 27)),
    (date(2016, 2, 29), 4, date(2020, 2, 28)),
    (date(2026, 1, 1), 2, date(2027, 12, 31)),
]


def subscription(first_day: date, years: int, rhythm: Rhythm) -> Subscription:
    return Subscription(
        id=1,
        customer="acme",
        plan="gold",
        version=1,
        years=years,
        rhythm=rhythm,
        state=SubscriptionState.ACTIVE,
        first_day=first_day,
        last_day=term_end(first_day, years),
        anchor_day=first_day,
        anchor_grant=1,
        grants=1,
        next_day=None,
        unpaid_day=None,
        auto_renew=False,
        renew_when_used_up=False,
        follows=None,
        tariff_before=None,
        operation_id="op",
        actor="clerk",
        created_ms=0,
    )


@pytest.mark.parametrize(("first_day", "years", "last_day"), TERMS)
def test_terms(first_day: date, years: int, last_day: date) -> None:
    """They end on the day before the anniversary."""
    assert term_end(first_day, years) == last_day


@given(st.dates(date(2001, 1, 1), date(2060, 1, 1)), st.integers(1, 3))
def test_yearly_grants_fill_the_term(first_day: date, years: int) -> None:
    """One after the other, without a gap, from the first to the last day."""
    found = subscription(first_day, years, Rhythm.YEAR)
    days = [found.grant_days(number) for number in range(1, years + 1)]
    assert (days[0][0], days[-1][1]) == (found.first_day, found.last_day)
    for before, after in itertools.pairwise(days):
        assert before[1] + timedelta(days=1) == after[0]


def test_a_term_is_one_grant_of_all_years() -> None:
    """Three fees, three times the credit and the minutes."""
    found = subscription(START, 3, Rhythm.TERM)
    assert (found.grants_in_all, found.grant_days(1)) == (1, (START, date(2018, 2, 24)))
    version = PlanVersion("gold", "", 1, START, 600, 500, 1000, Rhythm.TERM)
    assert terms_of(version, 3) == (1800, 1500, 3000)
    assert terms_of(replace(version, rhythm=Rhythm.YEAR), 3) == (600, 500, 1000)


def test_a_late_grant_is_a_whole_one() -> None:
    """Paid on another day it runs a year from there."""
    found = subscription(START, 2, Rhythm.YEAR)
    assert found.grant_days(2, date(2016, 3, 1)) == (date(2016, 3, 1), date(2017, 2, 28))


def test_the_version_of_a_day() -> None:
    """The latest that has begun."""
    first = PlanVersion("gold", "", 1, date(2015, 1, 1), 1, 0, 0)
    second = replace(first, version=2, effective_from=date(2016, 1, 1))
    assert version_on([second, first], date(2015, 12, 31)) == first
    assert version_on([second, first], date(2016, 1, 1)) == second
    assert version_on([first], date(2014, 12, 31)) is None
