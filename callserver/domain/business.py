"""Who owns what: providers, customers, numbers and the lines they forward to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from callserver.domain.holidays import Holiday
from callserver.domain.tariff import TariffVersion


class Billing(StrEnum):
    """Prepaid must not go below zero; postpaid may go down to its credit limit."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class NumberState(StrEnum):
    """States of a 400 number [R3]; calls connect only while ACTIVE."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    LOCKED = "locked"
    REVIEW = "review"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    FROZEN = "frozen"


class BlockKind(StrEnum):
    """What a blacklist entry matches: a whole canonical number, an area code, or a prefix."""

    NUMBER = "number"
    AREA_CODE = "area_code"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Provider:
    """A reseller; `parent` is the provider above, None for a root.

    `tariff` prices the calls of customers (its own and those below) who have none of their own;
    `cost_tariff` is what the calls of its own customers cost it.
    """

    id: str
    name: str
    parent: str | None = None
    tariff: str | None = None
    cost_tariff: str | None = None
    commission: str | None = None
    """What it earns by its customers' calls: `margin` or per cent such as `12.5%`."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Owns DIDs and pays for the calls. Its account has the same id.

    `credit_limit_micros` ≥ 0 is how far below zero a postpaid account may go (prepaid: 0).
    `local_allowance_micros` ≥ 0 is what a prepaid call may cost while Redis is away (0: refuse).
    `tariff` None: its provider's. `precision_micros`, where given, goes before the tariff's.
    """

    id: str
    name: str
    provider: str
    tariff: str | None = None
    billing: Billing = Billing.PREPAID
    credit_limit_micros: int = 0
    local_allowance_micros: int = 0
    precision_micros: int | None = None

    @property
    def floor_micros(self) -> int:
        """How far below zero the account may go."""
        return self.credit_limit_micros if self.billing is Billing.POSTPAID else 0


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """One line of a blacklist; `did` None means all of the customer's numbers."""

    customer: str
    did: str | None
    kind: BlockKind
    value: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A line a DID forwards to. `calls_max` 0 means no limit; `ring_s` is 1 … 300 seconds.

    `id` is what its slots in Redis are counted under: the same line shared by two DIDs of a
    customer shares its limit.
    """

    id: str
    number: str
    trunk: str
    ring_s: int = 30
    calls_max: int = 0


@dataclass(frozen=True, slots=True)
class Did:
    """A 400 number and where it goes, in order. `calls_max` 0 means no limit."""

    number: str
    customer: str
    state: NumberState
    destinations: tuple[Destination, ...]
    calls_max: int = 0
    tariff: str | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One consistent, immutable reading of the business data, by which calls are decided."""

    version: int
    providers: Mapping[str, Provider] = field(default_factory=dict)
    customers: Mapping[str, Customer] = field(default_factory=dict)
    dids: Mapping[str, Did] = field(default_factory=dict)
    tariffs: Mapping[str, tuple[TariffVersion, ...]] = field(default_factory=dict)
    """Versions of each tariff in order of `effective_from_ms`."""
    blacklist: Mapping[str, tuple[BlockEntry, ...]] = field(default_factory=dict)
    """By customer id."""
    holidays: Mapping[date, Holiday] = field(default_factory=dict)
    """The operator's days over the official calendar."""
