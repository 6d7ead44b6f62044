"""Decide where a call goes: a pure reading of the catalogue that can explain itself."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from callserver.domain.business import (
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.call import Line
from callserver.domain.caller import Caller
from callserver.domain.number import is_destination, mask
from callserver.domain.provider_tree import path_up
from callserver.domain.refusal import Refusal
from callserver.domain.tariff import TariffVersion

LINES_MAX = 20  # as many as the dialplan walks


class Outcome(StrEnum):
    """What a step did to the decision."""

    PASSED = "passed"
    REFUSED = "refused"
    SKIPPED = "skipped"


class Step(NamedTuple):
    """One check on the way to a decision; `detail` is for people."""

    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Lines to try in order, or a refusal; and what was known when it was made."""

    lines: tuple[Line, ...]
    refusal: Refusal | None
    did: Did | None
    customer: Customer | None
    provider: Provider | None
    tariff: TariffVersion | None
    steps: tuple[Step, ...]
    cost_tariff: TariffVersion | None = None
    """What the call costs the customer's provider, where that is known."""


class _Refused(Exception):
    """Ends a decision early; never leaves this module."""

    def __init__(self, refusal: Refusal, step: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.step = Step(step, Outcome.REFUSED, detail)


class _Steps:
    """A decision in the making: every check leaves a step, and what it found."""

    __slots__ = ("cost_tariff", "customer", "did", "lines", "provider", "steps", "tariff")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.did: Did | None = None
        self.customer: Customer | None = None
        self.provider: Provider | None = None
        self.tariff: TariffVersion | None = None
        self.cost_tariff: TariffVersion | None = None
        self.lines: tuple[Line, ...] = ()

    def passed(self, name: str, detail: str) -> None:
        """Note a check that let the call go on."""
        self.steps.append(Step(name, Outcome.PASSED, detail))

    def result(self, refusal: Refusal | None) -> Decision:
        """The finished decision."""
        return Decision(
            lines=self.lines,
            refusal=refusal,
            did=self.did,
            customer=self.customer,
            provider=self.provider,
            tariff=self.tariff,
            steps=tuple(self.steps),
            cost_tariff=self.cost_tariff,
        )


def decide(catalogue: Catalogue, arrival_did: str, caller: Caller, at_ms: int) -> Decision:
    """Where a call to `arrival_did` goes at `at_ms` (UTC milliseconds), or why nowhere.

    Limits and credit are not looked at: they are shared state, checked where the hold is made.
    A DID, customer or tariff that is missing where another row names it is a FAULT.
    """
    draft = _Steps()
    try:
        did = _number(draft, catalogue, arrival_did)
        customer = _customer(draft, catalogue, did)
        _state(draft, did)
        _blacklist(draft, catalogue, did, caller)
        _tariff(draft, catalogue, did, customer, at_ms)
        _lines(draft, did.destinations)
    except _Refused as refused:
        draft.steps.append(refused.step)
        return draft.result(refused.refusal)
    return draft.result(None)


def _number(draft: _Steps, catalogue: Catalogue, number: str) -> Did:
    did = catalogue.dids.get(number)
    if did is None:
        raise _Refused(Refusal.UNKNOWN_DID, "number", f"{number} is not in the catalogue")
    draft.did = did
    draft.passed("number", f"{number} belongs to customer {did.customer}")
    return did


def _customer(draft: _Steps, catalogue: Catalogue, did: Did) -> Customer:
    customer = catalogue.customers.get(did.customer)
    if customer is None:
        raise _Refused(Refusal.FAULT, "customer", f"there is no customer {did.customer}")
    draft.customer = customer
    draft.provider = catalogue.providers.get(customer.provider)
    draft.passed("customer", f"{customer.id} of provider {customer.provider}, {customer.billing}")
    return customer


def _state(draft: _Steps, did: Did) -> None:
    """[R3] Calls connect only while ACTIVE; a number not in service is as good as unknown."""
    if did.state is NumberState.ACTIVE:
        draft.passed("state", "active")
    elif did.state is NumberState.SUSPENDED:
        raise _Refused(Refusal.SUSPENDED, "state", "suspended")
    else:
        raise _Refused(Refusal.UNKNOWN_DID, "state", f"{did.state}: not in service")


def _blacklist(draft: _Steps, catalogue: Catalogue, did: Did, caller: Caller) -> None:
    entries = catalogue.blacklist.get(did.customer)
    if not entries:
        draft.passed("blacklist", "empty")
        return
    entry = _blocking(entries, did.number, caller)
    if entry is not None:
        value = mask(entry.value) if entry.kind is BlockKind.NUMBER else entry.value
        raise _Refused(Refusal.BLOCKED, "blacklist", f"caller is blocked by {entry.kind} {value}")
    draft.passed("blacklist", f"caller is in none of {len(entries)} entries")


def _blocking(entries: Iterable[BlockEntry], did: str, caller: Caller) -> BlockEntry | None:
    """The first entry that blocks the caller. An area code blocks its mobiles too."""
    number = caller.number
    area_code = caller.region.area_code if caller.region else ""
    for entry in entries:
        if not entry.value or (entry.did is not None and entry.did != did):
            continue
        match entry.kind:
            case BlockKind.NUMBER:
                blocked = entry.value == number
            case BlockKind.AREA_CODE:
                blocked = entry.value == area_code
            case BlockKind.PREFIX:
                blocked = number.startswith(entry.value)
        if blocked:
            return entry
    return None


def _tariff(draft: _Steps, catalogue: Catalogue, did: Did, customer: Customer, at_ms: int) -> None:
    named = tariff_of(catalogue, did, customer)
    if named is None:
        detail = "neither the number, its customer nor a provider above has a tariff"
        raise _Refused(Refusal.FAULT, "tariff", detail)
    name, owner = named
    version = version_at(catalogue.tariffs.get(name, ()), at_ms)
    if version is None:
        raise _Refused(Refusal.FAULT, "tariff", f"tariff {name} has no version in effect")
    draft.tariff = version
    draft.passed("tariff", f"{name} version {version.version}, of the {owner}")
    provider = catalogue.providers.get(customer.provider)
    if provider is not None and provider.cost_tariff is not None:
        draft.cost_tariff = version_at(catalogue.tariffs.get(provider.cost_tariff, ()), at_ms)
        if draft.cost_tariff is None:
            detail = f"tariff {provider.cost_tariff} has no version in effect: cost unknown"
            draft.steps.append(Step("cost", Outcome.SKIPPED, detail))
        else:
            detail = f"{provider.cost_tariff} version {draft.cost_tariff.version}"
            draft.passed("cost", detail)


def tariff_of(catalogue: Catalogue, did: Did | None, customer: Customer) -> tuple[str, str] | None:
    """The tariff that prices a customer's calls, and whose it is; None if nobody has one.

    The number's own, else the customer's, else that of the nearest provider above who has one.
    """
    if did is not None and did.tariff is not None:
        return did.tariff, "number"
    if customer.tariff is not None:
        return customer.tariff, "customer"
    for above in path_up(catalogue.providers, customer.provider):
        tariff = catalogue.providers[above].tariff
        if tariff is not None:
            return tariff, f"provider {above}"
    return None


def version_at(versions: tuple[TariffVersion, ...], at_ms: int) -> TariffVersion | None:
    """The version in effect at `at_ms`; `versions` are in order of `effective_from_ms`."""
    at = bisect_right(versions, at_ms, key=_effective_from)
    return versions[at - 1] if at else None


def _effective_from(version: TariffVersion) -> int:
    return version.effective_from_ms


def _lines(draft: _Steps, destinations: tuple[Destination, ...]) -> None:
    lines: list[Line] = []
    for line in destinations:
        if not is_destination(line.number):
            draft.steps.append(Step("line", Outcome.SKIPPED, f"{line.id} has no number to dial"))
        elif len(lines) == LINES_MAX:
            draft.steps.append(Step("line", Outcome.SKIPPED, f"{line.id}: over {LINES_MAX} lines"))
        else:
            lines.append(Line(line.id, line.number, line.trunk, line.ring_s, line.calls_max))
            draft.passed("line", f"{line.number} by {line.trunk}, rings {line.ring_s} s")
    if not lines:
        raise _Refused(Refusal.FAULT, "lines", "the number has no line to ring")
    draft.lines = tuple(lines)
