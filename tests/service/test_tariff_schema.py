"""The published JSON Schema and the code that reads tariffs say the same."""

import json
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callserver.service.tariff_schema import tariff_schema

from .tariff_files import INVALID, VALID

PUBLISHED = Path(__file__).parents[2] / "config" / "tariff.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(tariff_schema())


def plain(value: Any) -> Any:
    """TOML as JSON: dates and times are the texts they are written as."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date | time) else value


def test_the_published_schema_is_that_of_the_code() -> None:
    """`callserver rate --schema > config/tariff.schema.json` makes it so."""
    assert json.loads(PUBLISHED.read_text("utf-8")) == tariff_schema()


def test_the_schema_is_one() -> None:
    """By its own rules, with a word on every key."""
    jsonschema.Draft202012Validator.check_schema(tariff_schema())
    kinds = tariff_schema()["$defs"]
    for name in ("tariff", "band", "holiday"):
        assert all(each["description"] for each in kinds[name]["properties"].values())


@pytest.mark.parametrize("why", VALID)
def test_what_loads_validates(why: str) -> None:
    """The other direction is beside the files' tests."""
    VALIDATOR.validate(plain(tomllib.loads(VALID[why])))


@pytest.mark.parametrize("name", ["tariff.example.toml", "demo/business.toml"])
def test_the_examples_validate(name: str) -> None:
    """What we give people to begin with."""
    text = (PUBLISHED.parent / name).read_text("utf-8")
    VALIDATOR.validate(plain(tomllib.loads(text)))


@pytest.mark.parametrize("why", INVALID)
def test_what_does_not_load_does_not_validate(why: str) -> None:
    """An editor shows the same mistakes that an import would."""
    text, _, _ = INVALID[why]
    assert not VALIDATOR.is_valid(plain(tomllib.loads(text)))
