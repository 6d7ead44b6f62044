"""Shapes of tariffs; see models.py."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.models import Money

_CLOCK = r"^\d\d:\d\d(:\d\d)?$"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TariffBand(_Shape):
    """A rate and when, from whom and to where it holds; an empty list asks for nothing."""

    number: int = Field(description="Its place in the tariff, from 1; CDRs name it so.")
    name: str | None
    rate: Money = Field(description="A minute.")
    from_time: str | None = Field(pattern=_CLOCK, description="Shanghai's time of day.")
    to_time: str | None = Field(pattern=_CLOCK, description="Not in it.")
    days: list[str]
    provinces: list[str]
    area_codes: list[str]
    caller_kinds: list[str]
    caller_prefixes: list[str]
    destination_prefixes: list[str]


class TariffVersion(_Shape):
    """Terms that never change; `effective_from` null: always have been in effect."""

    version: int
    effective_from: datetime | None
    in_effect: bool = Field(description="Whether calls that arrive now are priced by it.")
    rate: Money = Field(description="A minute, where no band holds.")
    initial_increment_seconds: int
    increment_seconds: int
    connection_fee: Money
    minimum_charge: Money
    cap: Money | None
    free_seconds: int
    precision: Money = Field(description="What a fee is rounded to.")
    bands: list[TariffBand]


class TariffVersions(_Shape):
    """All versions of a tariff, by when they take effect."""

    tariff: str
    versions: list[TariffVersion]


class QuoteBand(_Shape):
    """A band of a tariff."""

    number: int
    name: str | None


class QuoteSegment(_Shape):
    """Billed seconds at one rate."""

    from_second: int
    to_second: int = Field(description="Not in it.")
    paid_seconds: int = Field(description="Those that included minutes do not cover.")
    rate: str = Field(description="Yuan a minute.")
    band: QuoteBand | None = Field(description="null: the tariff's own rate.")


class Quote(_Shape):
    """What a call would cost, as `callserver rate --json` prints it."""

    amount: str
    currency: str
    billed_seconds: int
    included_minutes_used: int
    tariff: str
    version: int
    segments: list[QuoteSegment]
    lines: list[str] = Field(description="The arithmetic, step by step.")
    cost: Money | None = Field(None, description="The provider's; not in a customer's answer.")
    margin: Money | None = Field(None, description="amount − cost; not in a customer's answer.")


class Tariffs(_Shape):
    """Those that have to do with the bearer."""

    tariffs: list[TariffVersions]
