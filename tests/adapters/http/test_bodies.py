"""What a body may hold, field by field."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from callserver.adapters.http.bodies import (
    DidText,
    InstantMs,
    Reason,
    Remark,
    SignedYuan,
    Slug,
    Yuan,
    YuanOrZero,
)


class Body(BaseModel):
    """Every kind of field."""

    yuan: Yuan = 1
    rest: YuanOrZero = 0
    signed: SignedYuan = 0
    at: InstantMs = 0
    reason: Reason = "x"
    remark: Remark = ""
    customer: Slug = "acme"
    did: DidText = "4001234567"


@pytest.mark.parametrize(
    ("field", "written", "read"),
    [
        ("yuan", "0.000001", 1),
        ("yuan", "100000000", 100_000_000_000_000),
        ("rest", "0", 0),
        ("signed", "-12.5", -12_500_000),
        ("at", "2026-03-01T08:00:00+08:00", 1_772_323_200_000),
        ("at", "2026-03-01T00:00:00.5Z", 1_772_323_200_500),
        ("reason", " bank ", "bank"),
        ("remark", "", ""),
        ("customer", "a_1", "a_1"),
        ("did", "4008001234", "4008001234"),
    ],
)
def test_a_field_is_read(field: str, written: str, read: Any) -> None:
    """Yuan become micros, instants milliseconds."""
    assert getattr(Body.model_validate_json(_json(field, written)), field) == read


@pytest.mark.parametrize(
    ("field", "written", "says"),
    [
        ("yuan", "0", "more than 0"),
        ("yuan", "-1", "more than 0"),
        ("yuan", "1e3", "12.50"),
        ("rest", "-0.01", "0 or more"),
        ("signed", "-100000000.01", "at least -100000000"),
        ("at", "2026-03-01", "RFC 3339"),
        ("at", "2026-02-30T00:00:00Z", "no such instant"),
        ("reason", "  ", "at least 1"),
        ("reason", "a\\u0007b", "one line"),
        ("remark", "x" * 201, "200"),
        ("customer", "Acme", "not an id"),
        ("did", "4001", "should match"),
    ],
)
def test_a_field_that_cannot_be_used_says_how_to_write_it(
    field: str, written: str, says: str
) -> None:
    """In words for whoever writes a client."""
    with pytest.raises(ValidationError, match=says):
        Body.model_validate_json(_json(field, written))


def test_numbers_are_not_texts() -> None:
    """A JSON number has lost digits before we see it."""
    for field in ("yuan", "at"):
        with pytest.raises(ValidationError, match="as a string"):
            Body.model_validate_json(f'{{"{field}": 5}}')


def _json(field: str, written: str) -> str:
    return f'{{"{field}": "{written}"}}'
