"""Shapes of arrears; see models.py."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.models import Money


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Overdue(_Shape):
    """A customer in arrears. What is null is so for prepaid customers, who are out of money."""

    customer: str
    settled: Money
    owed: Money | None = Field(description="From closed months, the running one aside.")
    oldest_month: str | None = Field(pattern=r"^\d{4}-\d{2}$")
    days_overdue: int | None
    suspend_from: date | None = Field(description="The first day in Shanghai on which it may be.")
    may_suspend: bool
    numbers: list[str] = Field(description="Those in service.")


class ToRestore(_Shape):
    """A number that is suspended for arrears although they were paid."""

    number: str
    customer: str
    paid_at: datetime
    resume_by: datetime = Field(description="48 hours after the payment.")
    late: bool


class Arrears(_Shape):
    """Who may be suspended, in order of ids, and who must be resumed, the latest first."""

    overdue: list[Overdue]
    restore: list[ToRestore]
