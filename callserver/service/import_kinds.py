"""The kinds of record a file may hold, their fields, and the rows they become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Customer,
    NumberState,
    Provider,
)
from callserver.domain.import_set import DestinationRow, DidRow, ImportSet, TariffRow
from callserver.domain.money import AMOUNT_MICROS_MAX, MICROS_PER_YUAN
from callserver.domain.number import is_destination
from callserver.domain.tariff import PRECISION_MICROS_DEFAULT, TariffVersion
from callserver.service import import_cells as cells

REQUIRED: Final = object()
_RATE_MAX = 1_000 * MICROS_PER_YUAN
_CALLS_MAX = 100_000


class FieldFault(ValueError):
    """Fields that are right alone do not go together; `key` is the one to look at."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record; REQUIRED as default means it must be given."""

    name: str
    check: cells.Checker
    default: object = REQUIRED


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: `[[name]]` in TOML, `plural.csv` as CSV, `plural` in ImportSet."""

    name: str
    plural: str
    fields: Mapping[str, Field]
    build: Callable[[dict[str, Any]], object]
    required: frozenset[str]
    defaults: Mapping[str, object]


def _kind(name: str, plural: str, build: Callable[..., object], *fields_: Field) -> Kind:
    return Kind(
        name,
        plural,
        fields={each.name: each for each in fields_},
        build=lambda row: build(**row),
        required=frozenset(each.name for each in fields_ if each.default is REQUIRED),
        defaults={each.name: each.default for each in fields_ if each.default is not REQUIRED},
    )


def _tariff(*, id: str, effective_from: int | None, **terms: Any) -> TariffRow:  # the file's key
    amounts = {f"{name}_micros": terms.pop(name) for name in _TARIFF_AMOUNTS}
    return TariffRow(TariffVersion(id, 0, 0, **terms, **amounts), effective_from)


_TARIFF_AMOUNTS = ("rate", "connection_fee", "minimum_charge", "precision")


def _customer(*, billing: Billing, credit_limit: int, local_allowance: int, **row: Any) -> Customer:
    if credit_limit and billing is Billing.PREPAID:
        raise FieldFault("credit_limit", "only a postpaid customer has a credit limit")
    if local_allowance and billing is Billing.POSTPAID:
        raise FieldFault("local_allowance", "only a prepaid customer has a local allowance")
    return Customer(
        billing=billing,
        credit_limit_micros=credit_limit,
        local_allowance_micros=local_allowance,
        **row,
    )


def _block(*, kind: BlockKind, value: str, **row: Any) -> BlockEntry:
    fits = {
        BlockKind.NUMBER: is_destination(value),
        BlockKind.AREA_CODE: value.isascii() and value.isdigit() and 3 <= len(value) <= 4,
        BlockKind.PREFIX: value.removeprefix("+").isdigit() and value.isascii() and len(value) < 16,
    }
    if not fits[kind] or (kind is BlockKind.AREA_CODE and not value.startswith("0")):
        raise FieldFault("value", f"{value!r} is not a {kind}: digits, an area code with its 0")
    return BlockEntry(kind=kind, value=value, **row)


KINDS: Mapping[str, Kind] = {
    each.name: each
    for each in (
        _kind(
            "provider",
            "providers",
            Provider,
            Field("id", cells.slug),
            Field("name", cells.name),
            Field("parent", cells.slug, None),
        ),
        _kind(
            "tariff",
            "tariffs",
            _tariff,
            Field("id", cells.slug),
            Field("effective_from", cells.moment, None),
            Field("rate", cells.money(0, _RATE_MAX)),
            Field("initial_increment_s", cells.whole(1, 3600), 60),
            Field("increment_s", cells.whole(1, 3600), 60),
            Field("connection_fee", cells.money(0, _RATE_MAX), 0),
            Field("minimum_charge", cells.money(0, _RATE_MAX), 0),
            Field("free_s", cells.whole(0, 3600), 0),
            Field(
                "precision",
                cells.one_of(PRECISION_MICROS_DEFAULT, 10 * PRECISION_MICROS_DEFAULT),
                PRECISION_MICROS_DEFAULT,
            ),
        ),
        _kind(
            "customer",
            "customers",
            _customer,
            Field("id", cells.slug),
            Field("name", cells.name),
            Field("provider", cells.slug),
            Field("tariff", cells.slug),
            Field("billing", cells.choice(Billing), Billing.PREPAID),
            Field("credit_limit", cells.money(0, AMOUNT_MICROS_MAX), 0),
            Field("local_allowance", cells.money(0, AMOUNT_MICROS_MAX), 0),
        ),
        _kind(
            "did",
            "dids",
            DidRow,
            Field("number", cells.did),
            Field("customer", cells.slug),
            Field("state", cells.choice(NumberState), None),
            Field("calls_max", cells.whole(0, _CALLS_MAX), 0),
            Field("tariff", cells.slug, None),
        ),
        _kind(
            "destination",
            "destinations",
            DestinationRow,
            Field("did", cells.did),
            Field("number", cells.destination),
            Field("trunk", cells.slug),
            Field("ring_s", cells.whole(1, 300), 30),
            Field("calls_max", cells.whole(0, _CALLS_MAX), 0),
        ),
        _kind(
            "blacklist",
            "blacklist",
            _block,
            Field("customer", cells.slug),
            Field("did", cells.did, None),
            Field("kind", cells.choice(BlockKind)),
            Field("value", cells.text),
        ),
    )
}

assert {kind.plural for kind in KINDS.values()} == {each.name for each in fields(ImportSet)}
