"""[R3] What is chosen with a number is on offer, and is switched on once when the number opens."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.lifecycle import NumberEvent, Suspension
from callserver.domain.number_application import steps_of
from callserver.ports.features import ActivationQuery
from callserver.ports.plans import PlanOrder
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import LONG, ORDINARY
from tests.adapters.sql.opening_bed import (
    FEATURES,
    FEES,
    ONCE_EACH,
    PLAN,
    PLAN_CREDIT,
    OpeningBed,
    opening_bed,
)

ALL_DONE = {"recording": "done", "menu": "done", "gold": "done"}


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> OpeningBed:
    """A catalogue, and numbers on the shelf."""
    return await opening_bed(books, clock, tmp_path)


NOT_ON_OFFER: list[tuple[dict[str, Any], Reason, str]] = [
    ({"features": ("recordin",)}, Reason.FEATURE_UNKNOWN, "did you mean 'recording'?"),
    ({"features": ("menu", "xyz")}, Reason.FEATURE_UNKNOWN, "There is no feature 'xyz' on"),
    ({"features": ("hologram",)}, Reason.FEATURE_UNKNOWN, "on offer from 2099-01-01 on."),
    ({"features": ("hologran",)}, Reason.FEATURE_UNKNOWN, "."),
    ({"plan": "glod"}, Reason.PLAN_UNKNOWN, "did you mean 'gold'?"),
    ({"plan": "xyz"}, Reason.PLAN_UNKNOWN, "There is no plan 'xyz' on"),
    ({"plan": "platinum"}, Reason.PLAN_UNKNOWN, "on offer from 2099-01-01 on."),
]


@pytest.mark.parametrize(("choice", "reason", "said"), NOT_ON_OFFER)
async def test_what_is_not_on_offer_cannot_be_chosen(
    bed: OpeningBed, choice: dict[str, Any], reason: Reason, said: str
) -> None:
    """Nothing is reserved; a close name is named, unless that is not on offer either."""
    with pytest.raises(Declined) as caught:
        await bed.number.reserve(**choice)
    assert caught.value.reason is reason
    assert said in caught.value.detail
    assert "'hologram'?" not in caught.value.detail
    assert (await bed.number.numbers.number(ORDINARY)).state is NumberState.AVAILABLE


async def test_a_feature_chosen_twice_is_chosen_once(bed: OpeningBed) -> None:
    """In the order in which they were named; before the opening they are only chosen."""
    await bed.number.reserve(features=("menu", "recording", "menu"))
    application = await bed.openings.numbers.application(1)
    assert application.features == ("menu", "recording")
    assert await bed.states() == {"menu": "chosen", "recording": "chosen"}


async def test_the_opening_switches_on_what_was_chosen(bed: OpeningBed) -> None:
    """The provider pays the features, the customer the plan; the same again moves nothing."""
    await bed.approved()
    await bed.pay_for_everything()
    opened = await bed.activate()
    assert (opened.complete, opened.change.to_state) == (True, NumberState.ACTIVE)
    assert await bed.activate() == opened
    assert await bed.refused(operation_id="another") == "state_forbids"
    assert await bed.states() == ALL_DONE
    assert await bed.entries() == ONCE_EACH
    assert (await bed.yuan("provider:north"), await bed.yuan("acme")) == (0, PLAN_CREDIT)
    on = await bed.openings.features.activations(ActivationQuery(did=ORDINARY))
    assert {(each.feature, each.customer, each.operation_id) for each in on} == {
        (name, "acme", f"application:1:feature:{name}") for name in FEATURES
    }
    [term] = (await bed.openings.plans.view("acme")).subscriptions
    assert (term.plan, term.years, term.operation_id) == (PLAN, 1, "application:1:plan")
    assert [step.missing for step in steps_of(await bed.openings.numbers.application(1))] == [
        ()
    ] * 4


@pytest.mark.parametrize("operation_id", ["open", "another"])
async def test_a_refusal_leaves_the_number_open_and_is_tried_again_when_asked(
    bed: OpeningBed, operation_id: str
) -> None:
    """What is refused is told with its reason; money alone switches nothing on."""
    await bed.approved()
    await bed.top_up("provider:north", FEES["recording"])
    opened = await bed.activate()
    assert opened.change.to_state is NumberState.ACTIVE
    assert await bed.states() == {"recording": "done", "menu": "refused", "gold": "refused"}
    assert {item.reason for item in opened.items if item.unfinished} == {"not_covered"}
    assert {"top it up" in item.detail for item in opened.items if item.unfinished} == {True}
    last = steps_of(await bed.openings.numbers.application(1))[-1]
    assert last.missing == ("feature menu (not_covered)", "plan gold (not_covered)")
    await bed.pay_for_everything()
    assert await bed.openings.complete_due() == 0
    assert await bed.states() == {"recording": "done", "menu": "refused", "gold": "refused"}
    again = await bed.activate(operation_id=operation_id)
    assert (again.change, again.complete) == (opened.change, True)
    assert await bed.entries() == ONCE_EACH


async def test_what_runs_already_is_not_started_twice(bed: OpeningBed) -> None:
    """The same plan of the customer, and a feature switched on by hand since; it is said so."""
    await bed.pay_for_everything()
    await bed.openings.plans.subscribe(PlanOrder("acme", PLAN), "by-hand", "test")
    await bed.approved()
    await bed.top_up("provider:north", -sum(FEES.values()))
    opened = await bed.activate()
    assert await bed.states() == {"recording": "refused", "menu": "refused", "gold": "already"}
    await bed.top_up("provider:north", sum(FEES.values()))
    await bed.openings.features.activate(ORDINARY, "menu", "by-hand", "test")
    assert await bed.states() == {"recording": "refused", "menu": "already", "gold": "already"}
    assert (await bed.activate()).complete
    assert not opened.complete
    assert await bed.entries() == ONCE_EACH


async def test_another_plan_that_runs_is_in_the_way(bed: OpeningBed) -> None:
    """It is neither ended nor paid for a second time."""
    await bed.pay_for_everything()
    await bed.openings.plans.subscribe(PlanOrder("acme", "silver"), "by-hand", "test")
    await bed.approved(features=())
    [item] = (await bed.activate()).items
    assert (item.state.value, item.reason) == ("refused", "plan_running")
    assert await bed.yuan("acme") == PLAN_CREDIT


async def test_two_numbers_of_a_customer_with_the_same_plan(bed: OpeningBed) -> None:
    """The second opening finds it running."""
    await bed.pay_for_everything()
    await bed.approved(features=())
    await bed.approved(LONG, features=())
    await bed.activate()
    await bed.activate(LONG, "open-2")
    assert [await bed.states(1), await bed.states(2)] == [{"gold": "done"}, {"gold": "already"}]
    assert (await bed.entries())["plan_fee"] == 1


async def test_what_was_interrupted_is_completed_by_itself(bed: OpeningBed) -> None:
    """Killed right after the number opened: nobody has to ask again, and nobody pays again."""
    await bed.approved()
    await bed.pay_for_everything()
    await bed.number.do(NumberEvent.ACTIVATE)
    assert set((await bed.states()).values()) == {"due"}
    assert await bed.openings.complete_due() == 1
    assert await bed.openings.complete_due() == 0
    assert await bed.states() == ALL_DONE
    assert await bed.entries() == ONCE_EACH


async def test_a_running_server_completes_it(
    bed: OpeningBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again, however few it reads at once."""
    monkeypatch.setattr("callserver.service.openings.LOOK_S", 0)
    monkeypatch.setattr("callserver.service.openings.DUE_AT_ONCE", 1)
    await bed.pay_for_everything()
    await bed.top_up("provider:north", FEES["menu"])
    await bed.approved()
    await bed.approved(LONG, features=("menu",), plan="")
    running = asyncio.create_task(bed.openings.run())
    for number in (ORDINARY, LONG):
        await bed.number.do(NumberEvent.ACTIVATE, number)
    async with asyncio.timeout(60):
        while [await bed.states(1), await bed.states(2)] != [ALL_DONE, {"menu": "done"}]:
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await bed.entries())["feature_fee"] == 3


