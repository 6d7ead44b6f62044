"""/v1/providers and /v1/customers: a reseller's tree, its customers, what it earns; disputes."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from aiohttp import web

from callserver.adapters.http import provider_models as models
from callserver.adapters.http.access import Viewer, provider_unknown, seen_provider
from callserver.adapters.http.bodies import body_of
from callserver.adapters.http.idempotency import Idempotency
from callserver.adapters.http.operation import (
    CALL_ID,
    CURSOR,
    IDEMPOTENCY_KEY,
    LIMIT,
    TEXT,
    Operation,
    in_path,
    in_query,
)
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.provider_shapes import (
    commission_shape,
    customer_shape,
    dispute_shape,
    provider_shape,
    report_shape,
)
from callserver.adapters.http.queries import limit, parameters
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.billing_month import BadMonth, BillingMonth
from callserver.domain.business import Provider
from callserver.domain.declined import Declined, Reason
from callserver.domain.identity import is_call_id, is_slug
from callserver.domain.provider_report import in_order
from callserver.domain.provider_tree import subtree
from callserver.ports.providers import CommissionKey

_PROVIDER = in_path("provider")
_CUSTOMER = in_path("customer")
_MONTH = in_query("month", {**TEXT, "pattern": models.MONTH})
_MONTH_TEXT = re.compile(models.MONTH)
_PART = re.compile(r"[0-9]{1,6}", re.ASCII)
_POST = (400, 403, 404, 408, 409, 413)

OPERATIONS = (
    Operation("get", "/v1/providers", "The providers you see, each under its parent",
              models.Providers, errors=(400,)),
    Operation("get", "/v1/providers/{provider}", "One provider", models.Provider,
              parameters=(_PROVIDER,), errors=(400, 404)),
    Operation("get", "/v1/providers/{provider}/customers", "Customers of its whole tree",
              models.CustomerPage, parameters=(_PROVIDER, LIMIT, CURSOR), errors=(400, 404)),
    Operation("get", "/v1/providers/{provider}/report",
              "Customers, numbers, balances, calls, margin and commission of its tree",
              models.Report, parameters=(_PROVIDER, _MONTH), errors=(400, 404)),
    Operation("get", "/v1/providers/{provider}/commissions", "Commissions posted to its account",
              models.Commissions, parameters=(_PROVIDER, _MONTH, LIMIT, CURSOR),
              errors=(400, 404)),
    Operation("get", "/v1/customers/{customer}", "One customer", models.Customer,
              parameters=(_CUSTOMER,), errors=(400, 404)),
    Operation("post", "/v1/cdrs/{call_id}/dispute", "Contest a call: its caller is kept",
              models.Dispute, 201, models.NewDispute, (CALL_ID, IDEMPOTENCY_KEY), _POST),
    Operation("post", "/v1/cdrs/{call_id}/dispute/close", "The dispute is settled",
              models.Dispute, parameters=(CALL_ID, IDEMPOTENCY_KEY), errors=_POST),
)  # fmt: skip


class ProviderPages:
    """Answers about providers and their customers."""

    def __init__(self, services: HttpServices, read_s: float) -> None:
        self._providers = services.office.providers
        self._retention = services.office.retention
        self._books = services.books
        self._catalogue = services.catalogue
        self._idempotency = Idempotency(services.office.keys, read_s)
        self._read_s = read_s

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        handlers = (
            self.every,
            self.one,
            self.customers,
            self.report,
            self.commissions,
            self.customer,
            self.dispute,
            self.close_dispute,
        )
        yield from zip(OPERATIONS, handlers, strict=True)

    async def every(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers."""
        parameters(request.query, ())
        providers = self._catalogue().providers
        shown = [
            provider_shape(each, _parent(viewer, each))
            for _, each in in_order(providers, None)
            if viewer.sees_provider(each.id)
        ]
        return json_reply({"providers": shown})

    async def one(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers/{provider}."""
        parameters(request.query, ())
        provider = self._seen(request, viewer)
        return json_reply(provider_shape(provider, _parent(viewer, provider)))

    async def customers(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers/{provider}/customers: a page in order of ids."""
        provider = self._seen(request, viewer)
        found = parameters(request.query, ("limit", "cursor"))
        after, most = found.get("cursor", ""), limit(found)
        if after and not is_slug(after):
            raise bad_value("cursor", "take next_cursor of the page before")
        lines = await self._providers.customers(self._catalogue(), provider.id)
        rest = [each for each in lines if each.customer.id > after]
        page = rest[:most]
        following = page[-1].customer.id if len(rest) > most else None
        return json_reply(
            {"customers": [customer_shape(each) for each in page], "next_cursor": following}
        )

    async def report(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers/{provider}/report: this month, or another."""
        provider = self._seen(request, viewer)
        month = _month(parameters(request.query, ("month",))) or self._providers.this_month()
        return json_reply(
            report_shape(await self._providers.report(self._catalogue(), provider.id, month))
        )

    async def commissions(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers/{provider}/commissions: of its whole tree, a page."""
        provider = self._seen(request, viewer)
        found = parameters(request.query, ("month", "limit", "cursor"))
        month, after, most = _month(found), _commission_after(found), limit(found)
        tree = subtree(self._catalogue().providers, provider.id)
        rows = await self._providers.posted(tree, month, after, most + 1)
        last = rows[most - 1] if len(rows) > most else None
        following = f"{last.month}:{last.provider}:{last.part}" if last else None
        return json_reply(
            {
                "commissions": [commission_shape(each) for each in rows[:most]],
                "next_cursor": following,
            }
        )

    async def customer(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/customers/{customer}."""
        parameters(request.query, ())
        name = request.match_info["customer"]
        catalogue = self._catalogue()
        found = catalogue.customers.get(name) if viewer.sees(name) else None
        if found is None:
            raise Declined(
                Reason.CUSTOMER_UNKNOWN, "Check the id; another's customer looks the same."
            )
        return json_reply(customer_shape(await self._providers.customer(catalogue, found)))

    async def dispute(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/cdrs/{call_id}/dispute. Again: the first note, whoever wrote it."""
        call_id = await self._call(request, viewer)
        body = await body_of(request, models.NewDispute, self._read_s)
        await self._idempotency.operation_id(request, viewer)  # a call has one dispute at a time
        noted, _ = await self._retention.dispute(call_id, body.note, viewer.actor)
        return json_reply(dispute_shape(noted), HTTPStatus.CREATED)

    async def close_dispute(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/cdrs/{call_id}/dispute/close: not by the customer, who contests."""
        call_id = await self._call(request, viewer)
        if not viewer.manages_customers:
            raise Problem(Code.FORBIDDEN, "Settling needs a token of scope provider or admin.")
        await self._idempotency.operation_id(request, viewer)
        settled = await self._retention.settle_dispute(call_id, viewer.actor)
        return json_reply(dispute_shape(settled))

    def _seen(self, request: web.Request, viewer: Viewer) -> Provider:
        """The provider of the path."""
        name = seen_provider(viewer, request.match_info["provider"])
        found = self._catalogue().providers.get(name)
        if found is None:
            raise provider_unknown()
        return found

    async def _call(self, request: web.Request, viewer: Viewer) -> str:
        """The call of the path, which the bearer must see and not only look at."""
        parameters(request.query, ())
        call_id = request.match_info["call_id"]
        cdr = await self._books.cdr(call_id) if is_call_id(call_id) else None
        if cdr is None or not viewer.sees(cdr.customer):
            raise Problem(Code.CDR_UNKNOWN, "Check the call_id; a live call has no CDR yet.")
        if viewer.token.scope is Scope.NOC:
            raise Problem(Code.FORBIDDEN, "A token of scope noc only looks.")
        return call_id


def _parent(viewer: Viewer, provider: Provider) -> str | None:
    return provider.parent if viewer.sees_provider(provider.parent) else None


def _commission_after(found: dict[str, str]) -> CommissionKey | None:
    """Behind which commission the page begins."""
    if "cursor" not in found:
        return None
    month, _, rest = found["cursor"].partition(":")
    provider, _, part = rest.partition(":")
    if _MONTH_TEXT.fullmatch(month) and is_slug(provider) and _PART.fullmatch(part):
        return month, provider, int(part)
    raise bad_value("cursor", "take next_cursor of the page before")


def _month(found: dict[str, str]) -> BillingMonth | None:
    if "month" not in found:
        return None
    try:
        return BillingMonth.parse(found["month"])
    except BadMonth as wrong:
        raise bad_value("month", "write it like 2026-11") from wrong
