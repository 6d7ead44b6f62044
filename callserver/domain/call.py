"""One call: how it arrives, what was decided for it, how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import orjson

from callserver.domain.business import Billing
from callserver.domain.refusal import Refusal
from callserver.domain.tariff import TariffVersion


class CallerKind(StrEnum):
    """What the presented caller number turned out to be."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    INTERNATIONAL = "international"
    SHORT = "short"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Region:
    """Where a number is registered (not where the phone is). Names are Chinese, as in phone.dat."""

    province: str
    city: str
    area_code: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The A-number in canonical form: `02188886666`, `13800138000`; empty if withheld."""

    number: str
    kind: CallerKind
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call as the PBX hands it over. Instants are the PBX's clock, in microseconds."""

    token: str
    pbx: str
    uniqueid: str
    linkedid: str
    channel: str
    did: str
    caller_raw: str
    arrived_us: int


@dataclass(frozen=True, slots=True)
class Line:
    """A destination as fixed at admission."""

    id: str
    number: str
    trunk: str
    ring_s: int
    calls_max: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that was fixed when the call was admitted (or refused): an edit never changes it.

    Kept as JSON in the meter, so that any process can settle the call. `lines` is empty for a
    refused call; `customer`, `provider`, `tariff` are None where the DID is unknown.
    """

    call_id: str
    token_hash: str
    arrival: Arrival
    caller: Caller
    account: str | None = None
    customer: str | None = None
    provider: str | None = None
    billing: Billing = Billing.PREPAID
    tariff: TariffVersion | None = None
    lines: tuple[Line, ...] = ()
    did_calls_max: int = 0
    refusal: Refusal | None = None

    def encode(self) -> bytes:
        """JSON, without the token: that stands in the key beside it."""
        return orjson.dumps(self, default=str)

    @classmethod
    def decode(cls, text: bytes | str) -> Self:
        """The inverse of `encode`."""
        raw: dict[str, Any] = orjson.loads(text)
        caller = raw["caller"]
        return cls(
            call_id=raw["call_id"],
            token_hash=raw["token_hash"],
            arrival=Arrival(**raw["arrival"]),
            caller=Caller(
                caller["number"],
                CallerKind(caller["kind"]),
                Region(**caller["region"]) if caller["region"] else None,
            ),
            account=raw["account"],
            customer=raw["customer"],
            provider=raw["provider"],
            billing=Billing(raw["billing"]),
            tariff=TariffVersion(**raw["tariff"]) if raw["tariff"] else None,
            lines=tuple(Line(**line) for line in raw["lines"]),
            did_calls_max=raw["did_calls_max"],
            refusal=Refusal(raw["refusal"]) if raw["refusal"] else None,
        )


class HungUpBy(StrEnum):
    """Who ended the call, as far as the PBX can tell."""

    CALLER = "caller"
    CALLEE = "callee"
    TIMEOUT = "timeout"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class EndSource(StrEnum):
    """Where the end of a call was learned; only the last two are not the PBX's own report."""

    REPORT = "report"
    CDR_FILE = "cdr_file"
    AMI_HANGUP = "ami_hangup"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One dialled line and what became of it. `ring_ms` is dial → answer or give-up."""

    line: int
    destination: str
    result: str
    hangup_cause: int
    ring_ms: int


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended. Instants are the PBX's clock in microseconds; `answered_us` 0: never.

    `line` is the 1-based index of the line that answered or was tried last, 0 if none;
    `destination` the digits dialled last (all that is known of a call routed without us).
    """

    ended_us: int
    answered_us: int
    rang_us: int
    dial_status: str
    hangup_cause: int
    hung_up_by: HungUpBy
    source: EndSource
    line: int = 0
    destination: str = ""
    attempts: tuple[Attempt, ...] = field(default_factory=tuple)

    @property
    def billsec(self) -> int:
        """Whole answered seconds, the fraction dropped as Asterisk does, at least 1 if answered."""
        if self.answered_us == 0:
            return 0
        return max(1, (self.ended_us - self.answered_us) // 1_000_000)
