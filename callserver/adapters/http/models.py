"""The API's shapes as pydantic models: for /openapi.json, the tests and reading bodies; answers
are never made with them, for that costs too much per request."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.bodies import Remark, Yuan

CALL_ID = r"^[0-6]\d-[0-9a-f]{32}$"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Money(_Shape):
    """An exact amount of yuan, as text with six decimals."""

    amount: str = Field(pattern=r"^-?\d+\.\d{6}$", examples=["0.270000"])
    currency: Literal["CNY"]


class Balance(_Shape):
    """available = settled + credit_limit − held; running is inside held."""

    account: str
    settled: Money
    held: Money
    running: Money = Field(description="Fees so far of the answered calls in progress.")
    credit_limit: Money
    available: Money
    included_minutes: int = Field(description="Left, those that calls in progress hold too.")
    included_minutes_held: int
    included_minutes_available: int = Field(description="What a new call can use.")
    live_calls: int
    live: bool = Field(description="False: Redis is away; settled is SQL's, the rest is unknown.")
    as_of: datetime


class TopUp(_Shape):
    """Money to put in."""

    amount: Yuan
    currency: Literal["CNY"] = "CNY"
    reason: Remark = ""


class Entry(_Shape):
    """A ledger entry; `seq` counts the account's entries other than calls."""

    account: str
    seq: int
    kind: str
    amount: Money
    idempotency_key: str
    actor: str
    reason: str
    created_at: datetime


class Region(_Shape):
    """Where the caller's number is registered, in Chinese."""

    province: str
    city: str
    area_code: str


class Caller(_Shape):
    """In full for the customer who was called, masked for everybody else; empty if withheld."""

    number: str = Field(examples=["138****5678"])
    masked: bool
    kind: Literal["mobile", "landline", "international", "short", "unknown"]
    region: Region | None


class LiveCall(_Shape):
    """A call in progress."""

    call_id: str = Field(pattern=CALL_ID)
    state: Literal["ringing", "answered"]
    did: str
    customer: str | None
    provider: str | None
    pbx: str
    caller: Caller
    destination: str
    line: int
    started_at: datetime
    answered_at: datetime | None
    duration_seconds: int = Field(description="Whole seconds since the answer.")
    running_fee: Money
    held_seconds: int
    held: Money
    held_minutes: int = Field(description="Included minutes held, before money.")


class LiveCalls(_Shape):
    """The newest first; `total` counts also those beyond `limit`."""

    calls: list[LiveCall]
    total: int


class Attempt(_Shape):
    """One line that was dialled."""

    line: int
    destination: str
    result: str
    hangup_cause: int
    ring_ms: int


class Tariff(_Shape):
    """The immutable version a call was rated by."""

    name: str
    version: int


class Cdr(_Shape):
    """A finished call. fee = charged + written_off; instants are the PBX's, null: never."""

    call_id: str = Field(pattern=CALL_ID)
    did: str
    customer: str | None
    provider: str | None
    caller: Caller
    destination: str
    attempts: list[Attempt]
    arrived_at: datetime
    rang_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime
    disposition: Literal["answered", "no_answer", "busy", "failed", "cancelled", "refused"]
    refusal: str | None
    hangup_cause: int
    hung_up_by: Literal["caller", "callee", "timeout", "system", "unknown"]
    billsec: int
    billed_seconds: int
    tariff: Tariff | None
    included_minutes: int = Field(description="They covered the first 60 billed seconds each.")
    fee: Money
    charged: Money
    written_off: Money
    fee_lines: list[str] = Field(description="The arithmetic of the fee, line by line.")
    end_source: Literal["report", "cdr_file", "ami_hangup", "estimated"]
    estimated: bool
    pbx: str
    uniqueid: str
    linkedid: str
    cost: Money | None = Field(None, description="The provider's; not in a customer's answer.")
    margin: Money | None = Field(None, description="charged − cost; not in a customer's answer.")


class Correction(_Shape):
    """What re-rating made of a call; the CDR's own money stays as it was."""

    tariff: Tariff
    before: Money
    after: Money
    before_minutes: int
    after_minutes: int
    fee_lines: list[str]
    reason: str
    created_at: datetime


class CorrectedCdr(Cdr):
    """A finished call with its corrections, the oldest first; the last `after` is its price."""

    corrections: list[Correction]


class CdrPage(_Shape):
    """The newest end first; `next_cursor` is null on the last page."""

    cdrs: list[Cdr]
    next_cursor: str | None


class Call(_Shape):
    """One call: `live` while it is up, `cdr` from its end on."""

    call_id: str = Field(pattern=CALL_ID)
    state: Literal["ringing", "answered", "ended"]
    live: LiveCall | None
    cdr: Cdr | None


class Problem(_Shape):
    """RFC 9457; `code` is stable, `detail` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class Alive(_Shape):
    """The process lives."""

    status: Literal["ok"]


class Component(_Shape):
    """A part and how it is."""

    state: Literal["ok", "down", "starting"]
    reason: str
    since: datetime


class Ready(_Shape):
    """Whether calls can be taken; `reasons` per kind of part that is missing."""

    ready: bool
    reasons: dict[str, str]
    components: dict[str, Component]
