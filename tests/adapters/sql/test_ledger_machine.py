"""No sequence of money moves, retried and at once, moves anything twice or loses any of it."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
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
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.ledger import post_covered
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.cdr import Cdr
from callserver.domain.declined import Declined
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.ledger_moves import Adjustment, Reversal, Transfer
from callserver.domain.rerating import Correction
from callserver.ports.ledger import EntryQuery
from callserver.ports.rerating import Posting
from tests.adapters.sql.conftest import EMPTIED, Template
from tests.adapters.sql.money_machine import Machine
from tests.adapters.sql.samples import T0_MS, cdr, changes
from tests.postgres import TemporaryPostgres

NORTH, ACME = "provider:north", "acme"
MICROS = st.integers(1, 5_000_000)
SIGNED = st.integers(-3_000_000, 3_000_000).filter(bool)
Move = Callable[["Side"], Awaitable[object]]


class Side:
    """One of two connections to the same books: as two processes have them."""

    def __init__(self, database: Database, machine: Machine) -> None:
        self.database = database
        self.books = SqlBooks(database, machine.clock)
        self.ledger = SqlLedger(database, machine.clock)
        self.rerating = SqlRerating(database, machine.clock)


class LedgerMachine(RuleBasedStateMachine):
    """The books, moved from two sides, beside sums that are kept by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.machine, url = self.open()
        self.second = open_database(url)
        self.sides = (
            Side(self.machine.database, self.machine),
            Side(self.second, self.machine),
        )
        self.machine.do(self.machine.books.apply_import(changes(), "test"))
        self.sums = {NORTH: [0, 0], ACME: [0, 0]}
        self.moves: list[tuple[Move, object]] = []
        self.entries: list[Entry] = []
        self.calls: list[tuple[Cdr, int]] = []
        self.edges = [T0_MS]

    @staticmethod
    def open() -> tuple[Machine, str]:
        """Set for each database."""
        raise NotImplementedError

    def teardown(self) -> None:
        self.machine.do(self.second.close())
        self.machine.close()

    def name(self) -> str:
        """A new operation id."""
        return f"op-{len(self.moves)}"

    def do(self, move: Move, side: int) -> Any:
        """The outcome, None where it was declined; kept to be tried again."""

        async def once(at: Side) -> object:
            try:
                return await move(at)
            except Declined as declined:
                return declined.reason

        async def both() -> list[object]:
            return list(await asyncio.gather(*(once(at) for at in self.sides)))

        outcomes = self.machine.do(both() if side == 2 else _listed(once(self.sides[side])))
        assert len({str(outcome) for outcome in outcomes}) == 1, outcomes
        self.moves.append((once, outcomes[0]))
        return None if isinstance(outcomes[0], str) else outcomes[0]

    def count(self, *entries: Entry) -> None:
        """Keep the sums up."""
        for entry in entries:
            self.sums[entry.account][0] += entry.amount_micros
            self.sums[entry.account][1] += entry.minutes
            self.entries.append(entry)

    @rule(account=st.sampled_from([NORTH, ACME]), micros=MICROS, side=st.integers(0, 2))
    def top_up(self, account: str, micros: int, side: int) -> None:
        operation = self.name()
        entry = self.do(
            lambda at: at.books.post(account, EntryKind.TOP_UP, micros, operation, "x", ""), side
        )
        self.count(entry)

    @rule(micros=st.integers(0, 900_000), minutes=st.integers(0, 3), side=st.integers(0, 2))
    def call(self, micros: int, minutes: int, side: int) -> None:
        made = cdr(fee_micros=micros, charged_micros=micros, included_minutes=minutes)

        async def write(at: Side) -> str:
            await at.books.write_cdrs([made])
            return made.call_id

        self.do(write, side)
        self.sums[ACME][0] -= micros
        self.sums[ACME][1] -= minutes
        self.calls.append((made, 0))

    @rule(micros=SIGNED, minutes=st.integers(-2, 5), force=st.booleans(), side=st.integers(0, 2))
    def adjust(self, micros: int, minutes: int, force: bool, side: int) -> None:
        asked = Adjustment(ACME, micros, self.name(), "x", "y", minutes, force)
        before = tuple(self.sums[ACME])
        entry = self.do(lambda at: at.ledger.adjust(asked), side)
        after = before[0] + micros, before[1] + minutes
        short = (micros < 0 and after[0] < 0) or (minutes < 0 and after[1] < 0)
        assert (entry is None) == (short and not force)
        if entry is not None:
            assert entry.forced == short
            self.count(entry)

    @rule(micros=MICROS, side=st.integers(0, 2))
    def transfer(self, micros: int, side: int) -> None:
        asked = Transfer("north", ACME, micros, self.name(), "x", "y")
        covered = self.sums[NORTH][0] >= micros
        moved = self.do(lambda at: at.ledger.transfer(asked), side)
        assert (moved is not None) == covered
        if moved is not None:
            self.count(moved.debit, moved.credit)

    @rule(micros=MICROS, side=st.integers(0, 2))
    def debit(self, micros: int, side: int) -> None:
        fee = Entry(
            0, NORTH, EntryKind.NUMBER_FEE, -micros, None, self.name(), None, "x", "", T0_MS
        )
        covered = self.sums[NORTH][0] >= micros
        entry = self.do(
            lambda at: at.database.write(lambda connection: post_covered(connection, fee)), side
        )
        assert (entry is not None) == covered
        if entry is not None:
            self.count(entry)

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), side=st.integers(0, 2))
    def reverse(self, data: st.DataObject, side: int) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        asked = Reversal(entry.account, entry.id, self.name(), "x", "y", force=True)
        may = entry.kind is not EntryKind.REVERSAL and all(
            each.reverses != entry.id for each in self.entries
        )
        posted = self.do(lambda at: at.ledger.reverse(asked), side)
        assert (posted is not None) == may
        self.count(*(posted or ()))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), micros=st.integers(0, 900_000), side=st.integers(0, 2))
    def correct(self, data: st.DataObject, micros: int, side: int) -> None:
        place = data.draw(st.integers(0, len(self.calls) - 1))
        made, version = self.calls[place]
        known = self.machine.do(self.sides[0].rerating.corrections([made.call_id]))
        last = known[-1].correction if known else None
        before = (
            (last.after_micros, last.after_minutes)
            if last
            else (made.charged_micros, made.included_minutes)
        )
        wanted = Correction(
            made.call_id, made.token_hash, ACME, made.ended_ms, "t", version + 1,
            before[0], micros, before[1], 0, (),
        )  # fmt: skip

        async def post(at: Side) -> str:
            await at.rerating.post([wanted], Posting("x", "y", force=True))
            return wanted.operation_id

        self.do(post, side)
        self.sums[ACME][0] += before[0] - micros
        self.sums[ACME][1] += before[1]
        self.calls[place] = (made, version + 1)

    @precondition(lambda self: self.moves)
    @rule(data=st.data(), side=st.integers(0, 1))
    def retry(self, data: st.DataObject, side: int) -> None:
        once, before = data.draw(st.sampled_from(self.moves))
        again = self.machine.do(once(self.sides[side]))  # type: ignore[arg-type]  # a coroutine
        if not isinstance(before, str) or before.startswith(("op-", "rerate:", "07-")):
            assert again == before
        elif not isinstance(again, str):  # declined before, and possible by now
            found = again if isinstance(again, list) else None
            legs = (again.debit, again.credit) if hasattr(again, "debit") else (again,)
            self.count(*(found or legs))
            self.moves = [(o, again if o is once else b) for o, b in self.moves]

    @rule(ms=st.sampled_from([1, 1000, 86_400_000]))
    def wait(self, ms: int) -> None:
        self.machine.clock.us += ms * 1000
        self.edges.append(self.machine.clock.us // 1000)

    @invariant()
    def balances_are_the_entries(self) -> None:
        sums = self.machine.do(self.sides[1].books.account_sums())
        assert {name: [s.settled_micros, s.minutes] for name, s in sums.items()} == self.sums
        assert self.machine.do(self.sides[0].books.drift()) == {}

    @invariant()
    def statements_chain(self) -> None:
        ledger, last = self.sides[0].ledger, self.edges[-1]
        for account, (micros, minutes) in self.sums.items():
            edges = [self.edges[0], self.edges[len(self.edges) // 2], last, last + 1]
            told = [
                self.machine.do(ledger.statement(account, start, end, None))
                for start, end in pairwise(sorted(set(edges)))
            ]
            assert (told[0].opening_micros, told[0].opening_minutes) == (0, 0)
            for one, after in pairwise(told):
                assert one.closing_micros == after.opening_micros
                assert one.closing_minutes == after.opening_minutes
            assert (told[-1].closing_micros, told[-1].closing_minutes) == (micros, minutes)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        for account in self.sums:
            page = self.machine.do(self.sides[0].ledger.entries(EntryQuery(account, limit=1000)))
            operations = [entry.operation_id for entry in page.entries]
            reversed_ids = [entry.reverses for entry in page.entries if entry.reverses]
            assert len(set(operations)) == len(operations)
            assert len(set(reversed_ids)) == len(reversed_ids)


async def _listed(one: Awaitable[object]) -> list[object]:
    return [await one]


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


async def test_on_sqlite(template: Template, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is done, in whatever order, however often, from two sides."""
    if template.sqlite_file is None:
        template.sqlite_file = tmp_path_factory.mktemp("template") / "books.db"
        await migrate.upgrade(f"sqlite:///{template.sqlite_file}")

    class OnSqlite(LedgerMachine):
        @staticmethod
        def open() -> tuple[Machine, str]:
            machine = Machine(template.sqlite_file, "")
            return machine, f"sqlite:///{machine.folder}/books.db"

    await asyncio.to_thread(run, OnSqlite, 15)


@pytest.mark.postgres
async def test_on_postgres(postgres: TemporaryPostgres, template: Template) -> None:
    """The same."""
    if template.postgres_name is None:
        template.postgres_name = await postgres.create_database()
        await migrate.upgrade(postgres.url(template.postgres_name))
    name = template.postgres_name

    class OnPostgres(LedgerMachine):
        @staticmethod
        def open() -> tuple[Machine, str]:
            machine = Machine(None, postgres.url(name))
            machine.do(postgres.execute(name, EMPTIED))
            return machine, postgres.url(name)

    await asyncio.to_thread(run, OnPostgres, 6)
