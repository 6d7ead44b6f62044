"""Money put in reaches Redis once, in order, whoever put it in."""

import asyncio
import io

import pytest

from callserver.domain.identity import shard_of
from callserver.domain.ledger import EntryKind, OperationReused
from callserver.domain.meter import ShardLost
from callserver.ports import AccountUnknown, StoreUnavailable
from callserver.service.accounts import Accounts
from callserver.service.shards import ShardGuard
from tests.adapters.http.bed import YUAN, Bed
from tests.adapters.http.conftest import bed, link, valkey, valkey_server

__all__ = ["bed", "link", "valkey", "valkey_server"]

TOP_UP = EntryKind.TOP_UP


async def _available(bed: Bed, account: str = "acme") -> int:
    return (await bed.store.balance(account, bed.clock.now_us())).available_micros


async def test_entries_of_another_process_are_followed(bed: Bed) -> None:
    """A top-up by the command line is in Redis after the next turn; once, however many turns."""
    for number in range(3):
        await bed.books.post("acme", TOP_UP, YUAN, f"cli-{number}", "cli", "")
    assert await _available(bed) == 0
    accounts = bed.services.accounts
    assert await accounts.catch_up() == 1
    await accounts.catch_up()
    assert await _available(bed) == 3 * YUAN


async def test_following_goes_on_for_ever(bed: Bed, log_text: io.StringIO) -> None:
    """Redis being away for a while is logged, not fatal."""
    accounts = Accounts(bed.books, bed.store, bed.clock, follow_s=0.02)
    following = asyncio.create_task(accounts.follow())
    await bed.link.stop()
    await bed.books.post("acme", TOP_UP, YUAN, "cli", "cli", "")
    await asyncio.sleep(0.2)
    await bed.link.start()
    async with asyncio.timeout(10):
        while await _available(bed) != YUAN:
            await asyncio.sleep(0.02)
    following.cancel()
    assert "accounts.follow_failed" in log_text.getvalue()


async def test_gaps_are_filled_in_order(bed: Bed) -> None:
    """Entries of several processes at once: the sum is right and the sequence complete."""
    others = [Accounts(bed.books, bed.store, bed.clock) for _ in range(4)]
    await asyncio.gather(
        *(
            others[number % 4].top_up("acme", YUAN, f"op-{number}", "test", "")
            for number in range(40)
        )
    )
    await others[0].catch_up()
    balance = await bed.store.balance("acme", 0)
    assert (balance.settled_micros, balance.seq) == (40 * YUAN, 40)


async def test_accounts_redis_does_not_have_are_left_alone(bed: Bed) -> None:
    """They are loaded whole when somebody asks."""
    await bed.link.query("DEL", f"{{cs:{shard_of('bolt'):02d}}}:acct:bolt")
    await bed.books.post("bolt", TOP_UP, YUAN, "cli", "cli", "")
    await bed.services.accounts.catch_up()
    assert not await bed.link.query("KEYS", "*acct:bolt")
    reading = await bed.services.accounts.balance("bolt")
    assert (reading.live, reading.balance.settled_micros, reading.balance.seq) == (True, YUAN, 1)


async def test_load_says_whether_sql_knows_the_account(bed: Bed) -> None:
    """An account that nobody opened is not made."""
    assert await bed.services.accounts.load("acme")
    assert not await bed.services.accounts.load("nobody")
    with pytest.raises(AccountUnknown):
        await bed.services.accounts.balance("nobody")
    with pytest.raises(AccountUnknown):
        await bed.services.accounts.top_up("nobody", YUAN, "op", "test", "")


async def test_a_reused_operation_moves_nothing(bed: Bed) -> None:
    """Another account, amount or reason under an id is a mistake of the caller."""
    accounts = bed.services.accounts
    first = await accounts.top_up("acme", YUAN, "op", "test", "a")
    assert await accounts.top_up("acme", YUAN, "op", "someone else", "a") == first
    for account, amount, reason in (("bolt", YUAN, "a"), ("acme", 2, "a"), ("acme", YUAN, "b")):
        with pytest.raises(OperationReused):
            await accounts.top_up(account, amount, "op", "test", reason)
    assert await _available(bed) == YUAN
    with pytest.raises(ValueError, match="more than zero"):
        await accounts.top_up("acme", 0, "op-2", "test", "")


async def test_a_suspect_shard_is_not_believed(bed: Bed) -> None:
    """While it is rebuilt the balance is SQL's, flagged."""
    guard = ShardGuard()
    accounts = Accounts(bed.books, bed.store, bed.clock, shards=guard)
    await accounts.top_up("acme", YUAN, "op", "test", "")
    guard.suspect({shard_of("acme")})
    reading = await accounts.balance("acme")
    assert (reading.live, reading.balance.settled_micros) == (False, YUAN)
    guard.trust(shard_of("acme"))
    assert (await accounts.balance("acme")).live


async def test_an_entry_that_a_rebuild_overwrote_is_applied_again(bed: Bed) -> None:
    """The rebuild read SQL before the entry and published after it."""
    accounts = bed.services.accounts
    before = (await bed.books.account_sums(["acme"]))["acme"]
    await accounts.top_up("acme", YUAN, "op", "test", "")
    await accounts.catch_up()
    await bed.store.rebuild_shard(shard_of("acme"), "run:later", [before], [])
    assert await _available(bed) == 0
    await accounts.catch_up()
    assert await _available(bed) == YUAN


async def test_what_fails_is_tried_again(bed: Bed) -> None:
    """The mark stays where an account could not be brought up to date."""
    await bed.books.post("acme", TOP_UP, YUAN, "cli", "cli", "")
    key = f"{{cs:{shard_of('acme'):02d}}}:epoch"
    epoch = await bed.link.query("GET", key)
    await bed.link.query("DEL", key)
    with pytest.RaisesGroup(ShardLost):
        await bed.services.accounts.catch_up()
    await bed.link.query("SET", key, epoch)
    await bed.services.accounts.catch_up()
    assert await _available(bed) == YUAN


async def test_without_both_stores_the_balance_is_unavailable(bed: Bed) -> None:
    """Nobody is shown a guess."""

    class Gone:
        async def account_sums(self, _accounts: object) -> None:
            raise StoreUnavailable("gone")

    await bed.link.stop()
    accounts = Accounts(Gone(), bed.store, bed.clock)  # type: ignore[arg-type] # all that is asked
    with pytest.raises(StoreUnavailable):
        await accounts.balance("acme")
