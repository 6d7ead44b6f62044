"""The JSON Schema of a file of tariffs, made of the definitions that such files are read by."""

from collections.abc import Mapping, Sequence
from typing import Any

from callserver.domain.band import BANDS_MAX
from callserver.service.import_field import REQUIRED, Field
from callserver.service.tariff_cells import Checked
from callserver.service.tariff_kinds import BAND_CONDITIONS, HOLIDAY, TARIFF

Schema = dict[str, Any]


def tariff_schema() -> Schema:
    """The schema. Dates and times of TOML count as the texts they are written as."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tariffs of callserver",
        "description": "A TOML file for `callserver import` and `callserver rate --tariff-file`:"
        " either [[tariff]] records with [[tariff.band]] below each, or one tariff alone with its"
        " keys at the top and [[band]] below. What each key does: docs/rating.md.",
        "anyOf": [{"$ref": "#/$defs/file"}, {"$ref": "#/$defs/one_tariff"}],
        "$defs": {
            "file": _file(),
            "one_tariff": _one_tariff(),
            "tariff": _tariff(TARIFF),
            "band": _record(BAND_CONDITIONS, "Another rate, where all that is given holds."),
            "holiday": _record(HOLIDAY, "A day that is not what the official calendar says."),
        },
    }


def _file() -> Schema:
    """Records. Those that are no tariffs are described in docs/import.md, and may be any."""
    tariff = {"$ref": "#/$defs/tariff"}
    return {
        "type": "object",
        "properties": {
            "tariff": {"anyOf": [{"type": "array", "items": tariff}, tariff]},
            "holiday": {"type": "array", "items": {"$ref": "#/$defs/holiday"}},
            "band": False,
            "tariff_band": False,
        },
        "additionalProperties": {"type": "array", "items": {"type": "object"}},
    }


def _one_tariff() -> Schema:
    lone = _tariff(TARIFF)
    lone["required"] = [name for name in lone["required"] if name != "id"]
    lone["properties"] |= {"holiday": {"type": "array", "items": {"$ref": "#/$defs/holiday"}}}
    return lone


def _tariff(fields: Sequence[Field]) -> Schema:
    schema = _record(fields, "A version of a tariff.")
    schema["properties"]["band"] = {
        "type": "array",
        "items": {"$ref": "#/$defs/band"},
        "maxItems": BANDS_MAX,
        "description": "Bands, in the order that decides between equals.",
    }
    twice = ("initial_increment_s", "increment_s")
    schema["allOf"] = [{"not": {"required": ["increments", name]}} for name in twice]
    return schema


def _record(fields: Sequence[Field], about: str) -> Schema:
    return {
        "type": "object",
        "description": about,
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.default is REQUIRED],
        "additionalProperties": False,
    }


def _property(field: Field) -> Mapping[str, Any]:
    taken = field.check.schema if isinstance(field.check, Checked) else {}
    return {"description": field.about, **taken}
