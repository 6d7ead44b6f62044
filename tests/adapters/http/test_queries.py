"""Instants are read exactly, to the millisecond, and never guessed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.adapters.http import queries
from callserver.adapters.http.problems import Problem
from callserver.adapters.http.replies import rfc3339, rfc3339_or_none

moments_ms = st.integers(-62_000_000_000_000, 250_000_000_000_000)


@given(moments_ms, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_offset(at_ms: int, offset_min: int) -> None:
    """What we write we read back, and so in any other zone."""
    assert queries.instant_ms("from", rfc3339(at_ms)) == at_ms
    there = timezone(timedelta(minutes=offset_min))
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    text = moment.astimezone(there).isoformat(timespec="milliseconds")
    assert queries.instant_ms("from", text) == at_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01z", 1000),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T00:00:00.0000001Z", 1),  # up: a half-open range keeps its meaning
        ("1969-12-31T23:59:59.999Z", -1),
        ("1970-01-01T08:00:00.25+08:00", 250),
        (None, None),
    ],
)
def test_known_instants(text: str | None, at_ms: int | None) -> None:
    """By hand, one by one."""
    assert queries.instant_ms("from", text) == at_ms


def _refusal(text: str) -> str:
    try:
        return f"read as {queries.instant_ms('from', text)}"
    except Problem as problem:
        return problem.detail


@given(st.text(max_size=40))
def test_other_texts_are_refused_with_a_reason(text: str) -> None:
    """Whatever comes: an instant or a problem that names the parameter, never a crash."""
    assert _refusal(text).startswith(("from: ", "read"))


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "2026-01-01T00:00:60Z",
    ],
)
def test_instants_at_the_edge_of_the_calendar_do_not_crash(text: str) -> None:
    """Overflow is an answer too."""
    assert _refusal(text).startswith(("from: ", "read"))


def test_never_is_none() -> None:
    """0 stands for never."""
    assert (rfc3339_or_none(0), rfc3339_or_none(1)) == (None, "1970-01-01T00:00:00.001Z")


def test_a_sign_that_a_database_refuses_is_refused_here() -> None:
    """PostgreSQL's texts have no NUL."""
    with pytest.raises(Problem) as refused:
        queries.parameters({"class": "A\0"}, ("class",))
    assert refused.value.detail.startswith("class: ")
