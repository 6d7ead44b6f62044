"""/v1/numbers/{did}/minimum, /v1/customers/{customer}/bills and /v1/months."""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from callserver.adapters.http import month_models as models
from callserver.adapters.http.access import Access, Viewer
from callserver.adapters.http.bill_csv import bill_csv
from callserver.adapters.http.bill_page import bill_html
from callserver.adapters.http.bodies import body_of
from callserver.adapters.http.idempotency import Idempotency
from callserver.adapters.http.metrics import NOT_IN_SQL
from callserver.adapters.http.month_shapes import (
    bill_shape,
    close_shape,
    correction_shape,
    minimum_shape,
    report_shape,
    version_shape,
)
from callserver.adapters.http.operation import (
    CURSOR,
    IDEMPOTENCY_KEY,
    LIMIT,
    TEXT,
    Operation,
    in_path,
    in_query,
)
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.queries import limit, parameters
from callserver.adapters.http.replies import json_reply, text_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.bill import Bill, BillState, RunningCall
from callserver.domain.billing_month import BadMonth, BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.domain.identity import is_slug
from callserver.domain.minimum import MinimumWish
from callserver.domain.number import is_did
from callserver.ports import REDIS_AWAY
from callserver.service.months import doubts

log = structlog.get_logger()

_NUMBER = in_path("did", {**TEXT, "pattern": r"^400\d{7}$"})
_CUSTOMER = in_path("customer")
_MONTH = in_path("month", {**TEXT, "pattern": models.MONTH})
_FORMAT = in_query("format", {"enum": ["json", "csv", "html"], "default": "json"})
_LANGUAGE = in_query("lang", {"enum": ["zh-CN", "en"], "default": "zh-CN"})
_POST = (400, 403, 404, 408, 409, 413)

OPERATIONS = (
    Operation("get", "/v1/numbers/{did}/minimum", "A number's monthly minimum and its history",
              models.Minimum, parameters=(_NUMBER,), errors=(400, 404)),
    Operation("post", "/v1/numbers/{did}/minimum", "Set or raise it from next month on",
              models.MinimumVersion, 201, models.NewMinimum, (_NUMBER, IDEMPOTENCY_KEY), _POST),
    Operation("get", "/v1/customers/{customer}/bills", "Months there are bills of",
              models.BillMonths, parameters=(_CUSTOMER, LIMIT, CURSOR), errors=(400, 404)),
    Operation("get", "/v1/customers/{customer}/bills/{month}",
              "A bill, to date or fixed: JSON, CSV or a page to print", models.Bill,
              parameters=(_CUSTOMER, _MONTH, _FORMAT, _LANGUAGE), errors=(400, 404)),
    Operation("get", "/v1/months", "Months that are closed or being closed", models.MonthCloses,
              parameters=(LIMIT, CURSOR), errors=(400, 403)),
    Operation("get", "/v1/months/{month}", "What a closed month came to", models.MonthReport,
              parameters=(_MONTH,), errors=(400, 403, 404)),
    Operation("post", "/v1/months/{month}/close", "Close a month: it goes on in the background",
              models.BegunClose, 202, None, (_MONTH, IDEMPOTENCY_KEY), _POST),
    Operation("post", "/v1/months/{month}/correct", "Post what came late for a closed month",
              models.CorrectionList, 200, None, (_MONTH, IDEMPOTENCY_KEY), _POST),
)  # fmt: skip


