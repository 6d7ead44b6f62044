"""Numbers in SQL: the whole way, money, trees and retries, on both databases."""

from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.import_set import DestinationRow, ImportChanges
from callserver.domain.ledger import OperationReused
from callserver.domain.lifecycle import NumberEvent as E
from callserver.domain.lifecycle import Suspension
from callserver.domain.number_application import StepState, steps_of
from callserver.domain.number_class import NumberClass
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import (
    DAY_MS,
    FORM,
    LONG,
    MINUTE_MS,
    ORDINARY,
    SPECIAL,
    NumberBed,
    number_bed,
)


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> NumberBed:
    """Furnished."""
    made = number_bed(books, clock, tmp_path)
    await made.furnish()
    return made


async def declined(reason: Reason, work: Awaitable[object]) -> None:
    """The work is declined for this reason."""
    with pytest.raises(Declined) as found:
        await work
    assert found.value.reason is reason


async def test_from_the_shelf_to_calls(bed: NumberBed) -> None:
    """Calls go by the number from its activation on, for the customer who signed."""
    await bed.activate()
    catalogue = await bed.books.load_catalogue()
    did = catalogue.dids[ORDINARY]
    assert (did.customer, did.state) == ("acme", NumberState.ACTIVE)
    events = [change.event for change in await bed.numbers.history(ORDINARY)]
    assert events == [E.RESERVE, E.LOCK, E.SUBMIT, E.APPROVE, E.ACTIVATE]
    application = await bed.numbers.application(1)
    assert [step.state for step in steps_of(application)] == [StepState.DONE] * 4
    assert (application.carrier_reference, application.provider) == ("CT-1", "north")


async def test_suspensions_follow_into_calls(bed: NumberBed) -> None:
    """Each change of state raises the catalogue's version; the last cleared reason opens again."""
    await bed.activate()
    versions = [await bed.books.catalogue_version()]
    states = []
    for event, reason in (
        (E.SUSPEND, Suspension.ARREARS),
        (E.SUSPEND, Suspension.HOLD),
        (E.RESUME, Suspension.ARREARS),
        (E.RESUME, Suspension.HOLD),
    ):
        await bed.do(event, suspension=reason)
        catalogue = await bed.books.load_catalogue()
        versions.append(catalogue.version)
        states.append(catalogue.dids[ORDINARY].state.value)
    assert states == ["suspended", "suspended", "suspended", "active"]
    assert [version - versions[0] for version in versions] == [0, 1, 1, 1, 2]


async def test_a_closed_number_leaves_everything_behind(bed: NumberBed) -> None:
    """Lines, blocks and settings are the former customer's telephones; the next one starts bare."""
    await bed.activate()
    catalogue = await bed.books.load_catalogue()
    line = DestinationRow(ORDINARY, "057188886666", "carrier", 20, 2)
    rows = ImportChanges(
        catalogue.version,
        dids=(replace(catalogue.dids[ORDINARY], calls_max=9, tariff="standard"),),
        routes={ORDINARY: (line,)},
    )
    assert await bed.books.apply_import(rows, "test")
    await bed.do(E.CLOSE, reason="moved away")
    did = (await bed.books.load_catalogue()).dids[ORDINARY]
    assert (did.destinations, did.calls_max, did.tariff) == ((), 0, None)
    assert did.state is NumberState.FROZEN
    bed.later(30 * MINUTE_MS)
    await bed.numbers.purge()
    assert (await bed.books.load_catalogue()).dids[ORDINARY].state is NumberState.AVAILABLE
    await bed.activate(customer="leafy")
    did = (await bed.books.load_catalogue()).dids[ORDINARY]
    assert (did.customer, did.state) == ("leafy", NumberState.ACTIVE)


async def test_an_operation_is_carried_out_once(bed: NumberBed) -> None:
    """The same id gives the first outcome, whatever has happened since; other content is refused"""
    command = bed.command(E.RESERVE, provider="north")
    first = await bed.numbers.reserve(command, FORM)
    await bed.do(E.CANCEL, provider="north")
    assert await bed.numbers.reserve(command, FORM) == first
    assert len(await bed.numbers.history(ORDINARY)) == 2
    for other, form in (
        (replace(command, provider="rival"), FORM),
        (replace(command, number=LONG), FORM),
        (command, FORM | {"company": "苏州拙政丝绸有限公司"}),
    ):
        with pytest.raises(OperationReused):
            await bed.numbers.reserve(other, form)


async def test_a_special_number_is_paid_when_it_is_locked_once(bed: NumberBed) -> None:
    """Not before, not without money, not again after a rejection."""
    await bed.reserve(SPECIAL)
    lock = bed.command(E.LOCK, SPECIAL, provider="north", customer="acme")
    await declined(Reason.NOT_COVERED, bed.numbers.act(lock))
    assert (await bed.numbers.number(SPECIAL)).state is NumberState.RESERVED
    await bed.top_up("north", 2_500_000_000)
    await bed.numbers.act(lock)
    await bed.numbers.act(lock)
    assert await bed.settled("north") == 500_000_000
    await bed.submit(SPECIAL)
    await bed.do(E.REJECT, SPECIAL, reason="blurred")
    await bed.do(E.DROP, SPECIAL)
    assert await bed.settled("north") == 500_000_000


async def test_the_price_is_that_of_the_reservation(bed: NumberBed) -> None:
    """A number made dearer meanwhile costs what the provider was told."""
    await bed.top_up("north", 2_000_000_000)
    await bed.reserve(SPECIAL)
    await bed.numbers.add([SPECIAL], override=NumberClass("888", special=True, price_micros=9))
    await bed.do(E.LOCK, SPECIAL, provider="north", customer="acme")
    assert await bed.settled("north") == 0


