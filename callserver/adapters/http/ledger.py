"""/v1/accounts: entries, statements, events; adjustments, reversals and transfers."""

import re
from collections.abc import Awaitable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web

from callserver.adapters.http import ledger_models as models
from callserver.adapters.http import queries
from callserver.adapters.http.access import (
    Access,
    Viewer,
    account_unknown,
    seen_account,
    seen_provider,
)
from callserver.adapters.http.bodies import body_of
from callserver.adapters.http.idempotency import Idempotency
from callserver.adapters.http.ledger_shapes import (
    account_event_shape,
    ledger_entry_shape,
    statement_csv,
    statement_shape,
    threshold_shape,
)
from callserver.adapters.http.operation import (
    ACCOUNT,
    CURSOR,
    IDEMPOTENCY_KEY,
    INSTANT,
    LIMIT,
    Operation,
    in_path,
    in_query,
)
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.replies import json_reply, text_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.billing_month import BadMonth, BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import PROVIDER_PREFIX, Entry, EntryKind
from callserver.domain.ledger_moves import Adjustment, Reversal, Transfer, entry_unknown
from callserver.domain.statement import Statement
from callserver.ports import AccountUnknown, BadCursor
from callserver.ports.ledger import EntryQuery

T = TypeVar("T")

ENTRIES_MAX = 5_000
"""Entries of a statement in one answer: more would hold up calls while they are read."""
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_CURSOR_CHARS_MAX = 200
_FROM = in_query("from", {**INSTANT, "description": "Posted at or after"})
_TO = in_query("to", {**INSTANT, "description": "Posted before"})
_KIND = in_query("kind", {"enum": [kind.value for kind in EntryKind]})
_MONTH = in_query("month", {"type": "string", "pattern": r"^\d{4}-\d\d$"})
_FORMAT = in_query("format", {"enum": ["json", "csv"], "default": "json"})
_ENTRIES = in_query("entries", {"enum": ["true", "false"], "default": "true"})
_ENTRY = in_path("entry", {"type": "integer", "minimum": 1})
_POST = (400, 403, 404, 408, 409, 413)

OPERATIONS = (
    Operation("get", "/v1/accounts/{account}/entries", "Ledger entries, the newest first",
              models.LedgerPage, errors=(400, 404),
              parameters=(ACCOUNT, _KIND, _FROM, _TO, LIMIT, CURSOR)),
    Operation("get", "/v1/accounts/{account}/entries/{entry}", "One ledger entry",
              models.LedgerEntry, parameters=(ACCOUNT, _ENTRY), errors=(400, 404)),
    Operation("get", "/v1/accounts/{account}/statement", "Opening, movements, closing of a period",
              models.AccountStatement, errors=(400, 404, 409),
              parameters=(ACCOUNT, _MONTH, _FROM, _TO, _FORMAT, _ENTRIES)),
    Operation("get", "/v1/accounts/{account}/events", "When the account ran low",
              models.AccountEventPage, parameters=(ACCOUNT, LIMIT, CURSOR), errors=(400, 404)),
    Operation("get", "/v1/accounts/{account}/threshold", "Where the account counts as low",
              models.AccountThreshold, parameters=(ACCOUNT,), errors=(400, 404)),
    Operation("put", "/v1/accounts/{account}/threshold", "Set where the account counts as low",
              models.AccountThreshold, body=models.NewThreshold, parameters=(ACCOUNT,),
              errors=(400, 403, 404, 408, 413)),
    Operation("post", "/v1/accounts/{account}/adjustments", "Add or take away, for a reason",
              models.LedgerEntry, 201, models.NewAdjustment, (ACCOUNT, IDEMPOTENCY_KEY), _POST),
    Operation("post", "/v1/accounts/{account}/reversals", "Take an entry back",
              models.Reversed, 201, models.NewReversal, (ACCOUNT, IDEMPOTENCY_KEY), _POST),
    Operation("post", "/v1/transfers", "Move money from a provider to its customer",
              models.Transferred, 201, models.NewTransfer, (IDEMPOTENCY_KEY,), _POST),
)  # fmt: skip


