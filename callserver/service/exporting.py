"""Writes business data as files that import back to no change."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from callserver.domain.band import Band
from callserver.domain.business import Catalogue
from callserver.domain.money import short_yuan
from callserver.domain.offers import Offers
from callserver.domain.rating import clock
from callserver.domain.tariff import TariffVersion
from callserver.service.export_cells import Cell, Cells, given
from callserver.service.export_offers import OFFER_ROWS
from callserver.service.import_kinds import KINDS, Kind

_BAND = "tariff_band"


def export_toml(catalogue: Catalogue, offers: Offers | None = None) -> Iterator[str]:
    """The whole catalogue as TOML, a record at a time."""
    for kind in KINDS.values():
        if kind.name == _BAND:  # each stands under its tariff
            continue
        if kind.name == "tariff":
            yield from _tariff_records(catalogue)
            continue
        for cells in _rows(kind, catalogue, offers):
            yield _record(kind.name, cells)


def _rows(kind: Kind, catalogue: Catalogue, offers: Offers | None) -> Iterator[Cells]:
    if kind.name in OFFER_ROWS:
        return OFFER_ROWS[kind.name](offers or Offers())
    return _ROWS[kind.name](catalogue)


def _tariff_records(catalogue: Catalogue) -> Iterator[str]:
    for each, effective_from in _dated(catalogue):
        yield _record("tariff", _tariff(each, effective_from))
        for band in each.bands:
            yield _record("tariff.band", _band(band))


def _record(header: str, cells: Cells) -> str:
    lines = (f"{key} = {_toml(value)}\n" for key, value in cells.items())
    return f"[[{header}]]\n{''.join(lines)}\n"


def export_csv(catalogue: Catalogue, kind: Kind, offers: Offers | None = None) -> Iterator[str]:
    """One kind as CSV, a line at a time, with all columns."""
    yield _csv_line(kind.fields)
    for cells in _rows(kind, catalogue, offers):
        yield _csv_line(_csv_cell(cells.get(key, "")) for key in kind.fields)


def _providers(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.providers.values():
        yield given(
            id=each.id,
            name=each.name,
            parent=each.parent,
            tariff=each.tariff,
            cost_tariff=each.cost_tariff,
            commission=each.commission,
        )


def _dated(catalogue: Catalogue) -> Iterator[tuple[TariffVersion, str | None]]:
    """Every version with its moment; a lone first one is undated: it has always been in effect."""
    for versions in catalogue.tariffs.values():
        for each in sorted(versions, key=lambda version: version.version):
            dated = len(versions) > 1 or each.effective_from_ms > 0
            yield each, _moment(each.effective_from_ms) if dated else None


def _tariffs(catalogue: Catalogue) -> Iterator[Cells]:
    for each, effective_from in _dated(catalogue):
        yield _tariff(each, effective_from)


def _tariff(each: TariffVersion, effective_from: str | None) -> Cells:
    return given(
        id=each.tariff,
        effective_from=effective_from,
        rate=short_yuan(each.rate_micros),
        initial_increment_s=each.initial_increment_s,
        increment_s=each.increment_s,
        connection_fee=short_yuan(each.connection_fee_micros),
        minimum_charge=short_yuan(each.minimum_charge_micros),
        cap=None if each.cap_micros is None else short_yuan(each.cap_micros),
        free_s=each.free_s,
        precision=short_yuan(each.precision_micros),
    )


def _bands(catalogue: Catalogue) -> Iterator[Cells]:
    for each, effective_from in _dated(catalogue):
        for band in each.bands:
            own = given(tariff=each.tariff, effective_from=effective_from)
            yield {**own, **_band(band)}


def _band(band: Band) -> Cells:
    return given(
        **{
            "name": band.name or None,
            "rate": short_yuan(band.rate_micros),
            "from": None if band.from_s is None else clock(band.from_s),
            "to": None if band.to_s is None else clock(band.to_s),
            "days": band.days or None,
            "provinces": band.provinces or None,
            "area_codes": band.area_codes or None,
            "caller_kinds": band.caller_kinds or None,
            "caller_prefixes": band.caller_prefixes or None,
            "destination_prefixes": band.destination_prefixes or None,
        }
    )


def _holidays(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.holidays.values():
        yield given(date=each.day.isoformat(), kind=each.kind.value, name=each.name or None)


def _customers(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.customers.values():
        credit, allowance = each.credit_limit_micros, each.local_allowance_micros
        yield given(
            id=each.id,
            name=each.name,
            provider=each.provider,
            tariff=each.tariff,
            billing=each.billing.value,
            credit_limit=short_yuan(credit) if credit else None,
            local_allowance=short_yuan(allowance) if allowance else None,
            precision=short_yuan(each.precision_micros) if each.precision_micros else None,
        )


def _dids(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.dids.values():
        yield given(
            number=each.number,
            customer=each.customer,
            state=each.state.value,
            calls_max=each.calls_max or None,
            tariff=each.tariff,
        )


def _destinations(catalogue: Catalogue) -> Iterator[Cells]:
    for did in catalogue.dids.values():
        for each in did.destinations:
            yield given(
                did=did.number,
                number=each.number,
                trunk=each.trunk,
                ring_s=each.ring_s,
                calls_max=each.calls_max or None,
            )


def _blacklist(catalogue: Catalogue) -> Iterator[Cells]:
    """Without what a customer once blocked on a number that is another's now: it blocks nobody."""
    for entries in catalogue.blacklist.values():
        for each in entries:
            if each.did is not None and catalogue.dids[each.did].customer != each.customer:
                continue
            yield given(
                customer=each.customer, did=each.did, kind=each.kind.value, value=each.value
            )


_ROWS: Mapping[str, Callable[[Catalogue], Iterator[Cells]]] = {
    "provider": _providers,
    "tariff": _tariffs,
    _BAND: _bands,
    "customer": _customers,
    "did": _dids,
    "destination": _destinations,
    "blacklist": _blacklist,
    "holiday": _holidays,
}


def _moment(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _toml(value: Cell) -> str:
    """JSON's strings are TOML's basic strings, once DEL is escaped too."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _csv_cell(value: Cell) -> str:
    return ";".join(value) if isinstance(value, tuple) else str(value)


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
