"""Every error as RFC 9457 `application/problem+json` with a stable `code`."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

import orjson
from aiohttp import web

from callserver.adapters.http.replies import SAFE_HEADERS
from callserver.domain.declined import Declined

CONTENT_TYPE = "application/problem+json"


class Code(StrEnum):
    """What went wrong, for machines; docs/api.md explains each."""

    BAD_REQUEST = "bad_request"
    BAD_VALUE = "bad_value"
    BAD_BODY = "bad_body"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    ROUTE_UNKNOWN = "route_unknown"
    ACCOUNT_UNKNOWN = "account_unknown"
    CALL_UNKNOWN = "call_unknown"
    CDR_UNKNOWN = "cdr_unknown"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_SLOW = "body_too_slow"
    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"


STATUS = {
    Code.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    Code.BAD_VALUE: HTTPStatus.BAD_REQUEST,
    Code.BAD_BODY: HTTPStatus.BAD_REQUEST,
    Code.IDEMPOTENCY_KEY_MISSING: HTTPStatus.BAD_REQUEST,
    Code.IDEMPOTENCY_KEY_REUSED: HTTPStatus.CONFLICT,
    Code.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Code.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Code.ROUTE_UNKNOWN: HTTPStatus.NOT_FOUND,
    Code.ACCOUNT_UNKNOWN: HTTPStatus.NOT_FOUND,
    Code.CALL_UNKNOWN: HTTPStatus.NOT_FOUND,
    Code.CDR_UNKNOWN: HTTPStatus.NOT_FOUND,
    Code.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Code.BODY_TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Code.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.OUTCOME_UNKNOWN: HTTPStatus.SERVICE_UNAVAILABLE,
}
TITLE = {
    Code.BAD_REQUEST: "The request is not valid HTTP",
    Code.BAD_VALUE: "A parameter has a value that cannot be used",
    Code.BAD_BODY: "The body cannot be used",
    Code.IDEMPOTENCY_KEY_MISSING: "An Idempotency-Key header is needed",
    Code.IDEMPOTENCY_KEY_REUSED: "This Idempotency-Key was used for something else",
    Code.UNAUTHENTICATED: "A valid bearer token is needed",
    Code.FORBIDDEN: "This token may not do that",
    Code.ROUTE_UNKNOWN: "There is nothing at this path",
    Code.ACCOUNT_UNKNOWN: "There is no such account",
    Code.CALL_UNKNOWN: "There is no such call",
    Code.CDR_UNKNOWN: "There is no such CDR",
    Code.METHOD_NOT_ALLOWED: "This path does not take that method",
    Code.BODY_TOO_SLOW: "The body took too long to arrive",
    Code.BODY_TOO_LARGE: "The body is too large",
    Code.TOO_MANY_REQUESTS: "Too many requests at once",
    Code.INTERNAL: "The server made a mistake",
    Code.UNAVAILABLE: "A store is away at the moment",
    Code.OUTCOME_UNKNOWN: "A store did not answer in time",
}


class Problem(Exception):
    """An error to answer with. `detail` says what to do about it and holds no secret."""

    def __init__(self, code: Code, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer."""
        return _response(self.code, STATUS[self.code], TITLE[self.code], self.detail, self.headers)


def declined_response(declined: Declined) -> web.Response:
    """A rule of the trade said no: 404 for what does not exist, else 409; `code` is the reason."""
    if declined.reason.endswith("_unknown"):
        return _response(declined.reason, HTTPStatus.NOT_FOUND, "It does not exist", str(declined))
    return _response(declined.reason, HTTPStatus.CONFLICT, "A rule forbids it", str(declined))


def _response(
    code: str,
    status: HTTPStatus,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    body = {
        "type": f"urn:callserver:problem:{code}",
        "title": title,
        "status": int(status),
        "code": str(code),
        "detail": detail,
    }
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers={**SAFE_HEADERS, **(headers or {}), "Content-Type": CONTENT_TYPE},
    )


def bad_value(name: str, what: str) -> Problem:
    """A query parameter or field that cannot be used; `what` says how to write it."""
    return Problem(Code.BAD_VALUE, f"{name}: {what}")


def too_many(what: str) -> Problem:
    """The bearer has too much in progress."""
    return Problem(Code.TOO_MANY_REQUESTS, what, {"Retry-After": "1"})


def away(detail: str) -> Problem:
    """Redis or SQL is away."""
    return Problem(Code.UNAVAILABLE, detail, {"Retry-After": "1"})