async def test_a_number_that_is_not_active_waits(bed: OpeningBed) -> None:
    """Suspended: it waits for the resumption. Closed: what it lacked is never switched on."""
    await bed.approved()
    await bed.pay_for_everything()
    await bed.number.do(NumberEvent.ACTIVATE, operation_id="open")
    await bed.number.suspend(Suspension.HOLD)
    assert await bed.openings.complete_due() == 0
    assert not (await bed.activate()).complete
    assert set((await bed.states()).values()) == {"due"}
    await bed.number.do(NumberEvent.CLOSE)
    assert await bed.openings.complete_due() == 0
    assert not (await bed.activate()).complete
    assert await bed.entries() == {}


async def test_what_was_opened_before_there_were_openings(bed: OpeningBed) -> None:
    """Nobody is charged for what was noted long ago, until somebody asks for it."""
    await bed.approved()
    await bed.pay_for_everything()
    await bed.number.do(NumberEvent.ACTIVATE)
    await bed.execute("DELETE FROM opening_item")
    assert await bed.openings.complete_due() == 0
    assert set((await bed.states()).values()) == {"chosen"}
    assert (await bed.activate(operation_id="another")).complete
    assert await bed.entries() == ONCE_EACH


async def test_what_was_done_stays_done(bed: OpeningBed) -> None:
    """Switched off later, it is not switched on again by a repeated activation."""
    await bed.approved(plan="")
    await bed.pay_for_everything()
    await bed.activate()
    for activation in (1, 2):
        await bed.openings.features.deactivate(activation, f"off-{activation}", "test")
    assert (await bed.activate()).complete
    assert await bed.refused(operation_id="another") == "state_forbids"
    assert await bed.openings.features.activations(ActivationQuery(did=ORDINARY)) == []
