"""[R2] No sequence of operations, retried and interleaved, charges twice."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from callserver.adapters.sql import migrate
from callserver.domain.declined import Declined
from callserver.domain.features import ActivationState
from callserver.domain.ledger import OperationReused
from callserver.ports.features import ActivationQuery, DeductionQuery
from tests.adapters.sql.conftest import EMPTIED, Template
from tests.adapters.sql.feature_bed import (
    DID,
    FEES,
    NAMES,
    OTHER_DID,
    START,
    YUAN,
    FeatureBed,
    fill,
)
from tests.adapters.sql.money_machine import Machine
from tests.postgres import TemporaryPostgres

NUMBERS = st.sampled_from([DID, OTHER_DID])
FEATURES = st.sampled_from(sorted(NAMES.values()))
OPERATIONS = st.integers(1, 6)  # few, so that they come again
OF = {NAMES[cycle]: fee for cycle, fee in FEES.items()}


class FeatureMachine(RuleBasedStateMachine):
    """Activations, failures, ends, renewals and money, in any order and again."""

    machine: Machine
    bed: FeatureBed

    def __init__(self) -> None:
        super().__init__()
        self.machine = self.open()
        parts = (self.machine.books, self.machine.database, self.machine.clock)
        self.bed = self.machine.do(fill(*parts))
        self.put_in, self.day = 1000, START

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

    @rule(did=NUMBERS, feature=FEATURES, operation=OPERATIONS)
    def activate(self, did: str, feature: str, operation: int) -> None:
        work = self.bed.features.activate(did, feature, f"on-{operation}", "clerk")
        self.tried(work)

    @rule(activation=OPERATIONS, operation=OPERATIONS)
    def fail(self, activation: int, operation: int) -> None:
        self.tried(self.bed.features.fail(activation, "x", f"fail-{operation}", "clerk"))

    @rule(activation=OPERATIONS, operation=OPERATIONS)
    def deactivate(self, activation: int, operation: int) -> None:
        self.tried(self.bed.features.deactivate(activation, f"off-{operation}", "clerk"))

    @rule(days=st.integers(1, 40))
    def time_goes_by(self, days: int) -> None:
        self.day += timedelta(days=days)
        self.machine.do(self.bed.renew(self.day))

    @precondition(lambda self: self.put_in > 200)
    @rule()
    def money_goes_out(self) -> None:
        balance = self.machine.do(self.bed.balance())
        if balance:
            self.bed.clock.us += 1000
            self.put_in -= balance
            self.machine.do(self.bed.top_up(-balance))

    @rule(yuan=st.integers(1, 300))
    def money_comes_in(self, yuan: int) -> None:
        self.bed.clock.us += 1000
        self.put_in += yuan
        self.machine.do(self.bed.top_up(yuan))

    @invariant()
    def the_provider_paid_what_the_deductions_say(self) -> None:
        rows = self.machine.do(self.bed.features.deductions(DeductionQuery(limit=10_000)))
        paid = sum(row.fee_micros for row in rows)
        assert self.machine.do(self.bed.balance()) * YUAN == self.put_in * YUAN - paid
        assert self.machine.do(self.bed.balance("acme")) == 0
        for day in {row.day for row in rows}:
            for found in self.machine.do(self.bed.features.reconcile(day, None)):
                assert found.agrees

    @invariant()
    def each_period_is_paid_once(self) -> None:
        rows = self.machine.do(self.bed.features.deductions(DeductionQuery(limit=10_000)))
        query = ActivationQuery(ended=True)
        for found in self.machine.do(self.bed.features.activations(query)):
            own = [row for row in rows if row.activation == found.id]
            fees = [row for row in own if row.reverses is None]
            assert [row.period for row in reversed(fees)] == list(range(1, found.periods + 1))
            assert {row.fee_micros for row in fees} == {OF[found.feature]}
            back = len(own) - len(fees)
            assert back == (found.state is ActivationState.FAILED)
            for after, before in pairwise(fees):
                assert before.period_to is None or before.period_to < after.period_from

    @invariant()
    def a_number_has_a_feature_once(self) -> None:
        found = self.machine.do(self.bed.features.activations(ActivationQuery()))
        assert len({(each.did, each.feature) for each in found}) == len(found)


def run(machine: type[RuleBasedStateMachine], examples: int) -> None:
    """As many sequences as the time allows."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            suppress_health_check=checks,
        ),
    )


async def _template(template: Template, folder: pytest.TempPathFactory) -> None:
    if template.sqlite_file is None:
        template.sqlite_file = folder.mktemp("template") / "books.db"
        await migrate.upgrade(f"sqlite:///{template.sqlite_file}")


async def test_on_sqlite(template: Template, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is done, in whatever order, however often."""
    await _template(template, tmp_path_factory)

    class OnSqlite(FeatureMachine):
        @staticmethod
        def open() -> Machine:
            return Machine(template.sqlite_file, "")

    await asyncio.to_thread(run, OnSqlite, 12)


@pytest.mark.postgres
async def test_on_postgres(postgres: TemporaryPostgres, template: Template) -> None:
    """The same."""
    if template.postgres_name is None:
        template.postgres_name = await postgres.create_database()
        await migrate.upgrade(postgres.url(template.postgres_name))
    name = template.postgres_name

    class OnPostgres(FeatureMachine):
        @staticmethod
        def open() -> Machine:
            machine = Machine(None, postgres.url(name))
            machine.do(postgres.execute(name, EMPTIED))
            return machine

    await asyncio.to_thread(run, OnPostgres, 8)