class LedgerPages:
    """Answers about what moved an account, and moves it."""

    def __init__(self, services: HttpServices, access: Access, read_s: float) -> None:
        self._ledger = services.office.ledger
        self._accounts = services.accounts
        self._clock = services.clock
        self._access = access
        self._idempotency = Idempotency(services.office.keys, read_s)
        self._read_s = read_s

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        handlers = (
            self.entries,
            self.entry,
            self.statement,
            self.events,
            self.threshold,
            self.set_threshold,
            self.adjust,
            self.reverse,
            self.transfer,
        )
        yield from zip(OPERATIONS, handlers, strict=True)

    async def entries(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/accounts/{account}/entries: those posted in [from, to)."""
        account = _account(request, viewer)
        names = ("kind", "from", "to", "limit", "cursor")
        found = queries.parameters(request.query, names)
        from_ms, to_ms = queries.time_range(found)
        query = EntryQuery(
            account,
            _kinds(found),
            from_ms,
            to_ms,
            _cursor(found),
            queries.limit(found),
        )
        with self._access.list_request(viewer):
            try:
                page = await _of_account(self._ledger.entries(query))
            except BadCursor as error:
                raise _bad_cursor() from error
        shown = [_entry(entry, viewer) for entry in page.entries]
        return json_reply({"entries": shown, "next_cursor": page.next_cursor})

    async def entry(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/accounts/{account}/entries/{entry}."""
        account = _account(request, viewer)
        queries.parameters(request.query, ())
        text = request.match_info["entry"]
        found = None
        if _WHOLE.fullmatch(text):
            found = await self._ledger.entry(account, int(text))
        if found is None:
            raise Declined(Reason.ENTRY_UNKNOWN, "The account has no such entry.")
        return json_reply(_entry(found, viewer))

    async def statement(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/accounts/{account}/statement: of a month or of [from, to); JSON or CSV."""
        account = _account(request, viewer)
        names = ("month", "from", "to", "format", "entries")
        found = queries.parameters(request.query, names)
        from_ms, to_ms = self._period(found)
        as_csv = _chosen(found, "format", ("json", "csv")) == "csv" or _wants_csv(request, found)
        wanted = as_csv or _chosen(found, "entries", ("true", "false")) == "true"
        entries: list[Entry] = []
        take = partial(_take, entries) if wanted else None
        with self._access.list_request(viewer):
            told = await _of_account(self._ledger.statement(account, from_ms, to_ms, take))
        with_actor = viewer.only_customer is None
        if as_csv:
            body = statement_csv(told, entries, with_actor=with_actor)
            return text_reply(body, "text/csv; charset=utf-8")
        shown = statement_shape(told, entries if wanted else None, with_actor=with_actor)
        return json_reply(shown)

    async def events(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/accounts/{account}/events."""
        account = _account(request, viewer)
        found = queries.parameters(request.query, ("limit", "cursor"))
        most, cursor = queries.limit(found), _cursor(found)
        if cursor is not None and not _WHOLE.fullmatch(cursor):
            raise _bad_cursor()
        before = int(cursor) if cursor else None
        events = await _of_account(self._ledger.events(account, before, most + 1))
        more = str(events[most - 1].id) if len(events) > most else None
        shown = [account_event_shape(event) for event in events[:most]]
        return json_reply({"events": shown, "next_cursor": more})

    async def threshold(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/accounts/{account}/threshold."""
        account = _account(request, viewer)
        queries.parameters(request.query, ())
        return json_reply(threshold_shape(await _of_account(self._ledger.threshold(account))))

    async def set_threshold(self, request: web.Request, viewer: Viewer) -> web.Response:
        """PUT /v1/accounts/{account}/threshold: the same again changes nothing."""
        account = _account(request, viewer)
        queries.parameters(request.query, ())
        _may_manage(viewer, account)
        asked = await body_of(request, models.NewThreshold, self._read_s)
        found = await _of_account(
            self._ledger.set_threshold(account, asked.low_balance, viewer.actor)
        )
        return json_reply(threshold_shape(found))

    async def adjust(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/accounts/{account}/adjustments."""
        account = _account(request, viewer)
        queries.parameters(request.query, ())
        if not viewer.may_create_money:
            raise Problem(
                Code.FORBIDDEN, "Only an admin adjusts; a provider uses POST /v1/transfers."
            )
        asked = await body_of(request, models.NewAdjustment, self._read_s)
        if not asked.amount and not asked.minutes:
            raise Problem(Code.BAD_BODY, "amount: write an amount or minutes other than 0")
        adjustment = Adjustment(
            account=account,
            amount_micros=asked.amount,
            operation_id=await self._idempotency.operation_id(request, viewer),
            actor=viewer.actor,
            reason=asked.reason,
            minutes=asked.minutes,
            force=asked.force,
        )
        entry = await _of_account(self._ledger.adjust(adjustment))
        await self._accounts.bring(entry.account)
        return json_reply(_entry(entry, viewer), HTTPStatus.CREATED)

    async def reverse(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/accounts/{account}/reversals."""
        account = _account(request, viewer)
        queries.parameters(request.query, ())
        _may_manage(viewer, account)
        asked = await body_of(request, models.NewReversal, self._read_s)
        _may_force(viewer, force=asked.force)
        await self._may_reverse(viewer, account, asked.entry)
        reversal = Reversal(
            account=account,
            entry=asked.entry,
            operation_id=await self._idempotency.operation_id(request, viewer),
            actor=viewer.actor,
            reason=asked.reason,
            force=asked.force,
            providers=viewer.providers,
        )
        posted = await _of_account(self._ledger.reverse(reversal))
        for entry in posted:
            await self._accounts.bring(entry.account)
        shown = [_entry(entry, viewer) for entry in posted]
        return json_reply({"entries": shown}, HTTPStatus.CREATED)

    async def _may_reverse(self, viewer: Viewer, account: str, entry: int) -> None:
        """A provider takes back transfers only: to reverse a charge would be to create money."""
        found = await self._ledger.entry(account, entry)
        if found is None:
            raise entry_unknown(account, entry)
        if viewer.token.scope is not Scope.ADMIN and found.kind is not EntryKind.TRANSFER:
            raise Problem(
                Code.FORBIDDEN,
                "Only an admin reverses this kind of entry; a provider moves money with "
                "POST /v1/transfers.",
            )

    async def transfer(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/transfers."""
        queries.parameters(request.query, ())
        asked = await body_of(request, models.NewTransfer, self._read_s)
        seen_provider(viewer, asked.provider)
        if not viewer.acts_for(asked.provider):
            raise Problem(Code.FORBIDDEN, "Transfers need a token of that provider, or of admin.")
        if not viewer.sees(asked.customer):
            raise Declined(Reason.CUSTOMER_UNKNOWN, "Check the customer's id.")
        moved = await self._ledger.transfer(
            Transfer(
                provider=asked.provider,
                customer=asked.customer,
                amount_micros=asked.amount,
                operation_id=await self._idempotency.operation_id(request, viewer),
                actor=viewer.actor,
                reason=asked.reason,
            )
        )
        await self._accounts.bring(moved.credit.account)
        shown = {"debit": _entry(moved.debit, viewer), "credit": _entry(moved.credit, viewer)}
        return json_reply(shown, HTTPStatus.CREATED)

    def _period(self, found: Mapping[str, str]) -> tuple[int, int]:
        """A month, or [from, to): by default the running month up to now."""
        now_ms = self._clock.now_us() // 1000
        if "month" in found:
            if {"from", "to"} & found.keys():
                raise bad_value("month", "give a month, or from and to, not both")
            try:
                month = BillingMonth.parse(found["month"])
            except BadMonth as error:
                raise bad_value("month", str(error)) from error
            return month.from_ms, month.to_ms
        from_ms, to_ms = queries.time_range(found)
        if to_ms is None:
            to_ms = now_ms + 1
        if from_ms is None:
            from_ms = BillingMonth.of(to_ms - 1).from_ms
        if from_ms >= to_ms:
            raise bad_value("from", "must be earlier than to, which is now by default")
        return from_ms, to_ms


def _account(request: web.Request, viewer: Viewer) -> str:
    return seen_account(viewer, request.match_info["account"])


async def _of_account(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except AccountUnknown as error:
        raise account_unknown() from error


def _entry(entry: Entry, viewer: Viewer) -> dict[str, object]:
    return ledger_entry_shape(entry, with_actor=viewer.only_customer is None)


def _may_manage(viewer: Viewer, account: str) -> None:
    if not viewer.manages_account(account):
        whose = "an admin's" if account.startswith(PROVIDER_PREFIX) else "a provider's or admin's"
        raise Problem(Code.FORBIDDEN, f"This needs {whose} token.")


def _may_force(viewer: Viewer, *, force: bool) -> None:
    if force and viewer.token.scope is not Scope.ADMIN:
        raise Problem(Code.FORBIDDEN, "Only an admin takes an account below its limit.")


def _take(entries: list[Entry], _told: Statement, entry: Entry) -> None:
    if len(entries) >= ENTRIES_MAX:
        raise Declined(
            Reason.STATEMENT_TOO_LONG,
            f"There are more than {ENTRIES_MAX} entries: ask for a shorter period, for "
            "entries=false, or read /entries page by page.",
        )
    entries.append(entry)


def _kinds(found: Mapping[str, str]) -> frozenset[EntryKind] | None:
    if "kind" not in found:
        return None
    kind = _chosen(found, "kind", tuple(kind.value for kind in EntryKind))
    return frozenset({EntryKind(kind)})


def _chosen(found: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = found.get(name, allowed[0])
    if text not in allowed:
        raise bad_value(name, f"write one of {', '.join(allowed)}")
    return text


def _wants_csv(request: web.Request, found: Mapping[str, str]) -> bool:
    return "format" not in found and request.headers.get("Accept", "").startswith("text/csv")


def _cursor(found: Mapping[str, str]) -> str | None:
    text = found.get("cursor")
    if text is not None and not 0 < len(text) <= _CURSOR_CHARS_MAX:
        raise _bad_cursor()
    return text


def _bad_cursor() -> Problem:
    return bad_value("cursor", "send next_cursor of the page before, unchanged, or none")
