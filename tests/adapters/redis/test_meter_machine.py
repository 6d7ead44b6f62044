"""Random lives of many calls, with repeats and disorder, against a model that can't share."""

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.identity import shard_of
from callserver.domain.meter import Admission, Held, Settled
from tests.adapters.redis.meter_model import Model, ModelAccount
from tests.adapters.redis.meter_store_samples import (
    EPOCH,
    PBX,
    T0_MS,
    admission,
    left_over,
    per_minute,
    per_second,
    token,
)

T0_US = T0_MS * 1000
PREPAID, POSTPAID = "acme", "beta"
SLOTS = ("desk", "back", "home")
TABLES = (
    per_minute(),
    per_second(),
    per_second(333_333, minimum_charge_micros=50_000, free_s=5),
    per_minute(70_000, initial_increment_s=30, increment_s=6, connection_fee_micros=20_000),
    per_minute(0),
)
accounts = st.sampled_from([PREPAID, POSTPAID])
tables = st.sampled_from(TABLES)
slices_s = st.integers(1, 400)
amounts = st.integers(-400_000, 900_000)
grants = st.one_of(st.just(0), st.integers(-5, 12))  # minutes; a plan that lapses takes some away
line_sets = st.lists(
    st.tuples(st.sampled_from(SLOTS), st.integers(0, 2)),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line[0],
).map(tuple)


