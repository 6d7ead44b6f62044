"""[R2] Features on and off: the provider pays once, or nothing happens at all."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import ActivationState
from callserver.domain.ledger import EntryKind, OperationReused
from callserver.ports.features import ActivationQuery, DeductionQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.feature_bed import DID, OTHER_DID, START, YUAN, FeatureBed, fill


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> FeatureBed:
    """A provider with 1000 yuan, and features."""
    return await fill(books, database, clock)


async def declined(work: object) -> Reason:
    """The reason for which it is declined."""
    with pytest.raises(Declined) as caught:
        await work  # type: ignore[misc]  # a coroutine
    return caught.value.reason


async def test_the_provider_pays_that_day_and_the_customer_never(bed: FeatureBed) -> None:
    """A debit and an itemised deduction; the customer's account is not touched."""
    found = await bed.features.activate(DID, "recording", "op-1", "clerk")
    assert (found.state, found.provider, found.periods) == (ActivationState.ACTIVE, "north", 1)
    assert (await bed.balance(), await bed.balance("acme")) == (970, 0)
    [row] = await bed.features.deductions(DeductionQuery())
    told = (row.provider, row.customer, row.did, row.feature, row.fee_micros, row.day)
    assert told == ("north", "acme", DID, "recording", 30 * YUAN, START)
    entries = await bed.rows(
        f"SELECT account, kind, amount_micros FROM ledger_entry WHERE id = {row.entry}"
    )
    assert entries == [("provider:north", "feature_fee", -30 * YUAN)]


async def test_the_day_is_shanghais(bed: FeatureBed) -> None:
    """Half past midnight in Shanghai is still the day before in UTC."""
    bed.set_day(START, hour=0)
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    [row] = await bed.features.deductions(DeductionQuery())
    assert row.day == START


async def test_a_retry_charges_once(bed: FeatureBed) -> None:
    """The same operation returns the first activation, another one is told that it is on."""
    first = await bed.features.activate(DID, "recording", "op-1", "clerk")
    assert await bed.features.activate(DID, "recording", "op-1", "clerk") == first
    again = bed.features.activate(DID, "recording", "op-2", "clerk")
    assert await declined(again) is Reason.FEATURE_ACTIVE
    assert await bed.balance() == 970


async def test_an_operation_id_means_one_thing(bed: FeatureBed) -> None:
    """Another number, another feature, or another kind of operation is refused."""
    first = await bed.features.activate(DID, "recording", "op-1", "clerk")
    with pytest.raises(OperationReused):
        await bed.features.activate(OTHER_DID, "recording", "op-1", "clerk")
    with pytest.raises(OperationReused):
        await bed.features.activate(DID, "menu", "op-1", "clerk")
    with pytest.raises(OperationReused):
        await bed.features.deactivate(first.id, "op-1", "clerk")
    assert await bed.balance() == 970


async def test_without_funds_nothing_is_written(bed: FeatureBed) -> None:
    """A clear refusal; once there is money the same operation succeeds."""
    for number in range(3):
        await bed.features.activate(DID, "menu", f"op-{number}", "clerk")
        [found] = await bed.features.activations(ActivationQuery())
        await bed.features.deactivate(found.id, f"off-{number}", "clerk")
    with pytest.raises(Declined, match=r"costs 300\.00 yuan and \S+north has 100\.00") as caught:
        await bed.features.activate(DID, "menu", "op-9", "clerk")
    assert caught.value.reason is Reason.NOT_COVERED
    assert await bed.features.activations(ActivationQuery()) == []
    assert len(await bed.features.deductions(DeductionQuery())) == 3
    await bed.top_up(200)
    await bed.features.activate(DID, "menu", "op-9", "clerk")
    assert await bed.balance() == 0


async def test_what_cannot_be_activated(bed: FeatureBed) -> None:
    """Unknown features and numbers, and numbers that are not in use."""
    on = bed.features.activate
    assert await declined(on(DID, "nothing", "op-1", "x")) is Reason.FEATURE_UNKNOWN
    assert await declined(on("4000000000", "menu", "op-1", "x")) is Reason.NUMBER_UNKNOWN
    await bed.run(f"UPDATE did SET state = 'suspended' WHERE number = '{DID}'")
    assert await declined(on(DID, "menu", "op-1", "x")) is Reason.NUMBER_NOT_ACTIVE
    await bed.run(f"UPDATE did SET state = 'frozen' WHERE number = '{DID}'")
    assert await declined(on(DID, "menu", "op-1", "x")) is Reason.NUMBER_UNKNOWN


