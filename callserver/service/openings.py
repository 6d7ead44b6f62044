"""[R3] Opening a number: then what was chosen with it, each thing once, whatever happens between.

What a rule refuses (no money) does not undo the opening: it is noted, and tried again when
somebody activates the number again. What was only interrupted is completed by itself.
"""

import asyncio
from dataclasses import dataclass, replace

import structlog

from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.lifecycle import NumberEvent
from callserver.domain.number_application import Application
from callserver.domain.number_change import Command, NumberChange
from callserver.domain.opening import ItemKind, ItemState, OpeningItem
from callserver.domain.plans import RUNNING, SubscriptionState
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.ports.openings import OpeningBook
from callserver.ports.plans import PlanOrder
from callserver.service.features import Features
from callserver.service.numbers import Numbers
from callserver.service.plans import Plans

log = structlog.get_logger()

DUE_AT_ONCE = 500
LOOK_S = 60.0
SYSTEM = "callserver"
_STANDING = (*RUNNING, SubscriptionState.SCHEDULED)


@dataclass(frozen=True, slots=True)
class Opened:
    """A number that is open: by which change, and what is on of what was chosen with it."""

    change: NumberChange
    items: tuple[OpeningItem, ...]

    @property
    def complete(self) -> bool:
        """Whether everything that was chosen is on."""
        return not any(item.unfinished for item in self.items)


@dataclass(frozen=True, slots=True)
class Openings:
    """Every write is idempotent: safe to repeat, from any number of processes."""

    book: OpeningBook
    numbers: Numbers
    features: Features
    plans: Plans

    async def activate(self, command: Command) -> Opened:
        """Open a number and switch on what was chosen with it; of an open one, what is missing.

        Raises Declined where the number cannot be opened, and where it is open and nothing is
        missing (state_forbids); OperationReused. StoreUnavailable and OutcomeUnknown may come
        after the number has opened: the same again goes on from there.
        """
        try:
            change = await self.numbers.act(command)
        except Declined as declined:
            change = await self._opened_before(command.number, declined)
        if change.application is None:
            return Opened(change, ())
        return Opened(change, await self.complete(change.application, command.actor))

    async def _opened_before(self, number: str, declined: Declined) -> NumberChange:
        """The change that opened a number which still lacks something. Raises `declined`."""
        if declined.reason is not Reason.STATE_FORBIDS:
            raise declined
        record = await self.numbers.number(number)
        if record.state is not NumberState.ACTIVE or record.application is None:
            raise declined
        application = await self.numbers.application(record.application)
        if not any(item.unfinished for item in application.opening):
            raise declined
        for change in reversed(await self.numbers.history(number)):
            if (change.event, change.application) == (NumberEvent.ACTIVATE, application.id):
                return change
        raise declined

    async def complete(
        self, application: int, actor: str, *, refused_too: bool = True
    ) -> tuple[OpeningItem, ...]:
        """Switch on what is missing of an open number's application; how everything stands then."""
        found = await self.numbers.application(application)
        if found.state is not NumberState.ACTIVE:
            return found.opening
        if any(item.state is ItemState.CHOSEN for item in found.opening):
            await self.book.begin(application)
        for item in found.opening:
            if item.unfinished and (refused_too or item.state is not ItemState.REFUSED):
                await self._settle(found, item, actor)
        return (await self.numbers.application(application)).opening

    async def _settle(self, application: Application, item: OpeningItem, actor: str) -> None:
        """Try one item, and note what came of it."""
        reason, detail = "", ""
        try:
            await self._switch_on(application, item, actor)
            state = ItemState.DONE
        except Declined as declined:
            state = ItemState.REFUSED
            if await self._already(application, item, declined.reason):
                state = ItemState.ALREADY
            else:
                reason, detail = declined.reason.value, declined.detail
        now_ms = self.numbers.now_ms()
        await self.book.note(
            application.id, replace(item, state=state, reason=reason, detail=detail, at_ms=now_ms)
        )
        say = log.warning if state is ItemState.REFUSED else log.info
        say(
            "openings.settled",
            application=application.id,
            kind=item.kind.value,
            item=item.name,
            state=state.value,
            reason=reason,
        )

    async def _switch_on(self, application: Application, item: OpeningItem, actor: str) -> None:
        """Raises Declined."""
        operation_id = item.operation_id(application.id)
        if item.kind is ItemKind.FEATURE:
            await self.features.activate(application.number, item.name, operation_id, actor)
            return
        if application.customer is None:
            raise Declined(Reason.CUSTOMER_UNKNOWN, f"{application.number} has no customer.")
        order = PlanOrder(application.customer, item.name)
        await self.plans.subscribe(order, operation_id, actor)

    async def _already(self, application: Application, item: OpeningItem, why: Reason) -> bool:
        """Whether it was refused for being on."""
        if why is Reason.PLAN_RUNNING and application.customer is not None:
            view = await self.plans.view(application.customer)
            return any(
                each.plan == item.name and each.state in _STANDING for each in view.subscriptions
            )
        return why is Reason.FEATURE_ACTIVE

    async def complete_due(self) -> int:
        """Go on where an opening was interrupted; refusals stay. How many applications."""
        after, count = 0, 0
        while due := await self.book.due(after, DUE_AT_ONCE):
            for application in due:
                await self.complete(application, SYSTEM, refused_too=False)
            after, count = due[-1], count + len(due)
        return count

    async def run(self) -> None:
        """Complete what was interrupted, again and again, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.complete_due()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("openings.completing_waits", reason=str(error))
