"""What is asked of a number, what came of it, and what is looked for."""

import hashlib
import json
from dataclasses import dataclass

from callserver.domain.business import NumberState
from callserver.domain.lifecycle import NumberEvent, Suspension
from callserver.domain.number_application import Material

PAGE_DEFAULT = 100


@dataclass(frozen=True, slots=True)
class Command:
    """One request, to be carried out once under its operation id.

    `provider` acts (None: the operator, for whoever holds the number). `sealed_form`: the intent
    form of a reservation, sealed. `forced`: suspend although nothing is overdue yet.
    """

    event: NumberEvent
    number: str
    operation_id: str
    actor: str
    reason: str = ""
    provider: str | None = None
    customer: str | None = None
    suspension: Suspension | None = None
    features: tuple[str, ...] = ()
    plan: str = ""
    contract: str = ""
    carrier_reference: str = ""
    materials: tuple[Material, ...] = ()
    sealed_form: str | None = None
    forced: bool = False

    @property
    def request_digest(self) -> str:
        """What tells two requests of one operation id apart, personal data left out."""
        asked = [
            *(self.event.value, self.number, self.provider, self.customer, self.suspension),
            *(self.reason, self.features, self.plan, self.contract, self.carrier_reference),
            [(each.kind, each.reference, each.digest) for each in self.materials],
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class NumberChange:
    """One line of a number's history. `until_ms`: when the clock will move it on."""

    number: str
    at_ms: int
    event: NumberEvent
    from_state: NumberState | None
    to_state: NumberState
    until_ms: int | None
    suspension: Suspension | None
    reason: str
    actor: str
    provider: str | None
    customer: str | None
    application: int | None
    operation_id: str | None


@dataclass(frozen=True, slots=True)
class NewNumber:
    """A number for the inventory, or its class and price anew."""

    number: str
    class_name: str
    special: bool
    price_micros: int


@dataclass(frozen=True, slots=True)
class NumberQuery:
    """Which numbers. `like` is SQL's; `providers`: besides free ones only theirs (None: all)."""

    like: str = "%"
    class_name: str | None = None
    special: bool | None = None
    state: NumberState | None = None
    price_micros_max: int | None = None
    provider: str | None = None
    providers: frozenset[str] | None = None
    after: str = ""
    limit: int = PAGE_DEFAULT


@dataclass(frozen=True, slots=True)
class ApplicationQuery:
    """Which applications, the newest first. `open_only`: those that have not ended."""

    number: str | None = None
    providers: frozenset[str] | None = None
    open_only: bool = False
    before: int | None = None
    limit: int = PAGE_DEFAULT