TREE = [("north", False), ("root", False), ("south", False), ("leaf", False), ("rival", True)]


@pytest.mark.parametrize(("provider", "may"), TREE)
async def test_the_whole_tree_waits_a_period(bed: NumberBed, provider: str, may: bool) -> None:
    """Root, sibling and subordinate count as the same; another tree does not."""
    await bed.reserve()
    await bed.do(E.CANCEL, provider="north")
    bed.later(30 * MINUTE_MS)
    if may:
        await bed.reserve(provider=provider)
        return
    await declined(Reason.TREE_HELD_IT_LAST, bed.reserve(provider=provider))
    bed.later(3 * DAY_MS - 30 * MINUTE_MS)
    assert (await bed.reserve(provider=provider)).provider == provider


async def test_a_tree_may_again_after_another_held_it(bed: NumberBed) -> None:
    """At once when the other's period has ended and the freeze is over."""
    await bed.reserve()
    bed.later(3 * DAY_MS + 30 * MINUTE_MS)
    await bed.reserve(provider="rival")
    await bed.do(E.CANCEL, provider="rival")
    bed.later(30 * MINUTE_MS)
    await bed.reserve(provider="leaf")
    assert [change.actor for change in await bed.numbers.history(ORDINARY)] == [
        *("test", "clock", "clock", "test", "test", "clock", "test")
    ]


async def test_nobody_else_signs_for_a_reservation(bed: NumberBed) -> None:
    """Only its own provider locks, for a customer of its own or of one below it."""
    await bed.reserve()

    def lock(provider: str, customer: str) -> Awaitable[object]:
        return bed.do(E.LOCK, provider=provider, customer=customer)

    await declined(Reason.NOT_THE_HOLDER, lock("root", "acme"))
    await declined(Reason.CUSTOMER_OF_ANOTHER_PROVIDER, lock("north", "elsewhere"))
    await declined(Reason.CUSTOMER_UNKNOWN, lock("north", "nobody"))
    await declined(Reason.PROVIDER_UNKNOWN, lock("nobody", "acme"))
    await declined(Reason.NUMBER_UNKNOWN, bed.reserve("4009999999"))
    await bed.do(E.LOCK, provider="north", customer="leafy")
    bed.later(3 * DAY_MS - 1)
    assert (await bed.numbers.number(ORDINARY)).customer == "leafy"


async def test_a_lock_comes_in_time_or_not_at_all(bed: NumberBed) -> None:
    """A second before the end it is accepted, at the end it is not."""
    await bed.reserve()
    await bed.reserve(LONG)
    bed.later(3 * DAY_MS)
    await declined(Reason.STATE_FORBIDS, bed.do(E.LOCK, provider="north", customer="acme"))
    bed.later(27 * DAY_MS - 1000)
    await bed.do(E.LOCK, LONG, provider="north", customer="acme")


async def test_history_is_never_rewritten(bed: NumberBed) -> None:
    """The database itself refuses."""
    await bed.reserve()
    for statement in ("UPDATE number_event SET actor = 'x'", "DELETE FROM number_event"):
        rewrite = partial(_execute, statement=statement)
        with pytest.raises(DBAPIError, match="kept for ever"):
            await bed.books.database.write(rewrite)


def _execute(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


async def test_violations_are_found_for_the_running_server(bed: NumberBed) -> None:
    """With the line of history that suspended them; arrears alone are not among them."""
    await bed.activate()
    await bed.suspend(Suspension.ARREARS)
    assert await bed.numbers.book.violations() == {}
    await bed.suspend(Suspension.VIOLATION)
    (first,) = (await bed.numbers.book.violations()).items()
    assert first[0] == ORDINARY
    await bed.do(E.RESUME, suspension=Suspension.VIOLATION)
    assert await bed.numbers.book.violations() == {}
    await bed.suspend(Suspension.VIOLATION)
    assert (await bed.numbers.book.violations())[ORDINARY] > first[1]


async def test_a_number_is_its_customers_from_the_lock_on(bed: NumberBed) -> None:
    """Lines can be given before it opens; what came to nothing leaves them behind."""
    await bed.reserve()
    await bed.do(E.LOCK, provider="north", customer="acme")
    catalogue = await bed.books.load_catalogue()
    assert catalogue.dids[ORDINARY].state is NumberState.LOCKED
    line = DestinationRow(ORDINARY, "057188886666", "carrier", 20, 2)
    rows = ImportChanges(catalogue.version, routes={ORDINARY: (line,)})
    assert await bed.books.apply_import(rows, "test")
    await bed.submit()
    assert (await bed.books.load_catalogue()).dids[ORDINARY].state is NumberState.REVIEW
    await bed.do(E.REJECT, reason="blurred")
    bed.later(30 * DAY_MS)
    await bed.numbers.purge()
    did = (await bed.books.load_catalogue()).dids[ORDINARY]
    assert (did.state, did.destinations) == (NumberState.FROZEN, ())
    bed.later(30 * MINUTE_MS)
    await bed.numbers.purge()
    assert (await bed.books.load_catalogue()).dids[ORDINARY].state is NumberState.AVAILABLE
    await bed.reserve(provider="rival")
    await bed.do(E.LOCK, provider="rival", customer="elsewhere")
    await bed.do(E.DROP)
    did = (await bed.books.load_catalogue()).dids[ORDINARY]
    assert (did.customer, did.state) == ("elsewhere", NumberState.FROZEN)
