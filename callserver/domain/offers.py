"""What is sold beside calls, as the books have it: features, plans, monthly minimums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from callserver.domain.features import FeatureVersion
from callserver.domain.minimum import MinimumVersion
from callserver.domain.plans import PlanVersion


@dataclass(frozen=True, slots=True)
class Offers:
    """One consistent reading; versions by id in order of their days, minimums by number."""

    features: Mapping[str, Sequence[FeatureVersion]] = field(default_factory=dict)
    plans: Mapping[str, Sequence[PlanVersion]] = field(default_factory=dict)
    minimums: Mapping[str, MinimumVersion] = field(default_factory=dict)
    """The last version of each."""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature as written. `effective_from` None: from today on."""

    terms: FeatureVersion
    effective_from: date | None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan as written. `effective_from` None: from today on."""

    terms: PlanVersion
    effective_from: date | None


@dataclass(frozen=True, slots=True)
class MinimumRow:
    """A number's monthly minimum as written, said at a rate or (None) at the number's own."""

    did: str
    amount_micros: int
    at_rate_micros: int | None
    confirmed: bool
    reason: str
