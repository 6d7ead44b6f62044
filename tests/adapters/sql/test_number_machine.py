"""[R3] No sequence of requests, at whatever times, again and at once, leaves the rule."""

import asyncio
from typing import Any

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
from callserver.domain.lifecycle import CLOCK_EVENTS, Suspension
from callserver.domain.lifecycle import NumberEvent as E
from callserver.domain.number_change import Command, NumberChange
from tests.adapters.sql.conftest import EMPTIED, Template
from tests.adapters.sql.money_machine import Machine
from tests.adapters.sql.number_bed import DAY_MS, FORM, MINUTE_MS, SHELF, number_bed
from tests.adapters.sql.number_model import NumberModel
from tests.postgres import TemporaryPostgres

RICH, MICROS = "north", 1_000_000_000_000
PRICE = 2_000_000_000
PROVIDERS = ("root", "north", "south", "leaf", "rival")
ASKED = sorted(set(E) - CLOCK_EVENTS - {E.IMPORT})
JUMPS = (1, 1000, FREEZE := 30 * MINUTE_MS, FREEZE - 1, FREEZE - 1000, DAY_MS, 3 * DAY_MS,
         3 * DAY_MS - 1, 3 * DAY_MS - 1000, 30 * DAY_MS, 30 * DAY_MS - 1)  # fmt: skip


class NumberMachine(RuleBasedStateMachine):
    """The books beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = self.open()
        self.bed = number_bed(self.machine.books, self.machine.clock, self.machine.folder)
        self.machine.do(self.bed.furnish())
        self.machine.do(self.bed.top_up(RICH, MICROS))
        self.model = {each: NumberModel(each, frozenset({RICH})) for each in SHELF}
        self.done: list[tuple[Command, NumberChange]] = []

    @staticmethod
    def open() -> Machine:
        """Set for each database."""
        raise NotImplementedError

    def teardown(self) -> None:
        self.machine.close()

    async def send(self, command: Command) -> NumberChange | None:
        """None: declined."""
        try:
            if command.event is E.RESERVE:
                return await self.bed.numbers.reserve(command, FORM)
            return await self.bed.numbers.act(command)
        except Declined:
            return None

    def ask(self, command: Command) -> None:
        """Once, and twice at the same time: one outcome, the model's."""
        expected = self.model[command.number].takes(command, self.bed.now_ms)

        async def twice() -> Any:
            return await asyncio.gather(self.send(command), self.send(command))

        first, second = self.machine.do(twice())
        assert first == second
        assert (first is not None) == expected, (command, self.model[command.number])
        if first is not None:
            self.done.append((command, first))

    @rule(number=st.sampled_from(SHELF), provider=st.sampled_from(PROVIDERS))
    def reserve(self, number: str, provider: str) -> None:
        self.ask(self.bed.command(E.RESERVE, number, provider=provider))

    @rule(
        number=st.sampled_from(SHELF),
        event=st.sampled_from(ASKED),
        provider=st.sampled_from((None, *PROVIDERS)),
        customer=st.sampled_from(("acme", "leafy", "elsewhere")),
        why=st.sampled_from(Suspension),
    )
    def anything(
        self, number: str, event: E, provider: str | None, customer: str, why: Suspension
    ) -> None:
        if event is E.RESERVE:
            provider = provider or "root"
        about_calls = event in {E.SUSPEND, E.RESUME}
        self.ask(
            self.bed.command(
                event,
                number,
                provider=provider,
                customer=customer if event is E.LOCK else None,
                suspension=why if about_calls else None,
            )
        )

    @rule(number=st.sampled_from(SHELF), steps=st.integers(1, 7), why=st.sampled_from(Suspension))
    def further(self, number: str, steps: int, why: Suspension) -> None:
        """Where chance alone would seldom come."""
        for _ in range(steps):
            self.ask(self.next_of(self.model[number], why))

    def next_of(self, model: NumberModel, why: Suspension) -> Command:
        """What leads on from where the number stands."""
        model.at(self.bed.now_ms)
        after = {"available": E.RESERVE, "reserved": E.LOCK, "locked": E.SUBMIT,
                 "review": E.ACTIVATE if model.approved else E.APPROVE,
                 "active": E.SUSPEND, "suspended": E.RESUME}  # fmt: skip
        event = after.get(model.state, E.CLOSE)
        more: dict[str, Any] = {}
        if event is E.RESERVE:
            more["provider"] = "north" if model.last_tree != 1 else "rival"
        elif event is E.LOCK:
            more["customer"] = "elsewhere" if model.provider == "rival" else "leafy"
        elif event in {E.SUSPEND, E.RESUME}:
            more["suspension"] = why
        return self.bed.command(event, model.number, **more)

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """A retry, however late, gives the first outcome."""
        command, outcome = data.draw(st.sampled_from(self.done))
        assert self.machine.do(self.send(command)) == outcome

    @rule(ms=st.sampled_from(JUMPS))
    def time_goes_by(self, ms: int) -> None:
        self.bed.later(ms)

    @rule()
    def somebody_tidies_up(self) -> None:
        self.machine.do(self.bed.numbers.purge())

    @invariant()
    def the_books_are_the_model(self) -> None:
        for number, model in self.model.items():
            model.at(self.bed.now_ms)
            record = self.machine.do(self.bed.numbers.number(number))
            assert (record.state.value, record.provider) == (model.state, model.provider)
            assert record.suspensions == model.reasons

    @invariant()
    def calls_go_by_the_model(self) -> None:
        dids = self.machine.do(self.bed.books.load_catalogue()).dids
        for number, model in self.model.items():
            state = dids[number].state.value if number in dids else ""
            if state == "active" or model.state in {"locked", "review", "active", "suspended"}:
                assert state == model.state

    @invariant()
    def what_was_paid_is_what_was_locked(self) -> None:
        paid = sum(each.paid for each in self.model.values())
        assert self.machine.do(self.bed.settled(RICH)) == MICROS - paid * PRICE

    @invariant()
    def history_is_one_chain(self) -> None:
        for number in SHELF:
            before, at_ms = "available", 0
            for line in self.machine.do(self.bed.numbers.history(number)):
                assert line.from_state is not None
                assert (line.from_state.value, line.at_ms >= at_ms) == (before, True)
                before, at_ms = line.to_state.value, line.at_ms


def run(machine: type[RuleBasedStateMachine], examples: int) -> None:
    """As many sequences as the time allows."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            suppress_health_check=checks,
        ),
    )


async def test_on_sqlite(template: Template, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is asked, whenever, by whomever."""
    if template.sqlite_file is None:
        template.sqlite_file = tmp_path_factory.mktemp("template") / "books.db"
        await migrate.upgrade(f"sqlite:///{template.sqlite_file}")

    class OnSqlite(NumberMachine):
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

    class OnPostgres(NumberMachine):
        @staticmethod
        def open() -> Machine:
            machine = Machine(None, postgres.url(name))
            machine.do(postgres.execute(name, EMPTIED))
            return machine

    await asyncio.to_thread(run, OnPostgres, 8)
