"""Shapes of minimums, months and bills, for /openapi.json, the tests and reading bodies."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.bodies import Remark, Yuan, YuanOrZero
from callserver.adapters.http.models import Money

MONTH = r"^\d{4}-\d{2}$"
DID = r"^400\d{7}$"
MINUTES = r"^-?\d+\.\d{2}$"
BillStateName = Literal["open", "over", "closed"]
StandingName = Literal["due", "no_minimum", "not_in_service", "activation_month", "suspended"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewMinimum(_Shape):
    """A minimum from next month on. `at_rate`: the rate `amount` is meant at, such as 0.3."""

    amount: YuanOrZero
    at_rate: Yuan | None = None
    confirmed: bool = Field(False, description="A raise must be: once raised it is never lowered.")
    reason: Remark = ""


class BasedOn(_Shape):
    """The exact fraction all figures are computed from."""

    minimum: Money
    rate: Money


class MinimumVersion(_Shape):
    """One change; `base` is the minimum at rate 0.3, to 0.01 yuan."""

    did: str = Field(pattern=DID)
    number: int
    from_month: str = Field(pattern=MONTH)
    minimum: Money
    rate: Money
    base: Money
    based_on: BasedOn
    change: Literal["raise", "follow"]
    in_use: bool = Field(description="Whether the number had ever been active by then.")
    operation_id: str | None = Field(description="Null for a customer's token, as is `actor`.")
    actor: str | None
    reason: str
    created_at: datetime


class Minimum(_Shape):
    """A number's minimum; `rate` is that of today, `minimum` the last of the history."""

    did: str = Field(pattern=DID)
    customer: str | None
    rate: Money
    minimum: Money
    history: list[MinimumVersion]


class Usage(_Shape):
    """Calls; `charged` is the money debited for them."""

    calls: int
    answered: int
    talk_seconds: int
    talk_minutes: str = Field(pattern=MINUTES)
    billed_seconds: int
    billed_minutes: str = Field(pattern=MINUTES)
    included_minutes: int
    fee: Money
    charged: Money


class BillNumber(Usage):
    """A number on a bill; before the close the shortfall is what it would be now."""

    did: str
    minimum: Money
    standing: StandingName
    shortfall: Money


class LateNumber(Usage):
    """What came after a month was closed."""

    month: str = Field(pattern=MONTH)
    did: str
    shortfall: Money


class Late(_Shape):
    """All of it."""

    total: Money
    lines: list[LateNumber]


class Included(_Shape):
    """Included minutes."""

    used: int
    left: int


class Movement(_Shape):
    """Another ledger entry of the month."""

    at: datetime
    kind: str
    amount: Money
    minutes: int
    reason: str


class RunningCall(_Shape):
    """A call in progress."""

    call_id: str
    did: str
    started_at: datetime
    duration_seconds: int
    fee: Money


class Running(_Shape):
    """The calls in progress; not in `due`."""

    total: Money
    calls: list[RunningCall]


class SuddenFee(_Shape):
    """The month's calls cost more than `factor` times the mean of the last three."""

    kind: Literal["sudden_fee"]
    fee: Money
    mean_of_last_three_months: Money
    factor: int
    raised_at: datetime


class FeatureFee(_Shape):
    """A feature's fee; negative: given back."""

    day: str
    did: str
    feature: str
    fee: Money


class FeatureFees(_Shape):
    """What the provider pays; shown to providers and the operator only."""

    total: Money
    lines: list[FeatureFee]


class Bill(_Shape):
    """due = calls charged + shortfall + late + plan_fees. Calls include the corrections."""

    customer: str
    name: str
    provider: str
    month: str = Field(pattern=MONTH)
    state: BillStateName
    as_of: datetime
    due: Money
    calls: Usage
    corrections: Money = Field(description="What re-rating changed of the calls; in calls already.")
    shortfall: Money
    plan_fees: Money
    included_minutes: Included
    numbers: list[BillNumber]
    late: Late
    movements: list[Movement]
    running: Running | None = Field(description="Null when the month is over, or Redis away.")
    notice: SuddenFee | None
    feature_fees: FeatureFees | None = None


class BillMonth(_Shape):
    """A month there is a bill of."""

    month: str = Field(pattern=MONTH)
    state: BillStateName


class BillMonths(_Shape):
    """The latest first; `next_cursor` is null on the last page."""

    customer: str
    months: list[BillMonth]
    next_cursor: str | None


class MonthClose(_Shape):
    """A month that is closed or being closed."""

    month: str = Field(pattern=MONTH)
    phase: Literal["correcting", "numbers", "others", "bills", "closed"]
    closed: bool
    actor: str
    started_at: datetime
    closed_at: datetime | None


class BegunClose(MonthClose):
    """The same, as the close was asked for."""

    warnings: list[str] = Field(description="Open calls, and CDRs not in SQL yet: corrected later.")


class MonthCloses(_Shape):
    """The latest first; `next_cursor` is null on the last page."""

    months: list[MonthClose]
    next_cursor: str | None


class ReportSum(Usage):
    """Numbers, their calls and shortfalls."""

    numbers: int
    shortfalls: int
    shortfall: Money


class ProviderRow(ReportSum):
    """A provider's part."""

    provider: str


class CustomerRow(ProviderRow):
    """A customer's part."""

    customer: str


class Corrections(_Shape):
    """What came late for months before, as far as this close found it."""

    numbers: int
    shortfall: Money


class MonthReport(_Shape):
    """A month by provider and customer; providers see their own subtree."""

    month: str = Field(pattern=MONTH)
    close: MonthClose | None
    total: ReportSum
    providers: list[ProviderRow]
    customers: list[CustomerRow]
    corrections: Corrections


class Correction(_Shape):
    """What came for a number after its month was closed."""

    month: str = Field(pattern=MONTH)
    did: str
    customer: str
    provider: str
    number: int
    posted_in: str = Field(pattern=MONTH)
    usage: Usage
    shortfall: Money


class CorrectionList(_Shape):
    """Those made now."""

    month: str = Field(pattern=MONTH)
    corrections: list[Correction]
