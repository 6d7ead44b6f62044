"""The terms of a call are fixed at its admission, its price by the line and the hour it answers."""

import io
from dataclasses import replace
from typing import Any

import pytest

from callserver.domain.band import Band
from callserver.domain.business import Catalogue
from callserver.domain.ledger import EntryKind
from callserver.domain.tariff import TariffVersion
from tests.fakes.clock import T0_US
from tests.service.business import ACME, CHEAP_MICROS, DEAR_MICROS, MINUTE, NIGHT, YUAN
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]

NIGHT_FROM_US = T0_US + 60_000_000


def priced(stage: Stage, name: str, *bands: Band, **changed: Any) -> None:
    """From now on the tariff says this."""
    now: Catalogue = stage.process.catalogue.now
    version = replace(now.tariffs[name][0], version=2, bands=bands, **changed)
    stage.process.catalogue.now = replace(now, tariffs={**now.tariffs, name: (version,)})


async def test_a_call_crosses_into_a_dearer_hour(stage: Stage) -> None:
    """Each second at the rate of its own hour, held and charged alike."""
    stage.clock.us = NIGHT_FROM_US - 10_000_000
    arrival, _ = await stage.routed(NIGHT)
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(25.2)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == (10 * CHEAP_MICROS + 15 * DEAR_MICROS) // 60
    assert "settled at" not in " ".join(cdr.fee_lines)
    await stage.assert_books_agree()


async def test_the_hold_covers_the_hour_that_may_come_while_it_rings(stage: Stage) -> None:
    """A slice of a minute, and the line may ring 40 s: 60 dear seconds are possible."""
    stage.clock.us = NIGHT_FROM_US - 35_000_000
    arrival, _ = await stage.routed(NIGHT)
    assert (await stage.balance("night")).held_micros == DEAR_MICROS
    await stage.answer(arrival)
    meter = await stage.meter(arrival)
    assert meter is not None
    dear = meter.table.price_micros(60)
    assert dear == (35 * CHEAP_MICROS + 25 * DEAR_MICROS) // 60 < meter.held_micros


async def _leave(stage: Stage, account: str, micros: int) -> None:
    await stage.real_books.post(
        account, EntryKind.ADJUSTMENT, micros - 10 * YUAN, "leave", "test", ""
    )
    await stage.process.accounts.replay(account)


@pytest.mark.parametrize("unheard", [0, 1])
async def test_a_dearer_answer_than_was_held_for_is_cut_short(
    stage: Stage, log_text: io.StringIO, unheard: int
) -> None:
    """It rang longer than any line may: Asterisk is told the earlier end, once Redis said it."""
    stage.meters.silent("answer", unheard)
    stage.clock.us = NIGHT_FROM_US - 120_000_000
    await _leave(stage, "night", 600_000)
    arrival, routed = await stage.routed(NIGHT)
    assert routed.held_s == 60
    stage.clock.us = NIGHT_FROM_US
    await stage.answer(arrival)
    assert stage.pbx.timeouts == [(arrival.channel, 30_500)]
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.held_s, meter.held_micros) == (30, 600_000)
    assert "call.shortened" in log_text.getvalue()
    await _leave_more(stage, 900_000)
    stage.clock.pass_s(16)
    await stage.process.metering.turn()
    meter = await stage.meter(arrival)
    assert meter is not None
    assert meter.held_s > 60


async def _leave_more(stage: Stage, micros: int) -> None:
    await stage.real_books.post("night", EntryKind.TOP_UP, micros, "more", "test", "")
    await stage.process.accounts.replay("night")


async def test_a_dearer_answer_with_money_holds_more(stage: Stage) -> None:
    """Nobody is cut who can pay."""
    stage.clock.us = NIGHT_FROM_US - 120_000_000
    arrival, _ = await stage.routed(NIGHT)
    stage.clock.us = NIGHT_FROM_US
    await stage.answer(arrival)
    assert stage.pbx.timeouts == []
    assert (await stage.balance("night")).held_micros == DEAR_MICROS


