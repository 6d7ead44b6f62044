"""A CDR as a row of CSV."""

from callserver.adapters.http.shapes import cdr_shape
from callserver.domain.cdr import Cdr
from callserver.domain.csv_text import cell_text
from callserver.domain.money import yuan_text

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
    "arrived_at",
    "rang_at",
    "answered_at",
    "ended_at",
    "billsec",
    "billed_seconds",
    "tariff",
    "tariff_version",
    "included_minutes",
    "fee_yuan",
    "charged_yuan",
    "written_off_yuan",
    "cost_yuan",
    "margin_yuan",
    "disposition",
    "refusal",
    "hangup_cause",
    "hung_up_by",
    "estimated",
)


def cdr_row(cdr: Cdr, *, in_full: bool) -> list[str]:
    """The CDR in the order of COLUMNS; no cell can be taken for a formula by a spreadsheet."""
    shape = cdr_shape(cdr, in_full=in_full, with_cost=True)
    caller, region = shape["caller"], shape["caller"]["region"] or {}
    flat = shape | {
        "caller": caller["number"],
        "caller_kind": caller["kind"],
        "caller_province": region.get("province"),
        "caller_city": region.get("city"),
        "caller_area_code": region.get("area_code"),
        "tariff": cdr.tariff,
        "tariff_version": cdr.tariff_version,
        "fee_yuan": yuan_text(cdr.fee_micros),
        "charged_yuan": yuan_text(cdr.charged_micros),
        "written_off_yuan": yuan_text(cdr.written_off_micros),
        "cost_yuan": _yuan_or_none(cdr.cost_micros),
        "margin_yuan": _yuan_or_none(cdr.margin_micros),
        "estimated": "yes" if cdr.estimated else "no",
    }
    return [_cell(flat[column]) for column in COLUMNS]


def _yuan_or_none(micros: int | None) -> str | None:
    return None if micros is None else yuan_text(micros)


def _cell(value: object) -> str:
    return "" if value is None else cell_text(str(value))