class MeterMachine(RuleBasedStateMachine):
    """Each rule does the same to Redis and to the model and compares their answers."""

    calls: Bundle[Admission] = Bundle("calls")

    def __init__(self, runner: asyncio.Runner, link: RedisLink) -> None:
        super().__init__()
        self.run = runner.run
        self.link = link
        self.store = RedisMeterStore(link)
        self.model = Model({PREPAID: ModelAccount(floor=0), POSTPAID: ModelAccount(floor=500_000)})
        self.run(self._empty())

    async def _empty(self) -> None:
        await self.link.query("FLUSHALL")
        await asyncio.gather(
            *(
                self.store.rebuild_shard(shard, EPOCH, self.model.sums(shard), [])
                for shard in map(shard_of, self.model.accounts)
            )
        )

    @initialize(amount=st.integers(0, 900_000), minutes=st.one_of(st.just(0), st.integers(0, 9)))
    def first_top_up(self, amount: int, minutes: int) -> None:
        """The prepaid account starts with some money, perhaps with included minutes."""
        self.enter(PREPAID, 1, amount, minutes)

    @rule(
        target=calls,
        account=accounts,
        table=tables,
        slice_s=slices_s,
        did_calls_max=st.integers(0, 3),
        lines=line_sets,
    )
    def new_call(self, account: str, **changed: Any) -> Any:
        """A call arrives; sometimes it is refused, sometimes only its end is ever seen."""
        call = admission(token(), account=account, shard=shard_of(account), **changed)
        self.admit(call)
        return call

    @rule(target=calls, account=accounts, table=tables)
    def call_past_us(self, account: str, table: Any) -> Any:
        """A call that was connected without us."""
        return multiple(admission(token(), account=account, shard=shard_of(account), table=table))

    @rule(call=calls)
    def admit(self, call: Admission) -> None:
        """Also again, also after its end."""
        fresh = call.token not in self.model.calls
        expected = self.model.admit(call)
        assert self.run(self.store.admit(call)) == expected
        if fresh and isinstance(expected, Held) and expected.held_micros:
            assert self.model.available(call.account) >= 0

    @rule(call=calls, failed=st.integers(1, 3))
    def next_line(self, call: Admission, failed: int) -> None:
        """In order or not, and again."""
        got = self.run(self.store.next_line(call.shard, call.token, failed, call.lines))
        assert got == self.model.next_line(call.token, failed)

    @rule(call=calls, line=st.integers(1, 3), table=st.one_of(st.none(), tables))
    def answer(self, call: Admission, line: int, table: Any) -> None:
        """Also on a line whose slot another one has, also by a table of its own."""
        chosen = table or call.table
        got = self.run(self.store.answer(call.shard, call.token, line, T0_US, chosen, T0_MS))
        assert (got is not None) == self.model.answer(call.token, line, chosen)

    @rule(call=calls, ahead=st.integers(-1, 2), slice_s=slices_s, times=st.integers(1, 2))
    def extend(self, call: Admission, ahead: int, slice_s: int, times: int) -> None:
        """The next slice, an old one again, or one too far; each perhaps twice."""
        known = self.model.calls.get(call.token)
        slice_no = (known.slice_no if known else 1) + ahead
        for _ in range(times):
            held, minutes = self.model.held(call.account), self.model.minutes_held(call.account)
            expected = self.model.extend(call.token, slice_no, slice_s)
            got = self.run(self.store.extend(call.shard, call.token, slice_no, slice_s, T0_MS))
            assert got == expected
            if self.model.held(call.account) > held:
                assert self.model.available(call.account) >= 0
            if self.model.minutes_held(call.account) > minutes:
                account = self.model.accounts[call.account]
                assert account.minutes >= self.model.minutes_held(call.account)

    @rule(call=calls, billsec=st.integers(0, 500), cap_at_hold=st.booleans(), exact=st.booleans())
    def settle(self, call: Admission, billsec: int, cap_at_hold: bool, exact: bool = False) -> None:
        """The first report counts."""
        got = self.run(self._settle(call, billsec, cap_at_hold, exact))
        assert got == self.model.settle(call, billsec, cap_at_hold=cap_at_hold, exact=exact)

    async def _settle(
        self, call: Admission, billsec: int, cap_at_hold: bool, exact: bool
    ) -> Settled:
        return await self.store.settle(
            call.shard,
            call.token,
            billsec=billsec,
            table=call.table,
            cap_at_hold=cap_at_hold,
            account=call.account,
            payload=call.token.encode(),
            exact=exact,
        )

    @rule(account=accounts, ahead=st.integers(-1, 2), amount=amounts, minutes=grants)
    def top_up(self, account: str, ahead: int, amount: int, minutes: int) -> None:
        """The next entry, an old one again, or one that leaves a gap."""
        self.enter(account, self.model.accounts[account].seq + ahead, amount, minutes)

    def enter(self, account: str, seq: int, amount: int, minutes: int) -> None:
        """Apply an entry that keeps the floor."""
        floor = self.model.accounts[account].floor
        got = self.run(self.store.apply_entry(account, seq, amount, floor, minutes))
        assert got == self.model.apply_entry(account, seq, amount, floor, minutes)

    @rule(call=calls, times=st.integers(1, 2))
    def acknowledge(self, call: Admission, times: int) -> None:
        """SQL has a settled call."""
        known = self.model.calls.get(call.token)
        if known is not None and known.settled:
            for _ in range(times):
                self.run(self.store.acknowledge(call.shard, [call.token], T0_MS))
            self.model.acknowledge(call.token)

    @rule(account=accounts)
    def rebuild(self, account: str) -> None:
        """Redis restarted with its data: the balances come out as they were."""
        shard = shard_of(account)
        self.run(self.store.rebuild_shard(shard, EPOCH, self.model.sums(shard), []))

    @precondition(lambda self: not self.model.outbox())
    @rule()
    def lose_everything(self) -> None:
        """Redis is empty; what the processes have in hand is put back, tombstones are not."""
        meters = self.run(self.store.open_meters(PBX))
        self.run(self.link.query("FLUSHALL"))
        for shard in map(shard_of, self.model.accounts):
            mine = [meter for meter in meters if meter.shard == shard]
            self.run(self.store.rebuild_shard(shard, EPOCH, self.model.sums(shard), mine))
        for call_token, call in list(self.model.calls.items()):
            call.failed, call.granted_s = 0, 0  # only needed to repeat an answer
            if call.settled:
                del self.model.calls[call_token]

    @invariant()
    def redis_is_as_the_model(self) -> None:
        """Money, slots, outbox: no slot leaks, none counts twice, no settled call is missing."""
        self.run(self._compare())

    async def _compare(self) -> None:
        await asyncio.gather(
            *(self._compare_money(name) for name in self.model.accounts),
            *(self._compare_shard(shard_of(name)) for name in self.model.accounts),
        )

    async def _compare_money(self, name: str) -> None:
        got, expected = await self.store.balance(name, T0_US), self.model.accounts[name]
        assert got.settled_micros == expected.settled
        assert got.held_micros == self.model.held(name)
        assert (got.floor_micros, got.seq) == (expected.floor, expected.seq)
        assert (got.minutes, got.minutes_held) == (expected.minutes, self.model.minutes_held(name))
        assert got.live_calls == len(self.model.open_calls(name))

    async def _compare_shard(self, shard: int) -> None:
        prefix, did = f"{{cs:{shard:02d}}}", admission().did
        names = [f"{prefix}:did:{did}", *(f"{prefix}:line:{slot}" for slot in SLOTS)]
        members = await asyncio.gather(*(self.link.query("SMEMBERS", name) for name in names))
        got = [{member.decode() for member in found} for found in members]
        assert got[0] == self.model.did_slots(shard, did)
        assert got[1:] == [self.model.line_slots(shard, slot) for slot in SLOTS]
        entries = await self.store.outbox(shard, 999)
        mine = {
            token_: settled
            for token_, settled in self.model.outbox().items()
            if self.model.calls[token_].admission.shard == shard
        }
        assert {entry.token: entry.settled for entry in entries} == mine
        assert len(entries) == len(mine)

    def teardown(self) -> None:
        """When every call has ended nothing is held, and the charges are what the accounts lost."""
        for call in self.model.open_calls():
            self.settle(call.admission, 61, cap_at_hold=True)
        assert self.run(left_over(self.link)) == {}
        for name, account in self.model.accounts.items():
            charged = sum(
                call.settled.charged_micros
                for call in self.model.calls.values()
                if call.settled and not call.acknowledged and call.admission.account == name
            )
            assert account.in_sql - charged == account.settled
            balance = self.run(self.store.balance(name, T0_US))
            assert balance.settled_micros == account.settled
            assert (balance.minutes, balance.minutes_held) == (account.minutes, 0)


def test_random_calls_keep_the_books(valkey: EmbeddedValkey) -> None:
    """However calls, retries, top-ups and rebuilds fall, Redis and the model agree."""
    with asyncio.Runner() as runner:
        link = RedisLink(valkey.target)
        runner.run(link.start())
        try:
            run_state_machine_as_test(
                lambda: MeterMachine(runner, link),
                settings=settings(max_examples=80, stateful_step_count=40),
            )
        finally:
            runner.run(link.stop())
