"""Looking for numbers and applications: every answer is judged by the clock of the question."""

from dataclasses import replace
from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import NumberEvent as E
from callserver.domain.lifecycle import standing
from callserver.domain.number_application import Material
from callserver.domain.number_change import ApplicationQuery, NumberQuery
from callserver.domain.number_class import NumberClass, like
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import (
    DAY_MS,
    LONG,
    MINUTE_MS,
    ORDINARY,
    SPECIAL,
    NumberBed,
    number_bed,
)
from tests.adapters.sql.opening_bed import add_to_catalogue

SHELF = ["4000000888", "4001231212", "4001239999", "4008000001", "4008001888"]


@pytest.fixture
async def bed(books: SqlBooks, clock: SetClock, tmp_path: Path) -> NumberBed:
    """Furnished, with a few more numbers."""
    made = number_bed(books, clock, tmp_path)
    await made.furnish()
    await made.numbers.add(SHELF)
    return made


async def found(bed: NumberBed, query: NumberQuery) -> list[str]:
    """The numbers alone."""
    return [record.number for record in await bed.numbers.search(query)]


SEARCHES = [
    (NumberQuery(like=like("4008*")), ["4008000001", "4008001888", LONG]),
    (NumberQuery(like=like("*888")), ["4000000888", SPECIAL, "4008001888"]),
    (NumberQuery(like=like("400???1212")), ["4001231212"]),
    (NumberQuery(class_name="AAA"), ["4000000888", SPECIAL, "4008001888"]),
    (NumberQuery(class_name="AAAA"), ["4001239999"]),
    (NumberQuery(special=False), [ORDINARY, "4008000001", LONG]),
    (NumberQuery(price_micros_max=1_000_000_000, special=True), ["4001231212"]),
    (NumberQuery(after="4001234569", limit=2), ["4001239999", "4008000001"]),
    (NumberQuery(state=NumberState.RESERVED), []),
    (NumberQuery(like=like("4009*")), []),
]


@pytest.mark.parametrize(("query", "numbers"), SEARCHES)
async def test_searches(bed: NumberBed, query: NumberQuery, numbers: list[str]) -> None:
    """By pattern, class, kind, price; in order, from a number on, so many."""
    assert await found(bed, query) == numbers


async def test_the_state_that_is_looked_for_is_the_one_of_now(bed: NumberBed) -> None:
    """At every edge the query finds what the rule finds, though nobody wrote it down."""
    await bed.reserve()
    await bed.reserve(LONG)
    await bed.do(E.LOCK, LONG, provider="north", customer="acme")
    edges = {3 * DAY_MS, 3 * DAY_MS + 30 * MINUTE_MS, 30 * DAY_MS, 30 * DAY_MS + 30 * MINUTE_MS}
    reserved_ms = bed.now_ms
    for at_ms in sorted(reserved_ms + edge + step for edge in edges for step in (-1, 0)):
        bed.clock.us = at_ms * 1000
        by_rule = {}
        for number in (ORDINARY, LONG):
            by_rule[number] = (await bed.numbers.number(number)).state
        for state in NumberState:
            wanted = [number for number, now in by_rule.items() if now is state]
            seen = set(await found(bed, NumberQuery(state=state)))
            assert seen & by_rule.keys() == set(wanted), (at_ms - reserved_ms, state)


async def test_what_others_hold_is_not_found(bed: NumberBed) -> None:
    """A provider finds what is free and what its own tree holds."""
    await bed.reserve()
    await bed.reserve(LONG, provider="rival")
    everything = NumberQuery(like=like("400*4569"))
    assert await found(bed, everything) == [ORDINARY, LONG]
    assert await found(bed, replace(everything, providers=frozenset({"north", "leaf"}))) == [
        ORDINARY
    ]
    assert await found(bed, NumberQuery(provider="rival")) == [LONG]
    bed.later(31 * DAY_MS)
    assert await found(bed, NumberQuery(provider="rival")) == []


async def test_a_number_added_again_takes_class_and_price(bed: NumberBed) -> None:
    """Its state stays; the count is of new ones."""
    await bed.reserve()
    override = NumberClass("VIP", special=True, price_micros=7_000_000)
    assert await bed.numbers.add([ORDINARY, "4005000000"], override=override) == 1
    record = await bed.numbers.number(ORDINARY)
    assert (record.state, record.class_name) == (NumberState.RESERVED, "VIP")
    assert (record.special, record.price_micros) == (True, 7_000_000)


async def test_many_numbers_come_in_pieces(bed: NumberBed) -> None:
    """Progress is told, and every one arrives."""
    told: list[int] = []
    numbers = (f"4007{each:06d}" for each in range(45_000))
    assert await bed.numbers.add(numbers, progress=told.append) == 45_000
    assert told == [20_000, 40_000, 45_000]


async def test_applications_of_a_tree(bed: NumberBed) -> None:
    """The newest first; those that ran out have ended, whether that was written or not."""
    await add_to_catalogue(bed.books, bed.clock)
    await bed.reserve(features=("recording", "menu"), plan="gold")
    await bed.reserve(LONG, provider="rival")
    await bed.reserve(SPECIAL, provider="leaf")
    tree = ApplicationQuery(providers=frozenset({"north", "leaf"}))
    assert [each.number for each in await bed.numbers.applications(tree)] == [SPECIAL, ORDINARY]
    bed.later(3 * DAY_MS)
    open_now = await bed.numbers.applications(replace(tree, open_only=True))
    assert [each.number for each in open_now] == [SPECIAL]
    (ended,) = await bed.numbers.applications(ApplicationQuery(number=ORDINARY))
    assert (ended.ended_by, ended.ended_ms, ended.state) == ("period_ended", bed.now_ms, None)
    assert (ended.features, ended.plan) == (("recording", "menu"), "gold")
    await bed.numbers.purge()
    assert await bed.numbers.applications(ApplicationQuery(number=ORDINARY)) == [ended]
    assert await bed.numbers.applications(replace(tree, before=ended.id)) == []


async def test_material_of_the_last_submission(bed: NumberBed) -> None:
    """What was rejected is replaced; small files can be opened again."""
    await bed.reserve()
    await bed.do(E.LOCK, provider="north", customer="acme")
    await bed.submit()
    await bed.do(E.REJECT, reason="blurred")
    application = await bed.numbers.application(1)
    assert (application.rejection, application.state) == ("blurred", NumberState.LOCKED)
    await bed.submit()
    (material,) = (await bed.numbers.application(1)).materials
    assert isinstance(material, Material)
    assert bed.numbers.material(ORDINARY, material) == b"a scan of the licence"


async def test_writing_down_what_is_due_changes_no_answer(bed: NumberBed) -> None:
    """The background's work is history only."""
    await bed.reserve()
    bed.later(4 * DAY_MS)
    before = await bed.numbers.number(ORDINARY)
    assert await bed.numbers.history(ORDINARY) != []
    await bed.numbers.purge()
    assert await bed.numbers.number(ORDINARY) == before
    assert [change.actor for change in await bed.numbers.history(ORDINARY)] == [
        *("test", "clock", "clock")
    ]
    assert standing(before, bed.now_ms, bed.numbers.book._periods) == before  # type: ignore[attr-defined]  # the real one
