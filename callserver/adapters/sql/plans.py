"""Plans in SQL: the PlanBooks port."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from callserver.adapters.sql import plan_catalogue, plan_rows, plan_steps, plan_terms
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.plan_money import GrantBook, read_book
from callserver.adapters.sql.schema import AnyRow
from callserver.domain.billing_month import shanghai_day
from callserver.domain.plans import PlanEvent, PlanVersion, Subscription
from callserver.ports import Clock
from callserver.ports.plans import GrantView, LiveMoney, PlanOrder, PlanView


class SqlPlans:
    """The PlanBooks port on SQLite or PostgreSQL; every method is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_version(self, wanted: PlanVersion, actor: str) -> PlanVersion:
        """Add a plan, or new terms of one."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: plan_catalogue.add_version(
                connection, wanted, shanghai_day(now_ms), actor, now_ms
            )
        )

    async def versions(self, plan: str | None = None) -> list[PlanVersion]:
        """The catalogue."""
        return await self._database.read(
            lambda connection: plan_catalogue.versions(connection, plan)
        )

    async def subscribe(
        self, order: PlanOrder, operation_id: str, actor: str, live: LiveMoney | None
    ) -> Subscription:
        """Begin a plan today, or book it for a later day."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: plan_terms.subscribe(
                connection, order, operation_id, actor, live, now_ms
            )
        )

    async def renew(
        self,
        customer: str,
        operation_id: str,
        actor: str,
        live: LiveMoney | None,
        *,
        now: bool,
        years: int | None,
    ) -> Subscription:
        """Book the next term; `now`: begin it today, beside what is left of this one."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: plan_terms.renew(
                connection, customer, operation_id, actor, live, now_ms, now=now, years=years
            )
        )

    async def cancel(
        self,
        customer: str,
        operation_id: str,
        actor: str,
        live: LiveMoney | None,
        *,
        at_once: bool,
    ) -> Subscription:
        """No further year; `at_once`: over today, and what is left lapses."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: plan_terms.cancel(
                connection, customer, operation_id, actor, live, now_ms, at_once=at_once
            )
        )

    async def view(self, customer: str) -> PlanView:
        """A customer's plans."""
        return await self._database.read(lambda connection: _view(connection, customer))

    async def due(self, after: str, limit: int) -> Sequence[str]:
        """Customers for whom something is due, in order of id."""
        today = shanghai_day(self._now_ms())
        return await self._database.read(
            lambda connection: plan_steps.due(connection, today, after, limit)
        )

    async def step(
        self, customer: str, retry_days: int, live: LiveMoney | None
    ) -> PlanEvent | None:
        """Do one thing that is due; None if nothing (more) is."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: plan_steps.step(connection, customer, retry_days, live, now_ms)
        )

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1000


def _view(connection: Connection, customer: str) -> PlanView:
    subscriptions = plan_rows.of_customer(connection, customer)
    if not subscriptions:
        return PlanView(customer, (), (), ())
    book = read_book(connection, customer)
    return PlanView(
        customer=customer,
        subscriptions=tuple(reversed(subscriptions)),
        grants=tuple(_grant(row, book) for row in reversed(book.grants)),
        history=tuple(plan_rows.history(connection, customer)),
    )


def _grant(row: AnyRow, book: GrantBook) -> GrantView:
    left = book.of(row.id)
    return GrantView(
        number=row.number,
        subscription=row.subscription,
        first_day=date.fromisoformat(row.first_day),
        last_day=date.fromisoformat(row.last_day),
        fee_micros=row.fee_micros,
        credit_micros=row.credit_micros,
        minutes=row.minutes,
        credit_left_micros=left.micros,
        minutes_left=left.minutes,
        credit_lapsed_micros=left.lapsed_micros,
        minutes_lapsed=left.lapsed_minutes,
        closed=row.closed_ms is not None,
    )
