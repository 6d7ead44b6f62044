"""The rated call detail record."""

from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.call import Attempt, EndSource, HungUpBy
from callserver.domain.caller import Caller


class Disposition(StrEnum):
    """How a call came out."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Cdr:
    """One call, answered or not. Instants are UTC milliseconds of the PBX's clock; 0: never.

    fee = charged + written_off; all amounts in micro-yuan. `fee_lines` is the arithmetic as text.
    `included_minutes` are those that covered the call, or its beginning; `cost_micros` is what it
    costs the customer's provider, None where that has no cost tariff.
    """

    call_id: str
    token_hash: str
    pbx: str
    uniqueid: str
    linkedid: str
    did: str
    customer: str | None
    provider: str | None
    account: str | None
    caller: Caller
    destination: str
    attempts: tuple[Attempt, ...]
    arrived_ms: int
    rang_ms: int
    answered_ms: int
    ended_ms: int
    billsec: int
    billed_s: int
    tariff: str | None
    tariff_version: int | None
    fee_micros: int
    charged_micros: int
    written_off_micros: int
    fee_lines: tuple[str, ...]
    disposition: Disposition
    refusal: str | None
    hangup_cause: int
    hung_up_by: HungUpBy
    end_source: EndSource
    included_minutes: int = 0
    cost_micros: int | None = None

    @property
    def margin_micros(self) -> int | None:
        """Charged less cost; None where the cost is unknown. What minutes were sold for is not in
        it: that came with their plan."""
        return None if self.cost_micros is None else self.charged_micros - self.cost_micros

    @property
    def estimated(self) -> bool:
        """True where no one saw the call end and it was billed to its last proof of life."""
        return self.end_source is EndSource.ESTIMATED
