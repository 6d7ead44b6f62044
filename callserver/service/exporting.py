"""Writes business data as files that import back to no change."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from callserver.domain.business import Catalogue
from callserver.domain.money import short_yuan
from callserver.domain.tariff import TariffVersion
from callserver.service.import_kinds import KINDS, Kind

Cell = str | int
Cells = Mapping[str, Cell]


def export_toml(catalogue: Catalogue) -> Iterator[str]:
    """The whole catalogue as TOML, a record at a time."""
    for kind in KINDS.values():
        for cells in _ROWS[kind.name](catalogue):
            lines = (f"{key} = {_toml(value)}\n" for key, value in cells.items())
            yield f"[[{kind.name}]]\n{''.join(lines)}\n"


def export_csv(catalogue: Catalogue, kind: Kind) -> Iterator[str]:
    """One kind as CSV, a line at a time, with all columns."""
    yield _csv_line(kind.fields)
    for cells in _ROWS[kind.name](catalogue):
        yield _csv_line(str(cells.get(key, "")) for key in kind.fields)


def _providers(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.providers.values():
        yield _given(id=each.id, name=each.name, parent=each.parent)


def _tariffs(catalogue: Catalogue) -> Iterator[Cells]:
    for versions in catalogue.tariffs.values():
        for each in sorted(versions, key=lambda version: version.version):
            # A lone first version is undated: it has always been in effect.
            dated = len(versions) > 1 or each.effective_from_ms > 0
            yield _tariff(each, _moment(each.effective_from_ms) if dated else None)


def _tariff(each: TariffVersion, effective_from: str | None) -> Cells:
    return _given(
        id=each.tariff,
        effective_from=effective_from,
        rate=short_yuan(each.rate_micros),
        initial_increment_s=each.initial_increment_s,
        increment_s=each.increment_s,
        connection_fee=short_yuan(each.connection_fee_micros),
        minimum_charge=short_yuan(each.minimum_charge_micros),
        free_s=each.free_s,
        precision=short_yuan(each.precision_micros),
    )


def _customers(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.customers.values():
        credit, allowance = each.credit_limit_micros, each.local_allowance_micros
        yield _given(
            id=each.id,
            name=each.name,
            provider=each.provider,
            tariff=each.tariff,
            billing=each.billing.value,
            credit_limit=short_yuan(credit) if credit else None,
            local_allowance=short_yuan(allowance) if allowance else None,
        )


def _dids(catalogue: Catalogue) -> Iterator[Cells]:
    for each in catalogue.dids.values():
        yield _given(
            number=each.number,
            customer=each.customer,
            state=each.state.value,
            calls_max=each.calls_max or None,
            tariff=each.tariff,
        )


def _destinations(catalogue: Catalogue) -> Iterator[Cells]:
    for did in catalogue.dids.values():
        for each in did.destinations:
            yield _given(
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
            yield _given(
                customer=each.customer, did=each.did, kind=each.kind.value, value=each.value
            )


_ROWS: Mapping[str, Callable[[Catalogue], Iterator[Cells]]] = {
    "provider": _providers,
    "tariff": _tariffs,
    "customer": _customers,
    "did": _dids,
    "destination": _destinations,
    "blacklist": _blacklist,
}


def _given(**cells: Cell | None) -> Cells:
    return {key: value for key, value in cells.items() if value is not None}


def _moment(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _toml(value: Cell) -> str:
    """JSON's strings are TOML's basic strings, once DEL is escaped too."""
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
