"""An application for a number, from the choice to the opening, and how far it has come."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.opening import OpeningItem

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
REFERENCE_CHARS_MAX = 200
MATERIALS_MAX = 20


@dataclass(frozen=True, slots=True)
class Material:
    """One real-name file: where it is kept, its SHA-256, and its sealed content if kept here."""

    kind: str
    reference: str
    digest: str
    sealed: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """One application. Instants are UTC milliseconds, None: not yet. `state`: the number's now,
    None once the application has ended (`ended_by` says how)."""

    id: int
    number: str
    provider: str
    customer: str | None
    features: tuple[str, ...]
    plan: str
    price_micros: int
    contract: str
    carrier_reference: str
    rejection: str
    reserved_ms: int
    until_ms: int | None
    locked_ms: int | None
    submitted_ms: int | None
    approved_ms: int | None
    active_ms: int | None
    ended_ms: int | None
    ended_by: str | None
    state: NumberState | None
    materials: tuple[Material, ...] = ()
    opening: tuple[OpeningItem, ...] = ()
    """The chosen features and plan, and which of them are on."""


class StepState(StrEnum):
    """How a step of an application stands."""

    DONE = "done"
    NOW = "now"
    LATER = "later"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Step:
    """A step; `missing` says what it still waits for."""

    name: str
    state: StepState
    at_ms: int | None
    missing: tuple[str, ...] = ()


STEPS = (
    "choose number, features and plan",
    "sign, pay, lock",
    "real-name material",
    "open",
)


def steps_of(application: Application) -> tuple[Step, ...]:
    """The four steps, with dates and what is missing."""
    done = (
        application.reserved_ms,
        application.locked_ms,
        application.approved_ms,
        application.active_ms,
    )
    return tuple(_steps(application, done))


def _steps(application: Application, done: tuple[int | None, ...]) -> Iterator[Step]:
    waiting = True
    for place, (name, at_ms) in enumerate(zip(STEPS, done, strict=True)):
        if at_ms is not None:
            yield Step(name, StepState.DONE, at_ms, _not_on(application, place))
        elif application.ended_ms is not None:
            yield Step(name, StepState.ENDED, None)
        elif waiting:
            waiting = False
            yield Step(name, StepState.NOW, None, _missing(application, place))
        else:
            yield Step(name, StepState.LATER, None)


def _not_on(application: Application, place: int) -> tuple[str, ...]:
    """What an open number still lacks of what was chosen with it."""
    if place < STEPS.index("open") or application.ended_ms is not None:
        return ()
    return tuple(
        f"{item.kind.value} {item.name}{f' ({item.reason})' if item.reason else ''}"
        for item in application.opening
        if item.unfinished
    )


def _missing(application: Application, place: int) -> tuple[str, ...]:
    match place:
        case 1:
            price = ("the number's price",) if application.price_micros else ()
            return ("the signed contract with a customer", *price)
        case 2 if application.state is NumberState.REVIEW:
            return ("the review of the material",)
        case 2:
            again = f" again (rejected: {application.rejection})" if application.rejection else ""
            return (f"the real-name material{again}",)
        case 3:
            return ("the carrier's confirmation",)
    return ()


def check_material(materials: tuple[Material, ...]) -> None:
    """Raises Declined unless there is some, each with a kind, a reference and a SHA-256."""
    if not 0 < len(materials) <= MATERIALS_MAX:
        raise _refused(f"hand in 1 to {MATERIALS_MAX} files.")
    for each in materials:
        for text in (each.kind, each.reference):
            if not text or len(text) > REFERENCE_CHARS_MAX or not text.isprintable():
                raise _refused(f"kind and reference are 1 to {REFERENCE_CHARS_MAX} characters.")
        if not _DIGEST.fullmatch(each.digest):
            raise _refused("a digest is a SHA-256: 64 of 0-9 and a-f.")
    if len({each.digest for each in materials}) != len(materials):
        raise _refused("the same file is there twice.")


def _refused(what: str) -> Declined:
    return Declined(Reason.MATERIAL_REFUSED, f"The material cannot be taken: {what}")
