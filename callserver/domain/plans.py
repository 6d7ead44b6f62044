"""Plans: an annual fee turned into call credit and included minutes, for one to three years.

Days are Shanghai's. A grant is what one fee buys: credit and minutes that lapse after its last day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from callserver.domain.billing_month import years_later

YEARS_MAX = 3


class Rhythm(StrEnum):
    """When the fee is taken, and what lapses when."""

    YEAR = "year"
    """Each year its fee and its grant, which lapses at that year's end."""
    TERM = "term"
    """At the start the fees of all years and their grants, which lapse at the term's end."""


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What a plan is from a day on. Immutable; fee, credit and minutes are those of one year.

    `tariff`: what calls cost while it runs, beyond the minutes; None: the customer's own.
    """

    plan: str
    name: str
    version: int
    effective_from: date
    annual_fee_micros: int
    credit_micros: int
    minutes: int
    rhythm: Rhythm = Rhythm.YEAR
    tariff: str | None = None


class SubscriptionState(StrEnum):
    """A customer has at most one that is ACTIVE or UNPAID, and at most one SCHEDULED."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    UNPAID = "unpaid"
    """Its fee was not covered on the day: calls go on at the tariff until it is, or it ends."""
    REPLACED = "replaced"
    """Renewed before its end: its grant runs out beside that of the next one."""
    ENDED = "ended"
    CANCELLED = "cancelled"


RUNNING = (SubscriptionState.ACTIVE, SubscriptionState.UNPAID)


class PlanEvent(StrEnum):
    """What happened to a subscription."""

    SUBSCRIBED = "subscribed"
    GRANTED = "granted"
    UNPAID = "unpaid"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    MINUTES_USED_UP = "minutes_used_up"
    CREDIT_USED_UP = "credit_used_up"
    RENEWED = "renewed"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer's plan for a term. Grant `anchor_grant` begins on `anchor_day`, `grants` are paid.

    `next_day`: when something is due, None: nothing any more. `follows`: the one it renews.
    """

    id: int
    customer: str
    plan: str
    version: int
    years: int
    rhythm: Rhythm
    state: SubscriptionState
    first_day: date
    last_day: date
    anchor_day: date
    anchor_grant: int
    grants: int
    next_day: date | None
    unpaid_day: date | None
    auto_renew: bool
    renew_when_used_up: bool
    follows: int | None
    tariff_before: str | None
    operation_id: str
    actor: str
    created_ms: int

    @property
    def grants_in_all(self) -> int:
        """How many fees the term has."""
        return self.years if self.rhythm is Rhythm.YEAR else 1

    def grant_days(self, number: int, anchor_day: date | None = None) -> tuple[date, date]:
        """First and last day of a grant; with `anchor_day`, as if this one began then."""
        span = 1 if self.rhythm is Rhythm.YEAR else self.years
        if anchor_day is not None:
            return anchor_day, term_end(anchor_day, span)
        past = (number - self.anchor_grant) * span
        first = years_later(self.anchor_day, past)
        return first, years_later(self.anchor_day, past + span) - timedelta(days=1)


def term_end(first_day: date, years: int) -> date:
    """The last day: 3 years from 2015-02-25 end on 2018-02-24."""
    return years_later(first_day, years) - timedelta(days=1)


def terms_of(version: PlanVersion, years: int) -> tuple[int, int, int]:
    """Fee, credit (micros) and minutes of one grant of a term."""
    times = 1 if version.rhythm is Rhythm.YEAR else years
    return version.annual_fee_micros * times, version.credit_micros * times, version.minutes * times


def version_on(versions: Iterable[PlanVersion], day: date) -> PlanVersion | None:
    """The version in force on a day; None before the first."""
    in_force = [version for version in versions if version.effective_from <= day]
    return max(in_force, key=lambda version: version.effective_from, default=None)
