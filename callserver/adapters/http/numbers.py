"""/v1/numbers: the shelf, a number and its history, and what moves it through its life [R3]."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from aiohttp import web

from callserver.adapters.http import number_models as models
from callserver.adapters.http.access import Viewer
from callserver.adapters.http.bodies import BodyModel, body_of
from callserver.adapters.http.idempotency import Idempotency
from callserver.adapters.http.operation import (
    IDEMPOTENCY_KEY,
    LIMIT,
    TEXT,
    Operation,
    in_path,
    in_query,
)
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.queries import limit, parameters
from callserver.adapters.http.replies import json_reply, rfc3339
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.lifecycle import NumberEvent, NumberRecord, Suspension
from callserver.domain.money import BadAmount, parse_yuan
from callserver.domain.number import is_did
from callserver.domain.number_change import Command, NumberChange, NumberQuery
from callserver.domain.number_class import BadPattern, BadRange, NumberClass, like, numbers_of
from callserver.ports.numbers import SealBroken
from callserver.service.number_views import change_view, number_view, opened_view
from callserver.service.numbers import HandedIn

_DID = in_path("did", {**TEXT, "pattern": r"^400\d{7}$"})
_POST = (400, 403, 404, 408, 409, 413)
_SEARCH = ("pattern", "class", "special", "state", "price_max", "provider", "after", "limit")
ADDED_MAX = 10_000


def _move(
    word: str, summary: str, body: type[Any], answer: type[Any] = models.NumberChange
) -> Operation:
    path = f"/v1/numbers/{{did}}/{word}"
    return Operation("post", path, summary, answer, 200, body, (_DID, IDEMPOTENCY_KEY), _POST)


OPERATIONS = (
    Operation("get", "/v1/numbers", "Numbers by pattern, class, state and price",
              models.NumberPage, errors=(400, 403),
              parameters=(*map(in_query, _SEARCH[:-1]), LIMIT)),
    Operation("post", "/v1/numbers", "Put numbers on the shelf", models.NumbersAdded, 201,
              models.NewNumbers, (IDEMPOTENCY_KEY,), _POST),
    Operation("get", "/v1/numbers/{did}", "A number as it stands now", models.Number,
              parameters=(_DID,), errors=(400, 403, 404)),
    Operation("get", "/v1/numbers/{did}/history", "What has happened to a number",
              models.NumberHistory, parameters=(_DID,), errors=(400, 403, 404)),
    _move("reserve", "Reserve for the customer of an intent form", models.Reservation),
    _move("cancel", "Give a reservation up", models.NumberReason),
    _move("lock", "Signed and paid", models.NumberLock),
    _move("drop", "The contract came to nothing", models.NumberReason),
    _move("submit", "Hand in the real-name material", models.Submission),
    _move("approve", "The material is in order", models.Approval),
    _move("reject", "The material is not in order", models.Rejection),
    _move("activate", "The carrier has confirmed: open, with what was chosen",
          models.CarrierConfirmation, models.NumberOpened),
    _move("suspend", "Stop calls for a reason", models.NewSuspension),
    _move("resume", "Clear one reason", models.SuspensionReason),
    _move("close", "End the number's service", models.NumberReason),
)  # fmt: skip


class NumberPages:
    """Answers about numbers."""

    def __init__(self, services: HttpServices, read_s: float) -> None:
        self._numbers = services.office.numbers
        self._openings = services.office.openings
        self._idempotency = Idempotency(services.office.keys, read_s)
        self._read_s = read_s

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        reasons = {"cancel": NumberEvent.CANCEL, "drop": NumberEvent.DROP}
        handlers = (
            self.search,
            self.add,
            self.number,
            self.history,
            self.reserve,
            partial(self.with_reason, reasons["cancel"]),
            self.lock,
            partial(self.with_reason, reasons["drop"]),
            self.submit,
            self.approve,
            self.reject,
            self.activate,
            self.suspend,
            self.resume,
            partial(self.with_reason, NumberEvent.CLOSE),
        )
        yield from zip(OPERATIONS, handlers, strict=True)

    async def search(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/numbers."""
        not_for_customers(viewer)
        found = parameters(request.query, _SEARCH)
        most = limit(found)
        query = replace(_query(found), providers=viewer.providers, limit=most + 1)
        rows = await self._numbers.search(query)
        following = rows[most - 1].number if len(rows) > most else None
        shown = [_seen(row, viewer) for row in rows[:most]]
        return json_reply({"numbers": shown, "next_after": following})

    async def add(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers."""
        admin_only(viewer)
        parameters(request.query, ())
        body = await body_of(request, models.NewNumbers, self._read_s)
        total, ranges = 0, []
        for text in body.numbers:
            try:
                count, numbers = numbers_of(text)
            except BadRange as wrong:
                raise Problem(Code.BAD_BODY, f"numbers: {wrong}") from wrong
            total += count
            ranges.append(numbers)
        if total > ADDED_MAX:
            raise Problem(Code.BAD_BODY, f"numbers: at most {ADDED_MAX} at once")
        await self._idempotency.operation_id(request, viewer)  # adding again changes nothing
        override = (
            None if body.class_ is None else NumberClass(body.class_, body.special, body.price)
        )
        new = await self._numbers.add(chain.from_iterable(ranges), override=override)
        return json_reply({"numbers": total, "new": new}, 201)

    async def number(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/numbers/{did}."""
        not_for_customers(viewer)
        parameters(request.query, ())
        return json_reply(_seen(await self._numbers.number(_did(request)), viewer))

    async def history(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/numbers/{did}/history: of what the bearer's providers had to do with."""
        not_for_customers(viewer)
        parameters(request.query, ())
        lines = await self._numbers.history((await self._numbers.number(_did(request))).number)
        shown = [
            change_view(line, rfc3339) for line in lines if viewer.sees_provider(line.provider)
        ]
        return json_reply({"history": shown})

    async def reserve(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/reserve."""
        body, command = await self._asked(request, viewer, models.Reservation, NumberEvent.RESERVE)
        if command.provider is None:
            raise Problem(Code.BAD_BODY, "provider: is missing; say who reserves")
        wanted = replace(command, features=tuple(body.features), plan=body.plan or "")
        form = body.intent_form.model_dump()
        return await _answer(partial(self._numbers.reserve, wanted, form))

    async def with_reason(
        self, event: NumberEvent, request: web.Request, viewer: Viewer
    ) -> web.Response:
        """POST …/cancel, …/drop and …/close."""
        body, command = await self._asked(request, viewer, models.NumberReason, event)
        return await _answer(partial(self._numbers.act, replace(command, reason=body.reason)))

    async def lock(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/lock."""
        body, command = await self._asked(request, viewer, models.NumberLock, NumberEvent.LOCK)
        wanted = replace(command, customer=body.customer, contract=body.contract)
        return await _answer(partial(self._numbers.act, wanted))

    async def submit(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/submit."""
        body, command = await self._asked(request, viewer, models.Submission, NumberEvent.SUBMIT)
        files = [
            HandedIn(file.kind, file.reference, file.sha256 or "", file.content)
            for file in body.material
        ]
        return await _answer(partial(self._numbers.submit, command, files))

    async def approve(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/approve."""
        admin_only(viewer)
        _, command = await self._asked(request, viewer, models.Approval, NumberEvent.APPROVE)
        return await _answer(partial(self._numbers.act, command))

    async def reject(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/reject."""
        admin_only(viewer)
        body, command = await self._asked(request, viewer, models.Rejection, NumberEvent.REJECT)
        return await _answer(partial(self._numbers.act, replace(command, reason=body.reason)))

    async def activate(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/activate."""
        admin_only(viewer)
        body, command = await self._asked(
            request, viewer, models.CarrierConfirmation, NumberEvent.ACTIVATE
        )
        wanted = replace(command, carrier_reference=body.carrier_reference)
        return json_reply(opened_view(await self._openings.activate(wanted), rfc3339))

    async def suspend(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST …/suspend."""
        body, command = await self._asked(
            request, viewer, models.NewSuspension, NumberEvent.SUSPEND
        )
        if body.force:
            admin_only(viewer)
        forced = body.force and body.for_ == "arrears"
        noted = f"forced: {body.reason}".rstrip(": ") if forced else body.reason
        return await self._suspension(body, replace(command, forced=forced, reason=noted), viewer)

    async def resume(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST …/resume."""
        body, command = await self._asked(
            request, viewer, models.SuspensionReason, NumberEvent.RESUME
        )
        return await self._suspension(body, replace(command, reason=body.reason), viewer)

    async def _suspension(
        self, body: models.SuspensionReason, command: Command, viewer: Viewer
    ) -> web.Response:
        if body.for_ == "violation":
            admin_only(viewer)
        wanted = replace(command, suspension=Suspension(body.for_))
        return await _answer(partial(self._numbers.act, wanted))

    async def _asked(
        self, request: web.Request, viewer: Viewer, model: type[BodyModel], event: NumberEvent
    ) -> tuple[BodyModel, Command]:
        """The body, and a command in the name of the provider that the bearer acts for."""
        _acts(viewer)
        number = _did(request)
        parameters(request.query, ())
        body = await body_of(request, model, self._read_s)
        provider = getattr(body, "provider", None)
        if provider is None and viewer.token.scope is Scope.PROVIDER:
            provider = viewer.token.subject
        if provider is not None and not viewer.acts_for(provider):
            raise Declined(
                Reason.PROVIDER_UNKNOWN, "Check the id; another's provider looks the same."
            )
        operation_id = await self._idempotency.operation_id(request, viewer)
        return body, Command(event, number, operation_id, viewer.actor, provider=provider)


async def _answer(work: Callable[[], Awaitable[NumberChange]]) -> web.Response:
    """What has changed. Raises Declined."""
    try:
        return json_reply(change_view(await work(), rfc3339))
    except SealBroken as fault:
        raise Problem(Code.UNAVAILABLE, "The key that sealed the form is missing.") from fault


def _query(found: dict[str, str]) -> NumberQuery:
    """The search that the parameters ask for. Raises Problem."""
    try:
        pattern = like(found.get("pattern", "*"))
        price = parse_yuan(found["price_max"]) if "price_max" in found else None
    except BadPattern as wrong:
        raise bad_value("pattern", str(wrong)) from wrong
    except BadAmount as wrong:
        raise bad_value("price_max", str(wrong)) from wrong
    special, state = found.get("special"), found.get("state", "available")
    if special not in {None, "true", "false"}:
        raise bad_value("special", "write true or false")
    if state != "any" and state not in set(NumberState):
        raise bad_value("state", f"write any, {', '.join(NumberState)}")
    return NumberQuery(
        like=pattern,
        class_name=found.get("class"),
        special=None if special is None else special == "true",
        state=None if state == "any" else NumberState(state),
        price_micros_max=price,
        provider=found.get("provider"),
        after=found.get("after", ""),
    )


def _seen(record: NumberRecord, viewer: Viewer) -> dict[str, Any]:
    """The number; whose it is only where the bearer may see that."""
    if record.provider is not None and not viewer.sees_provider(record.provider):
        record = replace(
            record, provider=None, customer=None, application=None, suspensions=frozenset()
        )
    return number_view(record, rfc3339)


def _did(request: web.Request) -> str:
    number = request.match_info["did"]
    if not is_did(number):
        raise Declined(Reason.NUMBER_UNKNOWN, "A 400 number has ten digits and begins with 400.")
    return number


def not_for_customers(viewer: Viewer) -> None:
    """Raises Problem (403)."""
    if viewer.token.scope is Scope.CUSTOMER:
        raise Problem(Code.FORBIDDEN, "Numbers are chosen by providers; ask yours.")


def admin_only(viewer: Viewer) -> None:
    """Raises Problem (403)."""
    if viewer.token.scope is not Scope.ADMIN:
        raise Problem(Code.FORBIDDEN, "This needs a token of scope admin.")


def _acts(viewer: Viewer) -> None:
    if viewer.token.scope not in {Scope.PROVIDER, Scope.ADMIN}:
        raise Problem(Code.FORBIDDEN, "This needs a token of scope provider or admin.")
