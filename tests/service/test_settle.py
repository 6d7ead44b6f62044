"""A fee is fixed once; while Redis is away the disk keeps the call."""

import io

import pytest

from callserver.domain.call import HungUpBy
from callserver.domain.ledger import EntryKind
from callserver.ports import StoreUnavailable
from tests.service.business import ACME, LOCAL, POST, YUAN
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_a_fee_is_fixed_once(stage: Stage) -> None:
    """The second report, with another end, finds the first one's figures."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.charged_micros) == (10, 100_000)
    assert len(stage.process.settled) == 1
    await stage.assert_books_agree()


async def test_a_lost_answer_settles_once_and_tells_once(stage: Stage) -> None:
    """Done in Redis without a word; asked again, and found done."""
    stage.meters.silent("settle")
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 100_000
    assert (await stage.balance()).settled_micros == 10 * YUAN - 100_000
    assert len(stage.process.spool) == 0
    await stage.assert_nothing_held()


async def test_prepaid_is_charged_its_hold_at_most(stage: Stage) -> None:
    """What is beyond (the scheduler was dead) is written off; postpaid pays it."""
    for did, account, charged in ((ACME, "acme", 600_000), (POST, "post", 900_000)):
        arrival, _ = await stage.routed(did)
        answered_us = await stage.answer(arrival)
        stage.clock.pass_s(90)
        await stage.hang_up(arrival, answered_us)
        (cdr,) = [cdr for cdr in await stage.written() if cdr.customer == account]
        assert (cdr.fee_micros, cdr.charged_micros) == (900_000, charged)
        assert cdr.written_off_micros == 900_000 - charged


async def test_our_own_time_out_never_costs_more_than_the_hold(stage: Stage) -> None:
    """Postpaid too."""
    arrival, _ = await stage.routed(POST)
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(61)
    await stage.hang_up(arrival, answered_us, hung_up_by=HungUpBy.TIMEOUT)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 600_000


async def test_an_account_that_redis_lacks_is_loaded(stage: Stage) -> None:
    """A call connected without us is its account's first."""
    await stage.link.query("DEL", *await stage.link.query("KEYS", "*acct:acme"))
    arrival = stage.arrival()
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, arrival.arrived_us, routed=False)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 100_000
    await stage.assert_books_agree()


async def test_without_redis_the_disk_keeps_the_end(stage: Stage) -> None:
    """Also over a restart; then it is settled, once."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    stage.meters.away = True
    await stage.hang_up(arrival, answered_us)
    assert len(stage.process.in_hand) == 0
    process = stage.restart()
    assert len(process.spool) == 1
    with pytest.raises(StoreUnavailable):
        await process.settle.replay()
    stage.meters.away = False
    assert [await process.settle.replay() for _ in range(2)] == [1, 0]
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 100_000
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_a_suspect_shard_settles_nothing(stage: Stage) -> None:
    """Its balance is about to be replaced: the end waits on disk."""
    arrival, _ = await stage.routed()
    stage.process.guard.suspect(set(range(64)))
    await stage.hang_up(arrival)
    assert stage.meters.calls["settle"] == 0
    assert len(stage.process.spool) == 1


async def test_a_hundred_spooled_calls_are_settled(stage: Stage) -> None:
    """In order, each once, whatever else happens to one of them meanwhile."""
    arrivals = [(await stage.routed(POST))[0] for _ in range(100)]
    for arrival in arrivals:
        await stage.answer(arrival)
    stage.clock.pass_s(2)
    stage.meters.away = True
    for arrival in arrivals:
        await stage.hang_up(arrival, arrival.arrived_us)
    stage.meters.away = False
    stage.meters.silent("settle")
    assert await stage.process.settle.replay() == 100
    assert len(await stage.written()) == 100
    assert (await stage.balance("post")).settled_micros == -100 * 20_000
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


@pytest.mark.parametrize("why", ["unreadable", "unknown account"])
async def test_a_record_that_cannot_be_settled_keeps_no_other_waiting(
    stage: Stage, log_text: io.StringIO, why: str
) -> None:
    """It stays on disk for a person to look at; those behind it are settled."""
    good, _ = await stage.routed(LOCAL)
    stage.meters.away = True
    if why == "unreadable":
        stage.process.spool.keep(b'{"token":"x","outcome":"{}"}')
    else:
        orphan = stage.arrival()
        stage.clock.pass_s(5)
        await stage.hang_up(orphan, orphan.arrived_us, routed=False)
        await stage.link.query("DEL", *await stage.link.query("KEYS", "*acct:acme"))
        _forget_in_sql(stage, "acme")
    await stage.hang_up(good)
    stage.meters.away = False
    assert await stage.process.settle.replay() == 1
    assert len(stage.process.spool) == 1
    assert "spool.record_kept" in log_text.getvalue()
    (cdr,) = await stage.written()
    assert cdr.customer == "local"


def _forget_in_sql(stage: Stage, account: str) -> None:
    """SQL that does not know the account: an older copy of it was restored."""
    real = stage.real_books.account_sums

    async def sums(accounts: list[str] | None = None) -> object:
        found = await real(accounts)
        found.pop(account, None)
        return found

    stage.books.__dict__["account_sums"] = sums


async def test_what_sql_has_is_not_charged_again_by_the_spool(stage: Stage) -> None:
    """Settled, but the answers were lost; written by the sweeper; then Redis lost everything."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    stage.meters.silent("settle", 2)
    await stage.hang_up(arrival, answered_us)
    assert len(stage.process.spool) == 1
    await stage.written()
    await stage.lose_redis()
    await stage.trust()
    await stage.process.settle.replay()
    assert len(await stage.written()) == 1
    assert len(stage.process.spool) == 0
    await stage.assert_books_agree()


async def test_a_top_up_during_the_outage_counts(stage: Stage) -> None:
    """SQL had it first; the spooled fee comes off after it."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    stage.meters.away = True
    await stage.hang_up(arrival, answered_us)
    await stage.real_books.post("acme", EntryKind.TOP_UP, YUAN, "op", "test", "")
    stage.meters.away = False
    await stage.process.settle.replay()
    await stage.process.accounts.replay("acme")
    assert (await stage.balance()).available_micros == 11 * YUAN - 100_000