async def test_a_failed_activation_is_reversed_by_new_rows(bed: FeatureBed) -> None:
    """Debit and deduction stay, and a reversal of each stands beside them; once."""
    found = await bed.features.activate(DID, "recording", "op-1", "clerk")
    failed = await bed.features.fail(found.id, "switch refused", "op-2", "clerk")
    assert failed.state is ActivationState.FAILED
    assert await bed.features.fail(found.id, "switch refused", "op-2", "clerk") == failed
    again = bed.features.fail(found.id, "switch refused", "op-3", "clerk")
    assert await declined(again) is Reason.FEATURE_NOT_ACTIVE
    assert await bed.balance() == 1000
    back, first = await bed.features.deductions(DeductionQuery())
    assert (back.fee_micros, back.reverses) == (-first.fee_micros, first.id)
    kinds = await bed.rows(
        "SELECT kind, amount_micros, reverses FROM ledger_entry WHERE account = 'provider:north'"
        " ORDER BY id"
    )
    assert kinds[1:] == [
        (EntryKind.FEATURE_FEE, -30 * YUAN, None),
        (EntryKind.REVERSAL, 30 * YUAN, first.entry),
    ]


async def test_a_number_may_have_the_feature_again_after_a_failure(bed: FeatureBed) -> None:
    """A new activation, paid anew."""
    found = await bed.features.activate(DID, "recording", "op-1", "clerk")
    await bed.features.fail(found.id, "", "op-2", "clerk")
    await bed.features.activate(DID, "recording", "op-3", "clerk")
    assert await bed.balance() == 970


async def test_switching_off_pays_nothing_back(bed: FeatureBed) -> None:
    """It ends at once; a retry changes nothing, another attempt is told so."""
    found = await bed.features.activate(DID, "recording", "op-1", "clerk")
    off = await bed.features.deactivate(found.id, "op-2", "clerk")
    assert off.state is ActivationState.ENDED
    assert await bed.features.deactivate(found.id, "op-2", "clerk") == off
    again = bed.features.deactivate(found.id, "op-3", "clerk")
    assert await declined(again) is Reason.FEATURE_NOT_ACTIVE
    assert await declined(bed.features.deactivate(99, "op-4", "x")) is Reason.ACTIVATION_UNKNOWN
    assert await bed.balance() == 970
    events = [line.event.value for line in await bed.features.history(found.id)]
    assert events == ["activated", "deactivated"]


async def test_a_former_customers_feature_is_in_nobodys_way(bed: FeatureBed) -> None:
    """The number changed hands: the new customer's provider pays, the old activation ends."""
    old = await bed.features.activate(DID, "recording", "op-1", "clerk")
    await bed.run(f"UPDATE did SET customer = 'bolt' WHERE number = '{DID}'")
    await bed.top_up(50, "south")
    new = await bed.features.activate(DID, "recording", "op-2", "clerk")
    assert (new.customer, new.provider) == ("bolt", "south")
    assert (await bed.features.activation(old.id)).state is ActivationState.ENDED
    assert (await bed.balance(), await bed.balance("provider:south")) == (970, 20)


async def test_fifty_at_once_are_one_debit(bed: FeatureBed) -> None:
    """Whoever comes second, from whatever connection, finds the feature on."""
    ways = [bed.features.activate(DID, "recording", f"op-{n}", "clerk") for n in range(50)]
    done = await asyncio.gather(*ways, return_exceptions=True)
    won = [each for each in done if not isinstance(each, BaseException)]
    lost = [each.reason for each in done if isinstance(each, Declined)]
    assert (len(won), lost) == (1, [Reason.FEATURE_ACTIVE] * 49)
    assert await bed.balance() == 970


async def test_a_free_feature_moves_no_money(bed: FeatureBed) -> None:
    """No entry, no deduction, and no funds needed."""
    await bed.run("UPDATE did SET customer = 'bolt'")  # whose provider has nothing
    await bed.run("INSERT INTO feature VALUES ('free', 'Free', 'month')")
    await bed.run("INSERT INTO feature_version VALUES ('free', 1, '2026-01-01', 0, 'x', 0)")
    found = await bed.features.activate(DID, "free", "op-1", "clerk")
    assert found.provider == "south"
    assert await bed.features.deductions(DeductionQuery()) == []


@pytest.mark.parametrize("table", ["deduction", "feature_event", "feature_version"])
async def test_what_happened_stays(bed: FeatureBed, table: str) -> None:
    """The database refuses to change or delete it."""
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    with pytest.raises(DBAPIError, match="kept for ever"):
        await bed.run(f"DELETE FROM {table}")
    with pytest.raises(DBAPIError, match="kept for ever"):
        await bed.run(f"UPDATE {table} SET actor = 'x'")


async def test_the_database_refuses_to_charge_a_customer(bed: FeatureBed) -> None:
    """Whatever the code does: a feature fee is no customer's."""
    with pytest.raises(DBAPIError, match="provider"):
        await bed.books.post("acme", EntryKind.FEATURE_FEE, -1, "op-1", "clerk", "")
