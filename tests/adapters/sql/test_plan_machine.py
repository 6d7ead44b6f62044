"""Plans: no sequence of operations, retried and interleaved, charges or grants twice."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callserver.adapters.sql import migrate
from callserver.domain.declined import Declined
from callserver.domain.ledger import OperationReused
from callserver.domain.plans import RUNNING, SubscriptionState
from callserver.ports.plans import PlanOrder
from tests.adapters.sql.conftest import EMPTIED, Template
from tests.adapters.sql.money_machine import Machine
from tests.adapters.sql.plan_bed import START, YUAN, PlanBed, fill
from tests.adapters.sql.test_feature_machine import run
from tests.postgres import TemporaryPostgres

PLANS = st.sampled_from(["gold", "long", "cheap"])
OPERATIONS = st.integers(1, 5)  # few, so that they come again


class PlanMachine(RuleBasedStateMachine):
    """Terms, calls, money and time, in any order and again."""

    machine: Machine
    bed: PlanBed

    def __init__(self) -> None:
        super().__init__()
        self.machine = self.open()
        parts = (self.machine.books, self.machine.database, self.machine.clock)
        self.bed = self.machine.do(fill(*parts))
        self.put_in, self.called, self.day = 2000, 0, START

    @staticmethod
    def open() -> Machine:
        """Set for each database."""
        raise NotImplementedError

    def teardown(self) -> None:
        self.machine.close()

    def tried(self, work: object) -> None:
        """A refusal is an answer."""
        try:
            self.machine.do(work)  # type: ignore[arg-type]  # a coroutine
        except (Declined, OperationReused):
            return

    @rule(plan=PLANS, years=st.integers(1, 3), later=st.integers(0, 30), operation=OPERATIONS,
          renews=st.booleans(), early=st.booleans())  # fmt: skip
    def subscribe(
        self, plan: str, years: int, later: int, operation: int, renews: bool, early: bool
    ) -> None:
        day = self.day + timedelta(days=later)
        order = PlanOrder("acme", plan, years, day, renews, early)
        self.tried(self.bed.plans.subscribe(order, f"on-{operation}", "clerk", None))

    @rule(now=st.booleans(), operation=OPERATIONS)
    def renew(self, now: bool, operation: int) -> None:
        work = self.bed.plans.renew("acme", f"re-{operation}", "x", None, now=now, years=None)
        self.tried(work)

    @rule(at_once=st.booleans(), operation=OPERATIONS)
    def cancel(self, at_once: bool, operation: int) -> None:
        work = self.bed.plans.cancel("acme", f"off-{operation}", "x", None, at_once=at_once)
        self.tried(work)

    @rule(yuan=st.integers(0, 700), minutes=st.integers(0, 700))
    def call(self, yuan: int, minutes: int) -> None:
        """At most what is there: admission sees to that."""
        there, minutes_there = self.machine.do(self.bed.account())
        self.called += min(yuan, there)
        self.machine.do(self.bed.call(min(yuan, there), min(minutes, minutes_there)))

    @rule(days=st.sampled_from([1, 20, 31, 200, 365, 366, 800]))
    def time_goes_by(self, days: int) -> None:
        self.day += timedelta(days=days)
        self.machine.do(self.bed.run(self.day))
        assert self.machine.do(self.bed.run(self.day)) == []

    @rule(yuan=st.integers(1, 1500))
    def money_comes_in(self, yuan: int) -> None:
        self.put_in += yuan
        self.machine.do(self.bed.top_up(yuan))

    @invariant()
    def granted_is_used_lapsed_and_left(self) -> None:
        grants = self.machine.do(self.bed.grants())
        _, minutes = self.machine.do(self.bed.account())
        assert sum(grant.minutes_left for grant in grants) == minutes
        entries = self.machine.do(self.bed.books.entries_after("acme", 0))
        given = sum(entry.minutes for entry in entries if entry.kind == "plan_credit")
        assert given == sum(grant.minutes for grant in grants)

    @invariant()
    def money_is_where_the_entries_say(self) -> None:
        settled, _ = self.machine.do(self.bed.account())
        grants = self.machine.do(self.bed.grants())
        fees = sum(grant.fee_micros for grant in grants)
        credit = sum(grant.credit_micros - grant.credit_lapsed_micros for grant in grants)
        assert settled >= 0
        assert settled * YUAN == (self.put_in - self.called) * YUAN - fees + credit
        left = sum(grant.credit_left_micros for grant in grants)
        assert left <= settled * YUAN

    @invariant()
    def every_step_was_done_once(self) -> None:
        view = self.machine.do(self.bed.plans.view("acme"))
        assert (
            max(Counter((g.subscription, g.number) for g in view.grants).values(), default=1) == 1
        )
        states = Counter(found.state for found in view.subscriptions)
        assert sum(states[state] for state in RUNNING) <= 1
        assert states[SubscriptionState.SCHEDULED] <= 1
        entries = self.machine.do(self.bed.books.entries_after("acme", 0))
        kinds = Counter(entry.kind.value for entry in entries)
        assert kinds["plan_fee"] == kinds["plan_credit"] == len(view.grants)
        followed = [found.follows for found in view.subscriptions if found.follows]
        assert len(followed) == len(set(followed))


async def test_on_sqlite(template: Template, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is done, in whatever order, however often."""
    if template.sqlite_file is None:
        template.sqlite_file = tmp_path_factory.mktemp("template") / "books.db"
        await migrate.upgrade(f"sqlite:///{template.sqlite_file}")

    class OnSqlite(PlanMachine):
        @staticmethod
        def open() -> Machine:
            return Machine(template.sqlite_file, "")

    await asyncio.to_thread(run, OnSqlite, 15)


@pytest.mark.postgres
async def test_on_postgres(postgres: TemporaryPostgres, template: Template) -> None:
    """The same."""
    if template.postgres_name is None:
        template.postgres_name = await postgres.create_database()
        await migrate.upgrade(postgres.url(template.postgres_name))
    name = template.postgres_name

    class OnPostgres(PlanMachine):
        @staticmethod
        def open() -> Machine:
            machine = Machine(None, postgres.url(name))
            machine.do(postgres.execute(name, EMPTIED))
            return machine

    await asyncio.to_thread(run, OnPostgres, 6)
