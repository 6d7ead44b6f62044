"""Adjustments, reversals, transfers: each operation once, whole, and within limits."""

import asyncio
from typing import Any

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.business import Billing, Customer, Provider
from callserver.domain.declined import Declined
from callserver.domain.ledger import Entry, EntryKind, NotCovered, OperationReused
from callserver.domain.ledger_moves import Adjustment, BelowLimit, Reversal, Transfer
from callserver.ports import AccountUnknown
from callserver.ports.ledger import EntryQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, cdr, changes

YUAN = 1_000_000
PROVIDERS = (
    Provider("north", "北方"),
    Provider("city", "城", "north"),
    Provider("south", "南方"),
)
CUSTOMERS = (
    Customer("acme", "艾克米", "city", "standard"),
    Customer("debt", "记账", "north", "standard", Billing.POSTPAID, 5 * YUAN),
    Customer("cork", "软木", "south", "standard"),
)


@pytest.fixture
async def ledger(books: SqlBooks, database: Database, clock: SetClock) -> SqlLedger:
    """Three customers below two roots; north has 100 yuan, acme 10."""
    await books.apply_import(changes(providers=PROVIDERS, customers=CUSTOMERS), "test")
    await books.post("provider:north", EntryKind.TOP_UP, 100 * YUAN, "north-1", "clerk", "")
    await books.post("acme", EntryKind.TOP_UP, 10 * YUAN, "acme-1", "clerk", "")
    return SqlLedger(database, clock)


def adjustment(micros: int = YUAN, operation: str = "op", **more: Any) -> Adjustment:
    """Of acme, for a reason."""
    given: dict[str, Any] = {"account": "acme", "actor": "clerk", "reason": "goodwill"}
    return Adjustment(amount_micros=micros, operation_id=operation, **(given | more))


def reversal(entry: Entry, operation: str = "back", **more: Any) -> Reversal:
    """Of this entry."""
    given: dict[str, Any] = {"actor": "clerk", "reason": "mistake"}
    return Reversal(entry.account, entry.id, operation, **(given | more))


def transfer(yuan: int = 30, operation: str = "move", **more: Any) -> Transfer:
    """From north to acme, two levels below it."""
    given: dict[str, Any] = {"provider": "north", "customer": "acme", "reason": "credit"}
    return Transfer(
        amount_micros=yuan * YUAN, operation_id=operation, actor="clerk", **(given | more)
    )


async def settled(books: SqlBooks, account: str = "acme") -> int:
    """Micros."""
    return (await books.account_sums([account]))[account].settled_micros


async def test_an_adjustment_moves_money_and_minutes(books: SqlBooks, ledger: SqlLedger) -> None:
    """Both ways, with who and why."""
    entry = await ledger.adjust(adjustment(-2 * YUAN, minutes=30))
    assert (entry.kind, entry.amount_micros, entry.minutes) == (EntryKind.ADJUSTMENT, -2 * YUAN, 30)
    assert (entry.actor, entry.reason, entry.created_ms, entry.forced) == (
        "clerk", "goodwill", T0_MS, False,
    )  # fmt: skip
    total = (await books.account_sums(["acme"]))["acme"]
    assert (total.settled_micros, total.minutes) == (8 * YUAN, 30)


async def test_a_retry_of_any_move_moves_nothing(books: SqlBooks, ledger: SqlLedger) -> None:
    """The first outcome again, even where it would be refused now."""
    first = await ledger.adjust(adjustment(-10 * YUAN))
    assert await ledger.adjust(adjustment(-10 * YUAN)) == first
    moved = await ledger.transfer(transfer(100))
    assert await ledger.transfer(transfer(100)) == moved
    back = await ledger.reverse(reversal(first))
    assert await ledger.reverse(reversal(first)) == back
    assert (await settled(books), await settled(books, "provider:north")) == (110 * YUAN, 0)


async def test_an_operation_id_means_one_thing(ledger: SqlLedger) -> None:
    """Another account, amount, reason or kind under a used id is refused."""
    entry = await ledger.adjust(adjustment())
    back = (await ledger.reverse(reversal(entry)))[0]
    await ledger.transfer(transfer())
    other = await ledger.adjust(adjustment(operation="op-2"))
    for asked in (
        ledger.adjust(adjustment(2 * YUAN)),
        ledger.adjust(adjustment(minutes=1)),
        ledger.adjust(adjustment(reason="other")),
        ledger.adjust(adjustment(account="cork")),
        ledger.adjust(adjustment(operation="back")),
        ledger.reverse(reversal(other)),
        ledger.reverse(reversal(entry, reason="other")),
        ledger.reverse(reversal(back, "op")),
        ledger.transfer(transfer(31)),
        ledger.transfer(transfer(customer="debt")),
    ):
        with pytest.raises(OperationReused):
            await asked


