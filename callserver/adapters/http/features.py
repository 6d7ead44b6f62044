"""/v1/features, a number's features, a provider's deductions, and reconciliation [R2]."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

from aiohttp import web

from callserver.adapters.http import feature_models as models
from callserver.adapters.http.access import Viewer
from callserver.adapters.http.bodies import body_of
from callserver.adapters.http.feature_shapes import (
    activation_shape,
    deduction_shape,
    note_shape,
    provider_day_shape,
    version_shape,
)
from callserver.adapters.http.idempotency import Idempotency
from callserver.adapters.http.operation import (
    CURSOR,
    DID,
    IDEMPOTENCY_KEY,
    LIMIT,
    TEXT,
    Operation,
    in_path,
    in_query,
)
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.queries import did as did_of
from callserver.adapters.http.queries import limit, parameters
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.billing_month import FIRST_YEAR, LAST_YEAR
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import Activation, FeatureVersion
from callserver.domain.periods import Cycle
from callserver.ports.features import ActivationQuery, DeductionQuery

_ID = re.compile(r"\d{1,18}", re.ASCII)
_DAY: dict[str, Any] = {**TEXT, "format": "date"}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 1}
_BOOLEAN: dict[str, Any] = {"enum": ["true", "false"], "default": "false"}
_NUMBER = in_path("did", {**TEXT, "pattern": r"^400\d{7}$"})
_PROVIDER = in_path("provider")
_ACTIVATION = in_path("activation", _WHOLE)
_DEDUCTION = in_path("deduction", _WHOLE)
_POST = (400, 403, 404, 408, 409, 413)

OPERATIONS = (
    Operation("get", "/v1/features", "The catalogue of features", models.FeatureCatalogue,
              errors=(400, 403)),
    Operation("post", "/v1/features", "Add a feature, or a new fee of one",
              models.FeatureVersion, 201, models.NewFeature, (IDEMPOTENCY_KEY,), _POST),
    Operation("get", "/v1/numbers/{did}/features", "Features of a number", models.Activations,
              parameters=(_NUMBER, in_query("ended", _BOOLEAN)), errors=(400, 404)),
    Operation("post", "/v1/numbers/{did}/features", "Switch a feature on: its provider pays today",
              models.Activation, 201, models.WantedFeature, (_NUMBER, IDEMPOTENCY_KEY), _POST),
    Operation("post", "/v1/numbers/{did}/features/{activation}/deactivate",
              "Switch a feature off; nothing is paid back", models.Activation,
              parameters=(_NUMBER, _ACTIVATION, IDEMPOTENCY_KEY), errors=_POST),
    Operation("post", "/v1/numbers/{did}/features/{activation}/fail",
              "It never worked: the fee goes back to the provider", models.Activation,
              body=models.Failure, parameters=(_NUMBER, _ACTIVATION, IDEMPOTENCY_KEY),
              errors=_POST),
    Operation("get", "/v1/providers/{provider}/deductions", "What was taken, the newest first",
              models.DeductionPage, errors=(400, 404),
              parameters=(_PROVIDER, in_query("from", _DAY), in_query("to", _DAY), DID, LIMIT,
                          CURSOR)),
    Operation("get", "/v1/providers/{provider}/deductions/{deduction}",
              "One deduction and its dispute", models.DisputedDeduction,
              parameters=(_PROVIDER, _DEDUCTION), errors=(400, 404)),
    Operation("post", "/v1/providers/{provider}/deductions/{deduction}/notes",
              "Dispute a deduction, add to a dispute, or resolve it", models.DisputeNote, 201,
              models.NewNote, (_PROVIDER, _DEDUCTION, IDEMPOTENCY_KEY), _POST),
    Operation("get", "/v1/reconciliation", "A day's deductions beside the ledger's debits",
              models.Reconciliation, errors=(400, 403, 404),
              parameters=(in_query("day", _DAY), in_query("provider"))),
)  # fmt: skip


class FeaturePages:
    """Answers about features."""

    def __init__(self, services: HttpServices, read_s: float) -> None:
        self._features = services.office.features
        self._idempotency = Idempotency(services.office.keys, read_s)
        self._read_s = read_s

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        handlers = (
            self.catalogue,
            self.add,
            self.of_number,
            self.activate,
            self.deactivate,
            self.fail,
            self.deductions,
            self.deduction,
            self.note,
            self.reconciliation,
        )
        yield from zip(OPERATIONS, handlers, strict=True)

    async def catalogue(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/features."""
        _not_customers(viewer)
        parameters(request.query, ())
        versions = await self._features.catalogue()
        return json_reply({"features": [version_shape(each) for each in versions]})

    async def add(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/features."""
        _admin(viewer)
        parameters(request.query, ())
        body = await body_of(request, models.NewFeature, self._read_s)
        await self._idempotency.operation_id(request, viewer)  # a version is its own: same, or 409
        wanted = FeatureVersion(
            feature=body.feature,
            name=body.name or body.feature,
            cycle=Cycle(body.cycle),
            version=0,
            effective_from=body.effective_from or self._features.today(),
            fee_micros=body.fee,
        )
        added = await self._features.add(wanted, viewer.actor)
        return json_reply(version_shape(added), HTTPStatus.CREATED)

    async def of_number(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/numbers/{did}/features."""
        number = await self._number(request, viewer)
        found = parameters(request.query, ("ended",))
        if found.get("ended", "false") not in {"true", "false"}:
            raise bad_value("ended", "write true or false")
        rows = await self._features.activations(
            ActivationQuery(did=number, ended=found.get("ended") == "true")
        )
        shown = [activation_shape(row) for row in rows if viewer.sees(row.customer)]
        return json_reply({"activations": shown})

    async def activate(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/features."""
        _acts(viewer)
        number = await self._number(request, viewer)
        parameters(request.query, ())
        body = await body_of(request, models.WantedFeature, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        found = await self._features.activate(number, body.feature, operation_id, viewer.actor)
        return json_reply(activation_shape(found), HTTPStatus.CREATED)

    async def deactivate(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/features/{activation}/deactivate."""
        _acts(viewer)
        parameters(request.query, ())
        activation = await self._activation(request, viewer)
        operation_id = await self._idempotency.operation_id(request, viewer)
        found = await self._features.deactivate(activation.id, operation_id, viewer.actor)
        return json_reply(activation_shape(found))

    async def fail(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/numbers/{did}/features/{activation}/fail: money goes back, so admin only."""
        _admin(viewer)
        parameters(request.query, ())
        activation = await self._activation(request, viewer)
        body = await body_of(request, models.Failure, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        found = await self._features.fail(activation.id, body.reason, operation_id, viewer.actor)
        return json_reply(activation_shape(found))

    async def deductions(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers/{provider}/deductions."""
        provider = _provider(request.match_info["provider"], viewer)
        found = parameters(request.query, ("from", "to", "did", "limit", "cursor"))
        most = limit(found)
        query = DeductionQuery(
            providers=frozenset((provider,)),
            did=did_of(found),
            from_day=day_of(found, "from"),
            to_day=day_of(found, "to"),
            before_id=_number_of("cursor", found["cursor"]) if "cursor" in found else None,
            limit=most + 1,
        )
        rows = await self._features.deductions(query)
        following = str(rows[most - 1].id) if len(rows) > most else None
        shown = [deduction_shape(row) for row in rows[:most]]
        return json_reply({"deductions": shown, "next_cursor": following})

    async def deduction(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/providers/{provider}/deductions/{deduction}."""
        parameters(request.query, ())
        row = await self._deduction(request, viewer)
        notes = await self._features.notes(row)
        found = await self._features.deduction(row)
        return json_reply(
            {"deduction": deduction_shape(found), "notes": [note_shape(note) for note in notes]}
        )

    async def note(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/providers/{provider}/deductions/{deduction}/notes."""
        _acts(viewer)
        parameters(request.query, ())
        row = await self._deduction(request, viewer)
        body = await body_of(request, models.NewNote, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        note = await self._features.dispute(
            row, body.text, operation_id, viewer.actor, resolves=body.resolves
        )
        return json_reply(note_shape(note), HTTPStatus.CREATED)

    async def reconciliation(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/reconciliation?day=2026-11-21&provider=north."""
        _not_customers(viewer)
        found = parameters(request.query, ("day", "provider"))
        day = day_of(found, "day") or self._features.today()
        provider = found.get("provider")
        if provider is not None:
            _provider(provider, viewer)
        days = await self._features.reconcile(day, provider)
        seen = [each for each in days if viewer.sees_provider(each.provider)]
        return json_reply(
            {
                "day": day.isoformat(),
                "agrees": all(each.agrees for each in seen),
                "providers": [provider_day_shape(each) for each in seen],
            }
        )

    async def _number(self, request: web.Request, viewer: Viewer) -> str:
        """The number of the path, if the bearer sees who has it now."""
        number = request.match_info["did"]
        did_of({"did": number})
        customer = await self._features.customer_of(number)
        if customer is None or not viewer.sees(customer):
            raise Declined(Reason.NUMBER_UNKNOWN, f"No customer has the number {number}.")
        return number

    async def _activation(self, request: web.Request, viewer: Viewer) -> Activation:
        """The activation of the path, which must be of that number."""
        wanted = _number_of("activation", request.match_info["activation"])
        found = await self._features.activation(wanted)
        if found.did != request.match_info["did"] or not viewer.sees(found.customer):
            raise Declined(Reason.ACTIVATION_UNKNOWN, f"There is no activation {wanted}.")
        return found

    async def _deduction(self, request: web.Request, viewer: Viewer) -> int:
        """The deduction of the path, which must be of that provider."""
        provider = _provider(request.match_info["provider"], viewer)
        wanted = _number_of("deduction", request.match_info["deduction"])
        found = await self._features.deduction(wanted)
        if found.provider != provider:
            raise Declined(Reason.DEDUCTION_UNKNOWN, f"There is no deduction {wanted}.")
        return wanted


def day_of(found: Mapping[str, str], name: str) -> date | None:
    """A day such as `2026-11-21`, if one was given."""
    text = found.get(name)
    try:
        day = date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise bad_value(name, "write a day such as 2026-11-21") from error
    if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise bad_value(name, f"write a day of {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _number_of(name: str, text: str) -> int:
    if not _ID.fullmatch(text):
        raise bad_value(name, "write a whole number")
    return int(text)


def _provider(provider: str, viewer: Viewer) -> str:
    if not viewer.sees_provider(provider):
        raise Declined(Reason.PROVIDER_UNKNOWN, "Check the id; another's looks the same.")
    return provider


def _not_customers(viewer: Viewer) -> None:
    if viewer.token.scope is Scope.CUSTOMER:
        raise Problem(Code.FORBIDDEN, "What features cost is between the operator and providers.")


def _acts(viewer: Viewer) -> None:
    if viewer.token.scope not in {Scope.PROVIDER, Scope.ADMIN}:
        raise Problem(Code.FORBIDDEN, "This needs a token of scope provider or admin.")


def _admin(viewer: Viewer) -> None:
    if viewer.token.scope is not Scope.ADMIN:
        raise Problem(Code.FORBIDDEN, "This needs a token of scope admin.")
