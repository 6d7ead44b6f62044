"""/v1/plans and /v1/customers/{customer}/plan."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from aiohttp import web

from callserver.adapters.http import plan_models as models
from callserver.adapters.http.access import Viewer
from callserver.adapters.http.bodies import body_of
from callserver.adapters.http.idempotency import Idempotency
from callserver.adapters.http.operation import IDEMPOTENCY_KEY, Operation, in_path
from callserver.adapters.http.plan_shapes import subscription_shape, version_shape, view_shape
from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.queries import parameters
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.declined import Declined, Reason
from callserver.domain.identity import is_slug
from callserver.domain.plans import PlanVersion, Rhythm, Subscription
from callserver.ports.plans import PlanOrder

_CUSTOMER = in_path("customer")
_WRITES = (_CUSTOMER, IDEMPOTENCY_KEY)
_POST = (400, 403, 404, 408, 409, 413)

OPERATIONS = (
    Operation("get", "/v1/plans", "The catalogue of plans", models.PlanCatalogue, errors=(400,)),
    Operation("post", "/v1/plans", "Add a plan, or new terms of one", models.PlanVersion, 201,
              models.NewPlan, (IDEMPOTENCY_KEY,), _POST),
    Operation("get", "/v1/customers/{customer}/plan", "A customer's plans, and what is left",
              models.CustomersPlan, parameters=(_CUSTOMER,), errors=(400, 404)),
    Operation("post", "/v1/customers/{customer}/plan", "Begin a plan today, or book it",
              models.Subscription, 201, models.NewSubscription, _WRITES, _POST),
    Operation("post", "/v1/customers/{customer}/plan/renew", "Book the next term, or begin it now",
              models.Subscription, 201, models.Renewal, _WRITES, _POST),
    Operation("post", "/v1/customers/{customer}/plan/cancel", "No further year",
              models.Subscription, 200, models.Cancellation, _WRITES, _POST),
)  # fmt: skip


class PlanPages:
    """Answers about plans."""

    def __init__(self, services: HttpServices, read_s: float) -> None:
        self._plans = services.office.plans
        self._idempotency = Idempotency(services.office.keys, read_s)
        self._read_s = read_s

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        handlers = (self.catalogue, self.add, self.show, self.subscribe, self.renew, self.cancel)
        yield from zip(OPERATIONS, handlers, strict=True)

    async def catalogue(self, request: web.Request, _viewer: Viewer) -> web.Response:
        """GET /v1/plans: what is on offer is no secret."""
        parameters(request.query, ())
        versions = await self._plans.catalogue()
        return json_reply({"plans": [version_shape(each) for each in versions]})

    async def add(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/plans."""
        if viewer.token.scope is not Scope.ADMIN:
            raise Problem(Code.FORBIDDEN, "This needs a token of scope admin.")
        parameters(request.query, ())
        body = await body_of(request, models.NewPlan, self._read_s)
        await self._idempotency.operation_id(request, viewer)  # a version is its own: same, or 409
        wanted = PlanVersion(
            plan=body.plan,
            name=body.name or body.plan,
            version=0,
            effective_from=body.effective_from or self._plans.today(),
            annual_fee_micros=body.annual_fee,
            credit_micros=body.credit,
            minutes=body.minutes,
            rhythm=Rhythm(body.rhythm),
            tariff=body.tariff,
        )
        added = await self._plans.add(wanted, viewer.actor)
        return json_reply(version_shape(added), HTTPStatus.CREATED)

    async def show(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/customers/{customer}/plan."""
        customer = _seen(request, viewer)
        return json_reply(view_shape(await self._plans.view(customer)))

    async def subscribe(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/customers/{customer}/plan."""
        customer = _acted_for(request, viewer)
        body = await body_of(request, models.NewSubscription, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        order = PlanOrder(
            customer,
            body.plan,
            body.years,
            body.first_day,
            auto_renew=body.auto_renew,
            renew_when_used_up=body.renew_when_used_up,
        )
        return _made(await self._plans.subscribe(order, operation_id, viewer.actor))

    async def renew(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/customers/{customer}/plan/renew."""
        customer = _acted_for(request, viewer)
        body = await body_of(request, models.Renewal, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        return _made(
            await self._plans.renew(
                customer, operation_id, viewer.actor, now=body.now, years=body.years
            )
        )

    async def cancel(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/customers/{customer}/plan/cancel."""
        customer = _acted_for(request, viewer)
        body = await body_of(request, models.Cancellation, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        found = await self._plans.cancel(customer, operation_id, viewer.actor, at_once=body.at_once)
        return json_reply(subscription_shape(found))


def _made(found: Subscription) -> web.Response:
    return json_reply(subscription_shape(found), HTTPStatus.CREATED)


def _seen(request: web.Request, viewer: Viewer) -> str:
    """The customer of the path, if the bearer sees it."""
    customer = request.match_info["customer"]
    parameters(request.query, ())
    if not is_slug(customer) or not viewer.sees(customer):
        raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {customer[:64]!r}.")
    return customer


def _acted_for(request: web.Request, viewer: Viewer) -> str:
    """The same, where the bearer may do something: its money is moved."""
    customer = _seen(request, viewer)
    if viewer.token.scope not in {Scope.PROVIDER, Scope.ADMIN}:
        raise Problem(Code.FORBIDDEN, "This needs a token of scope provider or admin.")
    return customer
