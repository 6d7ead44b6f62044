"""What one path and method of the API takes and answers: for routing and for /openapi.json."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from callserver.adapters.http.settings import PAGE_DEFAULT, PAGE_MAX


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `place` is path, query or header, `schema` JSON Schema."""

    name: str
    place: str
    required: bool
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One path and method. `errors` are statuses beside 401, 429, 500 and 503."""

    method: str
    path: str
    summary: str
    answer: type[BaseModel] | None
    status: int = 200
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    public: bool = False


TEXT: dict[str, Any] = {"type": "string"}
INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}


def in_path(name: str, schema: dict[str, Any] = TEXT) -> Parameter:
    """A part of the path."""
    return Parameter(name, "path", True, schema)


def in_query(name: str, schema: dict[str, Any] = TEXT, *, required: bool = False) -> Parameter:
    """A query parameter."""
    return Parameter(name, "query", required, schema)


def limit_of(default: int) -> dict[str, Any]:
    """The schema of `limit`."""
    return {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": default}


ACCOUNT = in_path("account")
CALL_ID = in_path("call_id")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key", "header", True, {**TEXT, "pattern": "^[!-~]{1,128}$"}
)
STATE_LIVE = in_query("state", {"const": "live"}, required=True)
DID = in_query("did", {**TEXT, "pattern": r"^400\d{7}$"})
ENDED_FROM = in_query("from", {**INSTANT, "description": "End of the call, from (in)"})
ENDED_TO = in_query("to", {**INSTANT, "description": "End of the call, to (not in)"})
LIMIT = in_query("limit", limit_of(PAGE_DEFAULT))
LIVE_LIMIT = in_query("limit", limit_of(PAGE_MAX))
CURSOR = in_query("cursor", {**TEXT, "maxLength": 200})
