"""The kinds of record a file may hold, their fields, and the rows they become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Customer,
    NumberState,
    Provider,
)
from callserver.domain.import_set import DestinationRow, DidRow, ImportSet
from callserver.domain.money import AMOUNT_MICROS_MAX
from callserver.domain.number import is_destination
from callserver.domain.tariff import PRECISION_MICROS_DEFAULT
from callserver.service import import_cells as cells
from callserver.service.import_field import REQUIRED, Field, FieldFault
from callserver.service.offer_kinds import (
    FEATURE,
    MINIMUM,
    PLAN,
    feature_row,
    minimum_row,
    plan_row,
)
from callserver.service.tariff_kinds import (
    BAND,
    HOLIDAY,
    TARIFF,
    band_row,
    holiday_row,
    tariff_row,
)

_PRECISION = (PRECISION_MICROS_DEFAULT, 10 * PRECISION_MICROS_DEFAULT)
_CALLS_MAX = 100_000


_NONE: frozenset[str] = frozenset()
_LISTED = {"tariff": frozenset({"band", "holiday"})}  # records under it may stand in a list


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: `[[name]]` in TOML, `plural.csv` as CSV, `plural` in ImportSet."""

    name: str
    plural: str
    fields: Mapping[str, Field]
    build: Callable[[dict[str, Any]], object]
    required: frozenset[str]
    defaults: Mapping[str, object]
    lists: frozenset[str]
    """Keys whose value may be a list in TOML."""


def _kind(name: str, plural: str, build: Callable[..., object], *fields_: Field) -> Kind:
    return Kind(
        name,
        plural,
        fields={each.name: each for each in fields_},
        build=lambda row: build(**row),
        required=frozenset(each.name for each in fields_ if each.default is REQUIRED),
        defaults={each.name: each.default for each in fields_ if each.default is not REQUIRED},
        lists=frozenset(each.name for each in fields_ if each.default == ())
        | _LISTED.get(name, _NONE),
    )


def _customer(
    *,
    billing: Billing,
    credit_limit: int,
    local_allowance: int,
    precision: int | None,
    **row: Any,
) -> Customer:
    if credit_limit and billing is Billing.PREPAID:
        raise FieldFault("credit_limit", "only a postpaid customer has a credit limit")
    if local_allowance and billing is Billing.POSTPAID:
        raise FieldFault("local_allowance", "only a prepaid customer has a local allowance")
    return Customer(
        billing=billing,
        credit_limit_micros=credit_limit,
        local_allowance_micros=local_allowance,
        precision_micros=precision,
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
            Field("tariff", cells.slug, None),
            Field("cost_tariff", cells.slug, None),
            Field("commission", cells.commission, None),
        ),
        _kind("tariff", "tariffs", tariff_row, *TARIFF),
        _kind("tariff_band", "tariff_bands", band_row, *BAND),
        _kind(
            "customer",
            "customers",
            _customer,
            Field("id", cells.slug),
            Field("name", cells.name),
            Field("provider", cells.slug),
            Field("tariff", cells.slug, None),
            Field("billing", cells.choice(Billing), Billing.PREPAID),
            Field("credit_limit", cells.money(0, AMOUNT_MICROS_MAX), 0),
            Field("local_allowance", cells.money(0, AMOUNT_MICROS_MAX), 0),
            Field("precision", cells.one_of(*_PRECISION), None),
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
        _kind("holiday", "holidays", holiday_row, *HOLIDAY),
        _kind("feature", "features", feature_row, *FEATURE),
        _kind("plan", "plans", plan_row, *PLAN),
        _kind("minimum", "minimums", minimum_row, *MINIMUM),
    )
}

assert {kind.plural for kind in KINDS.values()} == {each.name for each in fields(ImportSet)}
TARIFF_KIND = KINDS["tariff"]
BAND_KIND = KINDS["tariff_band"]
