"""The OpenAPI 3.1 document, from the models and the operations of every area."""

from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from callserver.adapters.http import models
from callserver.adapters.http.arrears import OPERATIONS as ARREARS
from callserver.adapters.http.features import OPERATIONS as FEATURES
from callserver.adapters.http.ledger import OPERATIONS as LEDGER
from callserver.adapters.http.months import OPERATIONS as MONTHS
from callserver.adapters.http.number_applications import OPERATIONS as APPLICATIONS
from callserver.adapters.http.numbers import OPERATIONS as NUMBERS
from callserver.adapters.http.operation import (
    ACCOUNT,
    CALL_ID,
    CURSOR,
    DID,
    ENDED_FROM,
    ENDED_TO,
    IDEMPOTENCY_KEY,
    LIMIT,
    LIVE_LIMIT,
    STATE_LIVE,
    Operation,
    Parameter,
)
from callserver.adapters.http.plans import OPERATIONS as PLANS
from callserver.adapters.http.providers import OPERATIONS as PROVIDERS
from callserver.adapters.http.rate import OPERATIONS as RATE
from callserver.adapters.http.tariffs import OPERATIONS as TARIFFS

_SCHEMAS = "#/components/schemas/"

_CALLS = (
    Operation("get", "/v1/accounts/{account}/balance", "The balance now", models.Balance,
              parameters=(ACCOUNT,), errors=(400, 404)),
    Operation("post", "/v1/accounts/{account}/topups", "Put money in", models.Entry, 201,
              models.TopUp, (ACCOUNT, IDEMPOTENCY_KEY), (400, 403, 404, 408, 409, 413)),
    Operation("get", "/v1/calls", "Calls in progress", models.LiveCalls,
              parameters=(STATE_LIVE, DID, LIVE_LIMIT), errors=(400,)),
    Operation("get", "/v1/calls/{call_id}", "One call, live or finished", models.Call,
              parameters=(CALL_ID,), errors=(400, 404)),
    Operation("get", "/v1/cdrs", "Finished calls, the newest first", models.CdrPage,
              parameters=(ENDED_FROM, ENDED_TO, DID, LIMIT, CURSOR), errors=(400,)),
    Operation("get", "/v1/cdrs/{call_id}", "One finished call", models.CorrectedCdr,
              parameters=(CALL_ID,), errors=(400, 404)),
    Operation("get", "/healthz", "Whether the process lives", models.Alive, public=True),
    Operation("get", "/readyz", "Whether calls can be taken", models.Ready, public=True),
    Operation("get", "/metrics", "Prometheus metrics", None, public=True),
    Operation("get", "/openapi.json", "This document", None, public=True),
)  # fmt: skip

# An area's own operations stand beside its handlers; they are added here.
OPERATIONS: tuple[Operation, ...] = (
    *_CALLS,
    *LEDGER,
    *FEATURES,
    *PLANS,
    *PROVIDERS,
    *MONTHS,
    *NUMBERS,
    *APPLICATIONS,
    *TARIFFS,
    *RATE,
    *ARREARS,
)


def document() -> dict[str, Any]:
    """The whole document."""
    wanted = {models.Problem, *(o.answer for o in OPERATIONS), *(o.body for o in OPERATIONS)}
    shapes = sorted((model for model in wanted if model), key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "serialization") for model in shapes], ref_template=_SCHEMAS + "{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "callserver",
            "version": version("callserver"),
            "description": "Balances, live calls and rated CDRs of 400 numbers.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method}{operation.path}".translate(_TO_NAME).rstrip("_"),
        "responses": _responses(operation),
    }
    if operation.parameters:
        shown["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.body:
        shown["requestBody"] = {"required": True, "content": _json(operation.body)}
    if operation.public:
        shown["security"] = []
    return shown


_TO_NAME = str.maketrans({"/": "_", "{": None, "}": None, ".": "_"})


def _parameter(each: Parameter) -> dict[str, Any]:
    return {
        "name": each.name,
        "in": each.place,
        "required": each.required,
        "schema": each.schema,
    }


def _json(model: type[BaseModel], kind: str = "application/json") -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _SCHEMAS + model.__name__}}}


def _responses(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": operation.summary}
    if operation.answer:
        answer["content"] = _json(operation.answer)
    responses = {str(operation.status): answer}
    if operation.path == "/readyz":
        return {**responses, "503": {**answer, "description": "Not ready"}}
    if not operation.public:
        problem = _json(models.Problem, "application/problem+json")
        for status in sorted({*operation.errors, 401, 429, 500, 503}):
            responses[str(status)] = {"description": "A problem", "content": problem}
    return responses
