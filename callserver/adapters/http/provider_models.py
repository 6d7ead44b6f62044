"""Shapes of providers, their customers and reports; see models.py."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.bodies import Reason
from callserver.adapters.http.models import CALL_ID, Money

MONTH = r"^\d{4}-\d{2}$"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Provider(_Shape):
    """A reseller; `parent` is the provider above, null for a root or where it is not seen."""

    provider: str
    name: str
    parent: str | None
    tariff: str | None = Field(description="Retail: of customers that have none of their own.")
    cost_tariff: str | None = Field(description="Wholesale: what its customers' calls cost it.")
    commission: str | None = Field(examples=["12.5%", "margin"])


class Providers(_Shape):
    """Those the bearer sees, each under its parent."""

    providers: list[Provider]


class NumberCounts(_Shape):
    """Numbers by state; states without any are left out."""

    available: int = 0
    reserved: int = 0
    locked: int = 0
    review: int = 0
    active: int = 0
    suspended: int = 0
    frozen: int = 0


class Usage(_Shape):
    """Calls that ended in the month. margin = priced_fees − cost: of calls whose cost is known
    and that no included minutes covered."""

    calls: int
    answered: int
    billsec: int
    fees: Money
    priced_fees: Money
    cost: Money
    margin: Money


class ReportLine(_Shape):
    """One provider, without those below it."""

    provider: str
    name: str
    parent: str | None
    depth: int
    customers: int
    numbers: NumberCounts
    customers_settled: Money
    settled: Money = Field(description="The provider's own account.")
    usage: Usage
    commission: Money


class ReportTotal(_Shape):
    """All lines together."""

    providers: int
    customers: int
    numbers: NumberCounts
    customers_settled: Money
    settled: Money
    usage: Usage
    commission: Money


class Report(_Shape):
    """A tree in a month; `running`: it is not over, commissions are what they would be now."""

    month: str = Field(pattern=MONTH)
    running: bool
    lines: list[ReportLine]
    total: ReportTotal


class Customer(_Shape):
    """Who owns numbers; its account has the same id."""

    customer: str
    name: str
    provider: str
    tariff: str | None
    billing: Literal["prepaid", "postpaid"]
    credit_limit: Money
    settled: Money = Field(description="Without the holds of live calls.")
    numbers: NumberCounts


class CustomerPage(_Shape):
    """In order of their ids; `next_cursor` is null on the last page."""

    customers: list[Customer]
    next_cursor: str | None


class Commission(_Shape):
    """Posted on the provider's account: part 0 is the month's, later ones what late calls added."""

    provider: str
    month: str = Field(pattern=MONTH)
    part: int
    commission: str | None
    earned: Money
    amount: Money
    operation_id: str
    posted_at: datetime


class Commissions(_Shape):
    """The newest month first; `next_cursor` is null on the last page."""

    commissions: list[Commission]
    next_cursor: str | None


class NewDispute(_Shape):
    """Who contests what."""

    note: Reason


class Dispute(_Shape):
    """While it is open the caller of the call is kept."""

    call_id: str = Field(pattern=CALL_ID)
    note: str
    actor: str
    opened_at: datetime
    closed_at: datetime | None