LIMITS = [  # account, micros, minutes, why it is refused (None: it is not)
    ("acme", -10 * YUAN, 0, None),
    ("acme", -10 * YUAN - 1, 0, "0.000001 yuan"),
    ("debt", -5 * YUAN, 0, None),
    ("debt", -5 * YUAN - 1, 0, "0.000001 yuan"),
    ("acme", 0, -1, "1 minutes"),
    ("provider:north", -101 * YUAN, 0, "1.00 yuan"),
]


@pytest.mark.parametrize(("account", "micros", "minutes", "why"), LIMITS)
async def test_below_its_limit_only_by_force(
    ledger: SqlLedger, account: str, micros: int, minutes: int, why: str | None
) -> None:
    """Prepaid down to 0, postpaid down to the credit limit; that it was forced is kept."""
    asked = {"account": account, "minutes": minutes}
    if why is not None:
        with pytest.raises(BelowLimit, match=why):
            await ledger.adjust(adjustment(micros, **asked))
    entry = await ledger.adjust(adjustment(micros, **asked, force=True))
    assert entry.forced is (why is not None)
    if why is not None and micros:
        up = await ledger.adjust(adjustment(1, "up", account=account))
        assert up.forced is False


async def test_a_reversal_inverts_money_and_minutes_once(
    books: SqlBooks, ledger: SqlLedger
) -> None:
    """The entry stays; a second reversal under another id is refused."""
    entry = await ledger.adjust(adjustment(3 * YUAN, minutes=20))
    (back,) = await ledger.reverse(reversal(entry))
    assert (back.amount_micros, back.minutes, back.reverses) == (-3 * YUAN, -20, entry.id)
    assert back.kind is EntryKind.REVERSAL
    with pytest.raises(Declined, match=f"reversed before, by entry {back.id}"):
        await ledger.reverse(reversal(entry, "again"))
    assert await settled(books) == 10 * YUAN
    assert await ledger.entry("acme", entry.id) == entry


async def test_the_database_takes_one_reversal_of_an_entry(
    books: SqlBooks, ledger: SqlLedger, url: str, clock: SetClock
) -> None:
    """Of many at once, from several connections, one is posted."""
    entry = await ledger.adjust(adjustment(-3 * YUAN))
    databases = [open_database(url) for _ in range(4)]
    ledgers = [SqlLedger(each, clock) for each in databases]
    asked = (ledgers[n % 4].reverse(reversal(entry, f"back-{n}")) for n in range(40))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for each in databases:
        await each.close()
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert {type(o) for o in outcomes if isinstance(o, BaseException)} == {Declined}
    assert await settled(books) == 10 * YUAN


async def test_a_calls_entry_is_not_reversed_by_hand(books: SqlBooks, ledger: SqlLedger) -> None:
    """Nor a reversal, nor what is not the account's."""
    await books.write_cdrs([cdr()])
    (call,) = (await ledger.entries(_of("acme", EntryKind.CALL))).entries
    first = await ledger.adjust(adjustment())
    (back,) = await ledger.reverse(reversal(first))
    for asked, reason in (
        (reversal(call, "a"), "entry_of_a_call"),
        (reversal(back, "b"), "entry_not_reversible"),
        (Reversal("cork", first.id, "c", "clerk", "x"), "entry_unknown"),
        (Reversal("acme", 10**9, "d", "clerk", "x"), "entry_unknown"),
    ):
        with pytest.raises(Declined) as refused:
            await ledger.reverse(asked)
        assert refused.value.reason == reason


async def test_a_reversal_below_the_limit_needs_force(ledger: SqlLedger) -> None:
    """What was spent meanwhile cannot be taken back quietly."""
    entry = await ledger.adjust(adjustment(5 * YUAN))
    await ledger.adjust(adjustment(-12 * YUAN, "spent"))
    with pytest.raises(BelowLimit, match=r"2\.00 yuan"):
        await ledger.reverse(reversal(entry))
    (back,) = await ledger.reverse(reversal(entry, force=True))
    assert back.forced is True


