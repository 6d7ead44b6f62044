"""/v1/rate: what a call would cost."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from callserver.adapters.http import queries
from callserver.adapters.http import tariff_models as models
from callserver.adapters.http.access import Viewer
from callserver.adapters.http.operation import DID, INSTANT, TEXT, Operation, in_query
from callserver.adapters.http.problems import bad_value
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.business import Catalogue
from callserver.domain.declined import Declined, Reason
from callserver.domain.tariff_seen import tariffs_seen
from callserver.service.quotes import (
    SECONDS_MAX,
    BadEnquiry,
    Enquiry,
    Quote,
    Terms,
    quote_json,
    terms_of_customer,
    terms_of_number,
    terms_of_tariff,
)

_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_WHAT = ("did", "customer", "tariff")
_NAMES = (*_WHAT, "seconds", "from", "to", "at", "included_minutes", "area_code")
_CALLER: dict[str, Any] = {**TEXT, "description": "The caller as a trunk presents it; + is %2B"}
_LINE: dict[str, Any] = {**TEXT, "description": "The line that answers; else the number's first"}
_AT: dict[str, Any] = {**INSTANT, "description": "The answer; else now"}
_AREA: dict[str, Any] = {**TEXT, "description": "Of callers who come without one"}

OPERATIONS = (
    Operation("get", "/v1/rate", "What a call would cost, with its arithmetic", models.Quote,
              parameters=(
                  DID,
                  in_query("customer"),
                  in_query("tariff"),
                  in_query("seconds", {"type": "integer", "minimum": 0, "maximum": SECONDS_MAX},
                           required=True),
                  in_query("from", _CALLER),
                  in_query("to", _LINE),
                  in_query("at", _AT),
                  in_query("included_minutes", {"type": "integer", "minimum": 0, "default": 0}),
                  in_query("area_code", _AREA),
              ), errors=(400, 404, 409)),
)  # fmt: skip


class RatePages:
    """Answers about calls that are not made."""

    def __init__(self, services: HttpServices) -> None:
        self._catalogue = services.catalogue
        self._clock = services.clock
        self._quotes = services.quotes

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        yield from zip(OPERATIONS, (self.rate,), strict=True)

    async def rate(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/rate. Moves nothing; what does not concern the bearer is as good as none."""
        found = queries.parameters(request.query, _NAMES)
        queries.did(found)
        at_ms = queries.instant_ms("at", found.get("at"))
        if at_ms is None:
            at_ms = self._clock.now_us() // 1000
        what, name = _subject(found, viewer)
        try:
            enquiry = _enquiry(found, at_ms)
            quote = await asyncio.to_thread(self._quote, what, name, enquiry, viewer)
        except BadEnquiry as wrong:
            raise bad_value(wrong.part.replace("-", "_"), wrong.what) from None
        with_cost = viewer.sees_cost and what != "tariff"
        return json_reply(quote_json(quote, with_cost=with_cost))

    def _quote(self, what: str, name: str, enquiry: Enquiry, viewer: Viewer) -> Quote:
        terms = _seen_terms(self._catalogue(), what, name, enquiry.at_ms, viewer)
        return self._quotes.price(terms, enquiry)


def _subject(found: Mapping[str, str], viewer: Viewer) -> tuple[str, str]:
    """What is asked for, and its name; a customer asks for itself where nothing is named."""
    given = [(what, found[what]) for what in _WHAT if what in found]
    if len(given) > 1:
        raise bad_value(given[1][0], f"give one of {', '.join(_WHAT)}")
    if given:
        return given[0]
    if viewer.only_customer is None:
        raise bad_value("did", f"give one of {', '.join(_WHAT)}")
    return "customer", viewer.only_customer


def _enquiry(found: Mapping[str, str], at_ms: int) -> Enquiry:
    """Raises Problem (400) and BadEnquiry."""
    for name in ("from", "to"):
        if found.get(name, "").startswith(" "):
            raise bad_value(name, "begins with a space; a + must be sent as %2B")
    return Enquiry(
        seconds=_whole("seconds", found.get("seconds")),
        at_ms=at_ms,
        caller=found.get("from", ""),
        destination=found.get("to", ""),
        area_code=found.get("area_code", ""),
        minutes=_whole("included_minutes", found.get("included_minutes", "0")),
    )


def _whole(name: str, text: str | None) -> int:
    if text is None or not _WHOLE.fullmatch(text):
        raise bad_value(name, f"write a whole number from 0 to {SECONDS_MAX}")
    return int(text)


def _seen_terms(catalogue: Catalogue, what: str, name: str, at_ms: int, viewer: Viewer) -> Terms:
    """Raises Declined, for another's as for one that does not exist."""
    if what == "did":
        did = catalogue.dids.get(name)
        if did is None or not viewer.sees(did.customer):
            raise Declined(Reason.NUMBER_UNKNOWN, "Check it; another's number looks the same.")
        return terms_of_number(catalogue, name, at_ms)
    if what == "customer":
        if name not in catalogue.customers or not viewer.sees(name):
            raise Declined(Reason.CUSTOMER_UNKNOWN, "Check its id; another's looks the same.")
        return terms_of_customer(catalogue, name, at_ms)
    if name not in tariffs_seen(catalogue, viewer.customers, viewer.providers):
        raise Declined(Reason.TARIFF_UNKNOWN, "Check its id; another's looks the same.")
    return terms_of_tariff(catalogue, name, at_ms)
