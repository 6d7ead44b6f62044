"""What is shown of tariffs, as plain values for JSON."""

from collections.abc import Sequence
from typing import Any

from callserver.adapters.http.replies import rfc3339_or_none
from callserver.domain.band import Band
from callserver.domain.money import money_json
from callserver.domain.rating import clock
from callserver.domain.routing import version_at
from callserver.domain.tariff import TariffVersion


def tariff_shape(name: str, versions: Sequence[TariffVersion], now_ms: int) -> dict[str, Any]:
    """A tariff's versions, in order of their moments."""
    in_effect = version_at(tuple(versions), now_ms)
    return {
        "tariff": name,
        "versions": [_version(each, in_effect=each is in_effect) for each in versions],
    }


def _version(each: TariffVersion, *, in_effect: bool) -> dict[str, Any]:
    return {
        "version": each.version,
        "effective_from": rfc3339_or_none(each.effective_from_ms),
        "in_effect": in_effect,
        "rate": money_json(each.rate_micros),
        "initial_increment_seconds": each.initial_increment_s,
        "increment_seconds": each.increment_s,
        "connection_fee": money_json(each.connection_fee_micros),
        "minimum_charge": money_json(each.minimum_charge_micros),
        "cap": None if each.cap_micros is None else money_json(each.cap_micros),
        "free_seconds": each.free_s,
        "precision": money_json(each.precision_micros),
        "bands": [_band(number, band) for number, band in enumerate(each.bands, 1)],
    }


def _band(number: int, band: Band) -> dict[str, Any]:
    return {
        "number": number,
        "name": band.name or None,
        "rate": money_json(band.rate_micros),
        "from_time": None if band.from_s is None else clock(band.from_s),
        "to_time": None if band.to_s is None else clock(band.to_s),
        "days": list(band.days),
        "provinces": list(band.provinces),
        "area_codes": list(band.area_codes),
        "caller_kinds": list(band.caller_kinds),
        "caller_prefixes": list(band.caller_prefixes),
        "destination_prefixes": list(band.destination_prefixes),
    }