async def test_a_transfer_moves_money_down_the_tree(books: SqlBooks, ledger: SqlLedger) -> None:
    """Out of the provider's account, into the customer's, both or none."""
    moved = await ledger.transfer(transfer(30))
    assert (moved.debit.account, moved.debit.amount_micros) == ("provider:north", -30 * YUAN)
    assert (moved.credit.account, moved.credit.amount_micros) == ("acme", 30 * YUAN)
    assert {moved.debit.kind, moved.credit.kind} == {EntryKind.TRANSFER}
    with pytest.raises(NotCovered, match=r"70\.00 yuan available"):
        await ledger.transfer(transfer(71, "more"))
    sums = [await settled(books), await settled(books, "provider:north")]
    assert sums == [40 * YUAN, 70 * YUAN]


@pytest.mark.parametrize(
    ("provider", "customer", "reason"),
    [
        ("south", "acme", "customer_of_another_provider"),
        ("city", "debt", "customer_of_another_provider"),
        ("nobody", "acme", "provider_unknown"),
        ("north", "nobody", "customer_unknown"),
    ],
)
async def test_a_transfer_stays_within_the_tree(
    ledger: SqlLedger, provider: str, customer: str, reason: str
) -> None:
    """Not sideways, not upwards, not into nothing."""
    with pytest.raises(Declined) as refused:
        await ledger.transfer(transfer(provider=provider, customer=customer))
    assert refused.value.reason == reason


@pytest.mark.parametrize("leg", ["debit", "credit"])
async def test_a_transfer_is_taken_back_whole(books: SqlBooks, ledger: SqlLedger, leg: str) -> None:
    """Whichever of its entries is reversed, the other is too, and neither a second time."""
    moved = await ledger.transfer(transfer(30))
    backs = await ledger.reverse(reversal(getattr(moved, leg)))
    assert [back.reverses for back in backs] in (
        [moved.debit.id, moved.credit.id],
        [moved.credit.id, moved.debit.id],
    )
    assert (await settled(books), await settled(books, "provider:north")) == (10 * YUAN, 100 * YUAN)
    for entry in (moved.debit, moved.credit):
        with pytest.raises(Declined, match="reversed before"):
            await ledger.reverse(reversal(entry, f"again-{entry.id}"))


async def test_an_unknown_account_is_said(ledger: SqlLedger) -> None:
    """For moves and for looks."""
    for asked in (
        ledger.adjust(adjustment(account="nobody")),
        ledger.entries(_of("nobody")),
        ledger.statement("nobody", 0, 1, None),
    ):
        with pytest.raises(AccountUnknown):
            await asked


def _of(account: str, *kinds: EntryKind) -> EntryQuery:
    return EntryQuery(account, frozenset(kinds) or None)


async def test_a_transfer_is_never_half_done_over_a_used_operation(
    books: SqlBooks, ledger: SqlLedger
) -> None:
    """Somebody's own operation that is called like the second leg stops the whole transfer."""
    await ledger.adjust(adjustment(1, "move:in"))
    with pytest.raises(OperationReused):
        await ledger.transfer(transfer())
    assert await settled(books, "provider:north") == 100 * YUAN
    assert await settled(books) == 10 * YUAN + 1


async def test_a_reversal_is_never_half_done_over_a_used_operation(
    books: SqlBooks, ledger: SqlLedger
) -> None:
    """The same for the second entry of a transfer that is taken back."""
    moved = await ledger.transfer(transfer())
    await ledger.adjust(adjustment(1, "back:pair"))
    with pytest.raises(OperationReused):
        await ledger.reverse(reversal(moved.debit))
    assert await settled(books, "provider:north") == 70 * YUAN
    assert await settled(books) == 40 * YUAN + 1


async def test_who_is_below_takes_back_no_transfer_of_one_above(
    books: SqlBooks, ledger: SqlLedger
) -> None:
    """It would move the account of a provider it does not even see."""
    moved = await ledger.transfer(transfer())
    with pytest.raises(Declined) as refused:
        await ledger.reverse(reversal(moved.credit, providers=frozenset({"city"})))
    assert refused.value.reason == "entry_not_reversible"
    assert await settled(books, "provider:north") == 70 * YUAN
    tree = frozenset({"north", "city"})
    assert len(await ledger.reverse(reversal(moved.credit, providers=tree))) == 2
