"""How far an application has come, and what may be handed in."""

from typing import Any

import pytest

from callserver.domain.business import NumberState
from callserver.domain.declined import Declined
from callserver.domain.number_application import (
    Application,
    Material,
    StepState,
    check_material,
    steps_of,
)
from callserver.domain.opening import ItemKind, ItemState, OpeningItem

DIGEST = "a" * 64


def application(**changed: Any) -> Application:
    """A reservation of an hour ago."""
    given: dict[str, Any] = {
        "id": 7, "number": "4001234569", "provider": "north", "customer": None,
        "features": (), "plan": "", "price_micros": 0, "contract": "", "carrier_reference": "",
        "rejection": "", "reserved_ms": 1, "until_ms": 9, "locked_ms": None,
        "submitted_ms": None, "approved_ms": None, "active_ms": None, "ended_ms": None,
        "ended_by": None, "state": NumberState.RESERVED,
    }  # fmt: skip
    return Application(**given | changed)


REVIEW = {"locked_ms": 2, "submitted_ms": 3, "state": NumberState.REVIEW}
OPEN = REVIEW | {"approved_ms": 4, "active_ms": 5, "state": NumberState.ACTIVE}
PROGRESS = [
    ({}, "done now later later", "contract"),
    ({"price_micros": 5}, "done now later later", "price"),
    ({"locked_ms": 2, "state": NumberState.LOCKED}, "done done now later", "material"),
    (
        {"locked_ms": 2, "state": NumberState.LOCKED, "rejection": "blurred"},
        "done done now later",
        "rejected: blurred",
    ),
    (REVIEW, "done done now later", "review"),
    (REVIEW | {"approved_ms": 4}, "done done done now", "carrier"),
    (OPEN, "done done done done", ""),
    (
        OPEN | {"opening": (OpeningItem(ItemKind.PLAN, "gold", ItemState.REFUSED, "not_covered"),)},
        "done done done done",
        "plan gold (not_covered)",
    ),
    (
        OPEN | {"opening": (OpeningItem(ItemKind.FEATURE, "menu", ItemState.DONE),)},
        "done done done done",
        "",
    ),
    (
        OPEN | {"opening": (OpeningItem(ItemKind.FEATURE, "menu", ItemState.DUE),)},
        "done done done done",
        "feature menu",
    ),
    ({"ended_ms": 6, "ended_by": "cancel", "state": None}, "done ended ended ended", ""),
]


@pytest.mark.parametrize(("changed", "states", "missing"), PROGRESS)
def test_progress(changed: dict[str, Any], states: str, missing: str) -> None:
    """Four steps; the one it stands at says what is missing."""
    steps = steps_of(application(**changed))
    assert [step.state for step in steps] == [StepState(each) for each in states.split()]
    said = "; ".join(each for step in steps for each in step.missing)
    assert missing in said
    assert bool(missing) == bool(said)


BAD = [
    (),
    (Material("licence", "scan.pdf", "abc"),),
    (Material("licence", "", DIGEST),),
    (Material("", "scan.pdf", DIGEST),),
    (Material("licence", "a\nb", DIGEST),),
    (Material("licence", "scan.pdf", DIGEST), Material("id", "id.pdf", DIGEST)),
    tuple(Material("licence", "scan.pdf", f"{each:064x}") for each in range(21)),
]


@pytest.mark.parametrize("materials", BAD)
def test_material_that_cannot_be_taken(materials: tuple[Material, ...]) -> None:
    """None, too much, or without a name or a digest."""
    with pytest.raises(Declined):
        check_material(materials)


def test_material_that_can() -> None:
    """A kind, where it is, and its SHA-256."""
    check_material((Material("licence", "archive/2026/17.pdf", DIGEST),))