class MonthPages:
    """Answers about minimums, bills and months."""

    def __init__(self, services: HttpServices, access: Access, read_s: float) -> None:
        office = services.office
        self._minimums, self._months, self._bills = office.minimums, office.months, office.bills
        self._live, self._metrics = services.live, services.metrics
        self._access = access
        self._idempotency = Idempotency(office.keys, read_s)
        self._read_s = read_s
        self._closing: set[asyncio.Task[None]] = set()

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        handlers = (
            self.minimum,
            self.set_minimum,
            self.bill_months,
            self.bill,
            self.months,
            self.month,
            self.close,
            self.correct,
        )
        yield from zip(OPERATIONS, handlers, strict=True)

    async def minimum(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/numbers/{did}/minimum."""
        parameters(request.query, ())
        shown = await self._minimums.show(_did(request))
        if not viewer.sees(shown.customer):
            raise _number_unknown(shown.did)
        return json_reply(minimum_shape(shown, with_actor=viewer.only_customer is None))

    async def set_minimum(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/minimum."""
        parameters(request.query, ())
        number = _did(request)
        shown = await self._minimums.show(number)
        if not viewer.sees(shown.customer):
            raise _number_unknown(number)
        if viewer.token.scope not in {Scope.PROVIDER, Scope.ADMIN}:
            raise Problem(Code.FORBIDDEN, "Minimums need a token of scope provider or admin.")
        body = await body_of(request, models.NewMinimum, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        wish = MinimumWish(
            number, body.amount, operation_id, body.confirmed, body.at_rate, body.reason
        )
        version = await self._minimums.set(wish, viewer.actor)
        return json_reply(version_shape(version), HTTPStatus.CREATED)

    async def bill_months(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/customers/{customer}/bills."""
        customer = _seen_customer(request, viewer)
        found = parameters(request.query, ("limit", "cursor"))
        states = dict(await self._bills.months(customer))
        page, following = _page(sorted(states, reverse=True), found)
        shown = [{"month": str(month), "state": states[month].value} for month in page]
        return json_reply({"customer": customer, "months": shown, "next_cursor": following})

    async def bill(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/customers/{customer}/bills/{month}."""
        found = parameters(request.query, ("format", "lang"))
        how, language = found.get("format", "json"), found.get("lang", "zh-CN")
        customer, month = _seen_customer(request, viewer), _month(request)
        with self._access.list_request(viewer):
            bill = await self._bills.bill(customer, month)
            if bill.state is BillState.OPEN:
                bill = bill.with_running(await self._running(customer))
        return _bill_reply(bill, how, language, for_provider=viewer.sees_cost)

    async def _running(self, customer: str) -> tuple[RunningCall, ...] | None:
        try:
            calls = await self._live.of_customer(customer)
        except REDIS_AWAY:
            return None
        return tuple(
            RunningCall(
                call.call_id,
                call.did,
                call.started_us // 1000,
                call.duration_s,
                call.running_micros,
            )
            for call in calls
        )

    async def months(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/months."""
        _not_customers(viewer)
        found = parameters(request.query, ("limit", "cursor"))
        closes = {close.month: close for close in await self._months.closes()}
        page, following = _page(sorted(closes, reverse=True), found)
        shown = [close_shape(closes[month]) for month in page]
        return json_reply({"months": shown, "next_cursor": following})

    async def month(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/months/{month}."""
        _not_customers(viewer)
        parameters(request.query, ())
        with self._access.list_request(viewer):
            report = await self._months.report(_month(request))
        return json_reply(report_shape(report, viewer.providers))

    async def close(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/months/{month}/close."""
        month = await self._for_admin(request, viewer)
        begun = await self._months.begin(month, viewer.actor)
        if begun.closed_ms is None:
            task = asyncio.create_task(self._close(month, viewer.actor), name=f"close-{month}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        shown = close_shape(begun) | {"warnings": await self._doubts()}
        return json_reply(shown, HTTPStatus.ACCEPTED)

    async def _doubts(self) -> list[str]:
        """Why the month may miss calls; they are corrected later."""
        waiting = sum(map(self._metrics.watched, NOT_IN_SQL))
        try:
            return doubts(len(await self._live.all()), waiting)
        except REDIS_AWAY:
            return ["Redis is away: open calls cannot be seen", *doubts(0, waiting)]

    async def _close(self, month: BillingMonth, actor: str) -> None:
        """To the end, or to a fault: asked again, it goes on there."""
        try:
            await self._months.close(month, actor)
        except Exception as fault:
            log.exception("months.close_failed", month=str(month), reason=type(fault).__name__)

    async def correct(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/months/{month}/correct."""
        month = await self._for_admin(request, viewer)
        made = await self._months.correct(month, viewer.actor)
        shown = [correction_shape(each) for each in made]
        return json_reply({"month": str(month), "corrections": shown})

    async def _for_admin(self, request: web.Request, viewer: Viewer) -> BillingMonth:
        parameters(request.query, ())
        if viewer.token.scope is not Scope.ADMIN:
            raise Problem(Code.FORBIDDEN, "Months are closed with a token of scope admin.")
        month = _month(request)
        await self._idempotency.operation_id(request, viewer)  # the month itself is the operation
        return month


def _bill_reply(bill: Bill, how: str, language: str, *, for_provider: bool) -> web.Response:
    if language not in {"zh-CN", "en"}:
        raise bad_value("lang", "write zh-CN or en")
    if how == "json":
        return json_reply(bill_shape(bill, for_provider=for_provider))
    if how == "csv":
        text = bill_csv(bill, for_provider=for_provider)
        return text_reply(text.encode(), "text/csv; charset=utf-8")
    if how == "html":
        page = bill_html(
            bill, language="en" if language == "en" else "zh-CN", for_provider=for_provider
        )
        reply = text_reply(page.encode(), "text/html; charset=utf-8")
        reply.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        )
        return reply
    raise bad_value("format", "write json, csv or html")


def _did(request: web.Request) -> str:
    number = request.match_info["did"]
    if not is_did(number):
        raise _number_unknown(number[:20])
    return number


def _number_unknown(number: str) -> Declined:
    return Declined(Reason.NUMBER_UNKNOWN, f"There is no number {number}.")


def _seen_customer(request: web.Request, viewer: Viewer) -> str:
    customer = request.match_info["customer"]
    if not is_slug(customer) or not viewer.sees(customer):
        raise Declined(Reason.CUSTOMER_UNKNOWN, "There is no such customer.")
    return customer


def _month(request: web.Request) -> BillingMonth:
    try:
        return BillingMonth.parse(request.match_info["month"])
    except BadMonth as wrong:
        raise bad_value("month", str(wrong)) from wrong


def _page(
    months: list[BillingMonth], found: dict[str, str]
) -> tuple[list[BillingMonth], str | None]:
    """Those of the page, the latest first, and the cursor of the next: its month before."""
    most = limit(found)
    if "cursor" in found:
        try:
            before = BillingMonth.parse(found["cursor"])
        except BadMonth as wrong:
            raise bad_value("cursor", "take next_cursor of the page before") from wrong
        months = [month for month in months if month < before]
    return months[:most], str(months[most - 1]) if len(months) > most else None


def _not_customers(viewer: Viewer) -> None:
    if viewer.token.scope is Scope.CUSTOMER:
        raise Problem(Code.FORBIDDEN, "Months are for providers and the operator.")
