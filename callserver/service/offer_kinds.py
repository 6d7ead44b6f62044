"""Features, plans and minimums as records of a file: their keys, and the rows they become."""

from datetime import date
from enum import StrEnum
from typing import Any, Final

from callserver.domain.features import FeatureVersion
from callserver.domain.minimum import MINIMUM_MICROS_MAX
from callserver.domain.money import MICROS_PER_YUAN
from callserver.domain.offers import FeatureRow, MinimumRow, PlanRow
from callserver.domain.periods import Cycle
from callserver.domain.plans import PlanVersion, Rhythm
from callserver.service import import_cells as cells
from callserver.service.import_field import Field
from callserver.service.tariff_cells import day

FEE_MICROS_MAX = 1_000_000 * MICROS_PER_YUAN
MINUTES_MAX = 100_000_000
_FEE: Final = cells.money(0, FEE_MICROS_MAX)


class Confirmed(StrEnum):
    """Whether somebody has read that a minimum, once raised, cannot be lowered."""

    YES = "yes"
    NO = "no"


FEATURE = (
    Field("id", cells.slug),
    Field("name", cells.name, None),
    Field("cycle", cells.choice(Cycle)),
    Field("fee", _FEE),
    Field("effective_from", day(), None),
)
PLAN = (
    Field("id", cells.slug),
    Field("name", cells.name, None),
    Field("annual_fee", _FEE),
    Field("credit", _FEE, 0),
    Field("minutes", cells.whole(0, MINUTES_MAX), 0),
    Field("rhythm", cells.choice(Rhythm), Rhythm.YEAR),
    Field("tariff", cells.slug, None),
    Field("effective_from", day(), None),
)
MINIMUM = (
    Field("did", cells.did),
    Field("amount", cells.money(0, MINIMUM_MICROS_MAX)),
    Field("at_rate", cells.money(1, 1_000 * MICROS_PER_YUAN), None),
    Field("confirmed", cells.choice(Confirmed), Confirmed.NO),
    Field("reason", cells.name, ""),
)


def feature_row(
    *, id: str, name: str | None, cycle: Cycle, fee: int, effective_from: date | None
) -> FeatureRow:
    """As written."""
    return FeatureRow(FeatureVersion(id, name or id, cycle, 0, date.min, fee), effective_from)


def plan_row(
    *, id: str, name: str | None, annual_fee: int, credit: int, effective_from: date | None,
    **terms: Any,
) -> PlanRow:  # fmt: skip
    """As written."""
    version = PlanVersion(id, name or id, 0, date.min, annual_fee, credit, **terms)
    return PlanRow(version, effective_from)


def minimum_row(
    *, did: str, amount: int, at_rate: int | None, confirmed: Confirmed, reason: str
) -> MinimumRow:
    """As written."""
    return MinimumRow(did, amount, at_rate, confirmed is Confirmed.YES, reason)