async def test_a_shortened_call_is_ended_even_when_asterisk_was_away(stage: Stage) -> None:
    """The earlier end is past by the time it can be told: the call ends then."""
    stage.clock.us = NIGHT_FROM_US - 120_000_000
    await _leave(stage, "night", 600_000)
    arrival, _ = await stage.routed(NIGHT)
    stage.clock.us = NIGHT_FROM_US
    stage.pbx.away = True
    await stage.answer(arrival)
    stage.clock.pass_s(40)
    stage.pbx.away = False
    await stage.process.metering.turn()
    assert stage.pbx.timeouts[-1] == (arrival.channel, 1)


async def test_the_line_that_answers_decides_the_price(stage: Stage) -> None:
    """The dearest is held for, the answering one charged; the next slice uses up what is over."""
    priced(stage, "second", Band(1_200_000, destination_prefixes=("02188880101",)))
    arrival, _ = await stage.routed(ACME)
    assert (await stage.balance()).held_micros == 1_200_000
    answered_us = await stage.answer(arrival, line=1)
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    other, _ = await stage.routed(ACME)
    answered_us = await stage.answer(other, line=2)
    stage.clock.pass_s(10)
    await stage.hang_up(other, answered_us, line=2)
    cdrs = {cdr.destination: cdr for cdr in await stage.written()}
    assert cdrs["02188880100"].charged_micros == 100_000
    assert cdrs["02188880101"].charged_micros == 200_000
    await stage.assert_books_agree()


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_edit_changes_no_running_call(stage: Stage, restarted: bool) -> None:
    """Tariff, bands and precision are those of the admission, whoever settles it."""
    arrival, _ = await stage.routed(MINUTE)
    answered_us = await stage.answer(arrival)
    if restarted:
        stage.restart()
    priced(stage, "minute", Band(9_000_000), rate_micros=9_000_000, precision_micros=10_000)
    stage.clock.pass_s(50)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert (cdr.charged_micros, cdr.tariff_version) == (150_000, 1)
    await stage.assert_books_agree()


async def test_the_customers_precision_goes_before_the_tariffs(stage: Stage) -> None:
    """0.01 yuan, half up."""
    now = stage.process.catalogue.now
    acme = replace(now.customers["acme"], precision_micros=100_000)
    stage.process.catalogue.now = replace(now, customers={**now.customers, "acme": acme})
    arrival, _ = await stage.routed(ACME)
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(15)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 200_000


def _with_cost(stage: Stage, rate_micros: int) -> None:
    now = stage.process.catalogue.now
    north = replace(now.providers["north"], cost_tariff="cost")
    cost = TariffVersion("cost", 7, 0, rate_micros)
    stage.process.catalogue.now = replace(
        now, providers={"north": north}, tariffs={**now.tariffs, "cost": (cost,)}
    )


@pytest.mark.parametrize(("rate", "warned"), [(60_000, False), (200_000, True)])
async def test_cost_and_margin_stand_beside_the_price(
    stage: Stage, rate: int, warned: bool, log_text: io.StringIO
) -> None:
    """A price below the cost is warned of once for each pair of tariffs."""
    _with_cost(stage, rate)
    for _ in range(2):
        arrival, _ = await stage.routed(MINUTE)
        answered_us = await stage.answer(arrival)
        stage.clock.pass_s(50)
        await stage.hang_up(arrival, answered_us)
    cdr, _ = await stage.written()
    assert (cdr.cost_micros, cdr.margin_micros) == (rate, 150_000 - rate)
    assert log_text.getvalue().count("call.below_cost") == int(warned)


async def test_a_call_covered_by_minutes_is_not_sold_below_cost(
    stage: Stage, log_text: io.StringIO
) -> None:
    """Its minutes were sold with the plan."""
    _with_cost(stage, 100_000)
    arrival, _ = await stage.routed("4001000006")
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(50)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert (cdr.fee_micros, cdr.cost_micros, cdr.margin_micros) == (0, 100_000, -100_000)
    assert "call.below_cost" not in log_text.getvalue()


async def test_an_unanswered_call_costs_nothing(stage: Stage) -> None:
    """Known to be nothing, where the provider has a cost tariff."""
    _with_cost(stage, 100_000)
    arrival, _ = await stage.routed(MINUTE)
    await stage.hang_up(arrival)
    (cdr,) = await stage.written()
    assert (cdr.cost_micros, cdr.fee_micros) == (0, 0)
