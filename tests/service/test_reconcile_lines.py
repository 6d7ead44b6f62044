"""The PBX's own lines: none is used before all that is needed to understand it is there."""

import io

import pytest

from callserver.adapters.ami import cdr_file
from callserver.domain.business import Catalogue
from callserver.domain.call import EndSource
from tests.service import business
from tests.service.stage import Stage, epoch
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_no_end_is_estimated_while_lines_are_unread(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a long outage the file is read in parts: the call's line comes in a later one."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(12)
    for _ in range(20):
        stage.write_cdr_line(stage.arrival())
    stage.write_cdr_line(arrival, answered_us)
    stage.pbx.channels.clear()
    stage.restart()
    monkeypatch.setattr(cdr_file, "READ_BYTES_MAX", 1_200)
    for _ in range(12):
        await stage.process.reconciler.once()
        stage.clock.pass_s(2.5)
    (cdr,) = [cdr for cdr in await stage.written() if cdr.uniqueid == arrival.uniqueid]
    assert (cdr.billsec, cdr.end_source) == (12, EndSource.CDR_FILE)


@pytest.mark.parametrize(("line_s", "told"), [(17, True), (10, False)])
async def test_a_line_too_late_for_its_estimate_is_told(
    stage: Stage, log_text: io.StringIO, line_s: int, told: bool
) -> None:
    """A PBX that writes its file in batches: the CDR stays as it is, and a person is told."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    await stage.process.reconciler.once()
    stage.clock.pass_s(7)
    stage.pbx.channels.clear()
    for _ in range(3):
        await stage.process.reconciler.once()
        stage.clock.pass_s(2.5)
    (before,) = await stage.written()
    assert before.estimated
    end_us = answered_us + line_s * 1_000_000
    stage.write_cdr_line(arrival, answered_us, end=epoch(end_us), billsec=str(line_s))
    stage.clock.pass_s(60)
    await stage.process.reconciler.once()
    assert await stage.written() == (before,)
    assert ("call.estimate_differs" in log_text.getvalue()) is told
    assert not stage.process.reconciler.file.pending()


async def test_no_line_is_rated_before_the_catalogue_was_read(stage: Stage) -> None:
    """SQL was away at the start: every number would be an unknown one, and its call free."""
    arrival = stage.arrival()
    stage.clock.pass_s(10)
    stage.write_cdr_line(arrival, arrival.arrived_us)
    stage.clock.pass_s(60)
    stage.process.catalogue.now = Catalogue(version=-1)
    await stage.process.reconciler.once()
    assert await stage.written() == ()
    stage.process.catalogue.now = business.catalogue()
    await stage.process.reconciler.once()
    (cdr,) = await stage.written()
    assert (cdr.customer, cdr.charged_micros) == ("acme", 100_000)


async def test_a_report_before_the_catalogue_was_read_waits(stage: Stage) -> None:
    """A call connected without us ends while SQL is still away: rated once its number is known."""
    arrival = stage.arrival()
    stage.clock.pass_s(10)
    stage.process.catalogue.now = Catalogue(version=-1)
    await stage.hang_up(arrival, arrival.arrived_us, routed=False)
    assert await stage.written() == ()
    process = stage.restart()
    process.catalogue.now = Catalogue(version=-1)
    assert await process.settle.replay() == 0
    process.catalogue.now = business.catalogue()
    assert await process.settle.replay() == 1
    (cdr,) = await stage.written()
    assert (cdr.customer, cdr.charged_micros, cdr.end_source) == (
        "acme",
        100_000,
        EndSource.REPORT,
    )
    await stage.assert_books_agree()


async def test_a_metered_call_reported_before_the_catalogue_was_read(stage: Stage) -> None:
    """Restarted while SQL is away: Redis knows whose call it is."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    process = stage.restart()
    process.catalogue.now = Catalogue(version=-1)
    await stage.hang_up(arrival, answered_us)
    process.catalogue.now = business.catalogue()
    await process.settle.replay()
    (cdr,) = await stage.written()
    assert (cdr.customer, cdr.charged_micros) == ("acme", 100_000)
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_a_call_rated_from_its_line_is_rated_again_if_redis_loses_it(stage: Stage) -> None:
    """SQL could not write it yet when Redis was emptied: the line is all there is."""
    arrival = stage.arrival()
    stage.clock.pass_s(10)
    stage.write_cdr_line(arrival, arrival.arrived_us)
    stage.clock.pass_s(60)
    await stage.process.reconciler.once()
    stage.forget_unwritten()
    await stage.lose_redis()
    await stage.trust()
    stage.clock.pass_s(25)
    await stage.process.reconciler.once()
    (cdr,) = await stage.written()
    assert (cdr.customer, cdr.charged_micros) == ("acme", 100_000)
    await stage.assert_books_agree()
