"""A CDR as JSON and as a row of CSV."""

from typing import Any

from callserver.cli.instants import instant_text
from callserver.domain.cdr import Cdr
from callserver.domain.money import money_json, yuan_text
from callserver.domain.number import mask

COLUMNS = (
    "call_id",
    "pbx",
    "uniqueid",
    "did",
    "customer",
    "provider",
    "caller",
    "caller_kind",
    "caller_province",
    "caller_city",
    "caller_area_code",
    "destination",
    "arrived",
    "rang",
    "answered",
    "ended",
    "billsec",
    "billed_seconds",
    "tariff",
    "tariff_version",
    "fee_yuan",
    "charged_yuan",
    "written_off_yuan",
    "disposition",
    "refusal",
    "hangup_cause",
    "hung_up_by",
    "estimated",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cdr_json(cdr: Cdr, full_caller: bool) -> dict[str, Any]:
    """The CDR with money and instants as the HTTP API has them."""
    region = cdr.caller.region
    return {
        "call_id": cdr.call_id,
        "pbx": cdr.pbx,
        "uniqueid": cdr.uniqueid,
        "linkedid": cdr.linkedid,
        "did": cdr.did,
        "customer": cdr.customer,
        "provider": cdr.provider,
        "account": cdr.account,
        "caller": {
            "number": cdr.caller.number if full_caller else mask(cdr.caller.number),
            "kind": cdr.caller.kind.value,
            "region": region
            and {"province": region.province, "city": region.city, "area_code": region.area_code},
        },
        "destination": cdr.destination,
        "attempts": [
            {
                "line": attempt.line,
                "destination": attempt.destination,
                "result": attempt.result,
                "hangup_cause": attempt.hangup_cause,
                "ring_ms": attempt.ring_ms,
            }
            for attempt in cdr.attempts
        ],
        "arrived": instant_text(cdr.arrived_ms),
        "rang": instant_text(cdr.rang_ms),
        "answered": instant_text(cdr.answered_ms),
        "ended": instant_text(cdr.ended_ms),
        "billsec": cdr.billsec,
        "billed_seconds": cdr.billed_s,
        "tariff": cdr.tariff,
        "tariff_version": cdr.tariff_version,
        "fee": money_json(cdr.fee_micros),
        "charged": money_json(cdr.charged_micros),
        "written_off": money_json(cdr.written_off_micros),
        "fee_lines": list(cdr.fee_lines),
        "disposition": cdr.disposition.value,
        "refusal": cdr.refusal,
        "hangup_cause": cdr.hangup_cause,
        "hung_up_by": cdr.hung_up_by.value,
        "end_source": cdr.end_source.value,
        "estimated": cdr.estimated,
    }


def cdr_row(cdr: Cdr, full_caller: bool) -> list[str]:
    """The CDR in the order of COLUMNS; no cell can be taken for a formula by a spreadsheet."""
    shape = cdr_json(cdr, full_caller)
    caller, region = shape["caller"], shape["caller"]["region"] or {}
    flat = shape | {
        "caller": caller["number"],
        "caller_kind": caller["kind"],
        "caller_province": region.get("province"),
        "caller_city": region.get("city"),
        "caller_area_code": region.get("area_code"),
        "fee_yuan": yuan_text(cdr.fee_micros),
        "charged_yuan": yuan_text(cdr.charged_micros),
        "written_off_yuan": yuan_text(cdr.written_off_micros),
        "estimated": "yes" if cdr.estimated else "no",
    }
    return [_cell(flat[column]) for column in COLUMNS]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
