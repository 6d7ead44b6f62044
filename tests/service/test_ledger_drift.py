"""A balance in Redis is that of the books, or somebody is told."""

import io

import pytest

from callserver.back_office import ledger_drift
from callserver.domain.call import CallEnd, Plan
from callserver.domain.identity import shard_of
from callserver.domain.ledger import EntryKind
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.cdr_writer import CdrWriter
from callserver.service.ledger_drift import LOOKS_BEHIND, Difference, LedgerDrift, told
from callserver.service.settle import encode_outcome
from tests.adapters.http.bed import YUAN, Bed
from tests.adapters.http.conftest import bed, link, valkey, valkey_server
from tests.domain import samples

__all__ = ["bed", "link", "valkey", "valkey_server"]


def key(account: str) -> str:
    """The account's hash in Redis."""
    return f"{{cs:{shard_of(account):02d}}}:acct:{account}"


async def go_round(bed: Bed, drift: LedgerDrift | None = None) -> list[Difference]:
    """All accounts, and the suspects again."""
    return await (drift or ledger_drift(bed.books, bed.store)).go_round(0, 0)


async def settle(bed: Bed, plan: Plan, token: str, end: CallEnd) -> None:
    """A call ends in Redis; the books don't have it yet."""
    await bed.store.settle(
        shard_of("acme"),
        token,
        billsec=end.billsec,
        table=None,
        cap_at_hold=True,
        account="acme",
        payload=encode_outcome(plan, end),
    )


async def test_balances_that_agree_are_no_difference(bed: Bed) -> None:
    """Also of accounts that Redis does not have."""
    await bed.top_up("acme", "10.00")
    await bed.link.query("DEL", key("cork"))
    assert await go_round(bed) == []


async def test_money_that_only_redis_knows_is_told_once(bed: Bed, log_text: io.StringIO) -> None:
    """After a second look; gone, it is told too."""
    await bed.top_up("acme", "10.00")
    await bed.link.query("HINCRBY", key("acme"), "settled", "-3")
    drift = ledger_drift(bed.books, bed.store)
    await drift.look(["acme"])
    assert drift.differing == 0
    for _ in range(3):
        assert await go_round(bed, drift) == [Difference("acme", -3, 0)]
    assert drift.differing == 1
    lines = log_text.getvalue().splitlines()
    assert sum("ledger.drift" in line and "drift_gone" not in line for line in lines) == 1
    assert told([Difference("acme", -3, 0)]) == "acme by -3 micro-yuan, 0 minutes"
    await bed.link.query("HINCRBY", key("acme"), "settled", "3")
    assert await go_round(bed, drift) == []


async def test_minutes_that_only_redis_knows_are_told_too(bed: Bed) -> None:
    """Where the money agrees."""
    await bed.top_up("acme", "10.00")
    await bed.link.query("HINCRBY", key("acme"), "minutes", "2")
    assert await go_round(bed) == [Difference("acme", 0, 2)]


async def test_what_moves_between_two_looks_does_not_count(bed: Bed) -> None:
    """A busy account differs a little all the time."""
    await bed.top_up("acme", "10.00")
    drift = ledger_drift(bed.books, bed.store)
    for _ in range(4):
        await bed.link.query("HINCRBY", key("acme"), "settled", "-1")
        await drift.look(["acme"])
    assert drift.differing == 0


async def test_calls_that_wait_for_the_books_explain_a_difference(bed: Bed) -> None:
    """Settled in Redis and in the outbox: not in SQL yet, and nothing is wrong."""
    await bed.top_up("acme", "10.00")
    plan, token = await bed.ring()
    await bed.answer("acme", token, before_us=61_000_000)
    end = samples.end()
    await settle(bed, plan, token, end)
    assert (await bed.store.balance("acme", 0)).settled_micros < 10 * YUAN
    assert await go_round(bed) == []
    writer = CdrWriter(bed.books, bed.store, bed.clock)
    async with writer.resting():
        await writer.drain(range(64))
    assert (await bed.books.account_sums(["acme"]))["acme"].settled_micros < 10 * YUAN
    assert await go_round(bed) == []


async def test_an_entry_that_redis_never_gets_is_told_in_the_end(bed: Bed) -> None:
    """The follower needs a moment; ten looks are more than that."""
    await bed.top_up("acme", "10.00")
    await bed.books.post("acme", EntryKind.TOP_UP, YUAN, "behind", "test", "")
    drift = ledger_drift(bed.books, bed.store)
    for _ in range(LOOKS_BEHIND - 1):
        await drift.look(["acme"])
    assert drift.differing == 0
    await drift.look(["acme"])
    assert drift.differing == 1
    await bed.services.accounts.catch_up()
    await drift.look(["acme"])
    assert drift.differing == 0


async def test_redis_being_away_is_for_the_caller(bed: Bed) -> None:
    """The loop waits; the doctor says so."""
    await bed.top_up("acme", "10.00")
    await bed.link.stop()
    drift = ledger_drift(bed.books, bed.store)
    with pytest.raises((StoreUnavailable, OutcomeUnknown)):
        await drift.go_round(0, 0)
