"""One call: how it arrives, what was decided for it, how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self, TypeVar

import orjson

from callserver.domain.business import Billing
from callserver.domain.call_tariff import CallTariff
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.identity import is_token
from callserver.domain.refusal import Refusal
from callserver.domain.region import Region

Known = TypeVar("Known")
_NO_BANDS = b',"cap_micros":null,"bands":[],"first_day":0,"day_kinds":"","upto_s":0'
_NO_COST = b',"cost_tariff":null'
_RENAMED = {"increment_first_s": "initial_increment_s", "increment_next_s": "increment_s"}


def _known(kind: type[Known], raw: Mapping[str, Any]) -> Known:
    """An instance of a dataclass from the keys it knows; another version may have written more."""
    try:
        return kind(**raw)
    except TypeError:
        names = kind.__dataclass_fields__.keys()  # type: ignore[attr-defined] # only dataclasses
        return kind(**{name: raw[name] for name in names & raw.keys()})


def _terms(raw: Mapping[str, Any] | None) -> CallTariff | None:
    """The terms of a call, also as versions before wrote them: a whole tariff version."""
    if raw is None:
        return None
    return CallTariff.from_json({_RENAMED.get(name, name): value for name, value in raw.items()})


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
    refused call; `customer`, `provider`, `tariff` are None where the DID is unknown. `cost_tariff`
    is what the call costs the provider, None where that is not known.
    """

    call_id: str
    token_hash: str
    arrival: Arrival
    caller: Caller
    account: str | None = None
    customer: str | None = None
    provider: str | None = None
    billing: Billing = Billing.PREPAID
    tariff: CallTariff | None = None
    lines: tuple[Line, ...] = ()
    did_calls_max: int = 0
    refusal: Refusal | None = None
    cost_tariff: CallTariff | None = None

    def encode(self) -> bytes:
        """JSON, without the token: that stands in the key beside it."""
        token = self.arrival.token
        if not is_token(token):
            text = orjson.dumps(replace(self, arrival=replace(self.arrival, token="")))
        else:
            # Cut out of the text: copying the dataclasses takes longer than the whole encoding.
            text = orjson.dumps(self).replace(b'"token":"%s"' % token.encode(), b'"token":""', 1)
        # Most tariffs have no bands: every live call in Redis is a good 80 bytes smaller so.
        return text.replace(_NO_BANDS, b"").replace(_NO_COST, b"")

    @classmethod
    def decode(cls, text: bytes | str, token: str = "") -> Self:
        """The inverse of `encode`; `token` from the key beside it, where it is needed."""
        return cls.from_json(orjson.loads(text), token)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], token: str = "") -> Self:
        """A plan from decoded JSON, also of another version of this program.

        Fields that are missing get their defaults, unknown ones are ignored; KeyError or TypeError
        where one without a default is missing.
        """
        caller = raw["caller"]
        region, refusal = caller.get("region"), raw.get("refusal")
        fields_of_plan = {
            **raw,
            "arrival": _known(Arrival, {**raw["arrival"], "token": token}),
            "caller": Caller(
                caller["number"],
                CallerKind(caller["kind"]),
                _known(Region, region) if region else None,
            ),
            "billing": Billing(raw.get("billing", Billing.PREPAID)),
            "tariff": _terms(raw.get("tariff")),
            "cost_tariff": _terms(raw.get("cost_tariff")),
            "lines": tuple(_known(Line, line) for line in raw.get("lines", ())),
            "refusal": Refusal(refusal) if refusal else None,
        }
        return _known(cls, fields_of_plan)


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

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """An end from decoded JSON, also of another version; see `Plan.from_json`."""
        fields_of_end = {
            **raw,
            "hung_up_by": HungUpBy(raw["hung_up_by"]),
            "source": EndSource(raw["source"]),
            "attempts": tuple(_known(Attempt, tried) for tried in raw.get("attempts", ())),
        }
        return _known(cls, fields_of_end)

    @property
    def billsec(self) -> int:
        """Whole answered seconds, the fraction dropped as Asterisk does, at least 1 if answered."""
        if self.answered_us == 0:
            return 0
        return max(1, (self.ended_us - self.answered_us) // 1_000_000)
