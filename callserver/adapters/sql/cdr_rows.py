"""A CDR as rows of `cdr`, `cdr_key`, `cdr_caller` and `ledger_entry`, and back."""

import orjson

from callserver.adapters.sql.schema import AnyRow
from callserver.domain.call import Attempt, EndSource, HungUpBy
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.cdr import Cdr, Disposition
from callserver.domain.ledger import EntryKind
from callserver.domain.region import Region

CDR_COLUMNS = (
    "ended_ms", "token_hash", "call_id", "pbx", "uniqueid", "linkedid", "did", "customer",
    "provider", "account", "destination", "attempts", "arrived_ms", "rang_ms", "answered_ms",
    "billsec", "billed_s", "tariff", "tariff_version", "fee_micros", "charged_micros",
    "written_off_micros", "fee_lines", "disposition", "refusal", "hangup_cause", "hung_up_by",
    "end_source", "included_minutes", "cost_micros",
)  # fmt: skip
KEY_COLUMNS = ("token_hash", "ended_ms")
CALLER_COLUMNS = ("ended_ms", "call_id", "number", "kind", "province", "city", "area_code")
ENTRY_COLUMNS = (
    "account", "kind", "amount_micros", "operation_id", "call_id", "actor", "reason", "created_ms",
    "minutes",
)  # fmt: skip

_ACTOR = "meter"
_CALL = EntryKind.CALL.value
_NO_REGION = (None, None, None)


def key_row(cdr: Cdr) -> tuple[object, ...]:
    """In the order of KEY_COLUMNS."""
    return (cdr.token_hash, cdr.ended_ms)


def cdr_row(cdr: Cdr) -> tuple[object, ...]:
    """In the order of CDR_COLUMNS."""
    return (
        cdr.ended_ms,
        cdr.token_hash,
        cdr.call_id,
        cdr.pbx,
        cdr.uniqueid,
        cdr.linkedid,
        cdr.did,
        cdr.customer,
        cdr.provider,
        cdr.account,
        cdr.destination,
        orjson.dumps(cdr.attempts).decode() if cdr.attempts else "[]",
        cdr.arrived_ms,
        cdr.rang_ms,
        cdr.answered_ms,
        cdr.billsec,
        cdr.billed_s,
        cdr.tariff,
        cdr.tariff_version,
        cdr.fee_micros,
        cdr.charged_micros,
        cdr.written_off_micros,
        orjson.dumps(cdr.fee_lines).decode() if cdr.fee_lines else "[]",
        cdr.disposition,
        cdr.refusal,
        cdr.hangup_cause,
        cdr.hung_up_by,
        cdr.end_source,
        cdr.included_minutes,
        cdr.cost_micros,
    )


def caller_row(cdr: Cdr) -> tuple[object, ...]:
    """In the order of CALLER_COLUMNS."""
    caller = cdr.caller
    region = caller.region
    place = (region.province, region.city, region.area_code) if region else _NO_REGION
    return (cdr.ended_ms, cdr.call_id, caller.number, caller.kind, *place)


def has_entry(cdr: Cdr) -> bool:
    """Whether money or minutes moved, so that the ledger has an entry of it."""
    return cdr.account is not None and bool(cdr.charged_micros or cdr.included_minutes)


def entry_row(cdr: Cdr, now_ms: int) -> tuple[object, ...]:
    """In the order of ENTRY_COLUMNS; the operation id makes a second entry impossible."""
    return (
        cdr.account,
        _CALL,
        -cdr.charged_micros,
        f"call:{cdr.token_hash}",
        cdr.call_id,
        _ACTOR,
        "",
        now_ms,
        -cdr.included_minutes,
    )


def read_cdr(row: AnyRow) -> Cdr:
    """A row of `cdr` with the columns of `cdr_caller` as `caller_…` (NULL: deleted by schedule)."""
    raw = dict(row._mapping)
    number, kind = raw.pop("caller_number"), raw.pop("caller_kind")
    place = [raw.pop(f"caller_{name}") for name in ("province", "city", "area_code")]
    raw["caller"] = Caller(
        number or "",
        CallerKind(kind) if kind else CallerKind.UNKNOWN,
        None if place[0] is None else Region(*place),
    )
    raw["attempts"] = tuple(Attempt(**attempt) for attempt in orjson.loads(raw["attempts"]))
    raw["fee_lines"] = tuple(orjson.loads(raw["fee_lines"]))
    raw["disposition"] = Disposition(raw["disposition"])
    raw["hung_up_by"] = HungUpBy(raw["hung_up_by"])
    raw["end_source"] = EndSource(raw["end_source"])
    return Cdr(**raw)
