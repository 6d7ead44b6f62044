"""What the log keeps to itself."""

import json
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.log_masking import REMOVED, mask_event, mask_text
from tests.log_leaks import leaks

TOKEN = "4c1b6ee0-1d2e-4f00-8a00-0123456789ab"
API_TOKEN = "cs_" + "a1" * 20


class _Word(StrEnum):
    PHONE = "13800138000"


@dataclass
class _Thing:
    caller: str = "13800138000"


FIELDS = [  # key, value, what is logged
    ("caller", "13800138000", "138****8000"),
    ("caller_raw", "+8613800138000", "+861****000"),
    ("callerid", "02188886666", "0218****666"),
    ("destination", "010-8888 6666", "010-****666"),
    ("destination", "8001", "8001"),
    ("destination", "4001234567", "4001234567"),
    ("destinations", ["13800138000", "88886666"], ["138****8000", "8****666"]),
    ("caller", 13800138000, "138****8000"),
    ("caller", None, None),
    ("caller", {"number": "88886666", "kind": "landline"}, {"number": "8****666"}),
    ("caller", "123456789012345678901234", "1234****234"),
    ("did", "4001234567", "4001234567"),
    ("reason", "from +44 20 7946 0958 to 13800138000", "from +44 ****958 to 138****8000"),
    ("reason", "tel:013800138000;086", "tel:0138****000;086"),
    ("channel", "Local/13800138000@out-00000001;2", "Local/138****8000@out-00000001;2"),
    ("channel", "PJSIP/carrier-0000001a", "PJSIP/carrier-0000001a"),
    ("uniqueid", "1732291200.1234", "1732291200.1234"),
    ("call_id", "23-" + "1" * 32, "23-" + "1" * 32),
    ("ended_ms", 1732291200000, 1732291200000),
    ("at", "2026-11-22T16:15:30.123456Z", "2026-11-22T16:15:30.123456Z"),
    ("who", _Thing(), "_Thing(caller='138****8000')"),
    ("word", _Word.PHONE, "138****8000"),
    ("data", b"13800138000\xff", "138****8000\ufffd"),
    ("plan", {"a": {"caller": "88886666"}}, {"a": {"caller": "8****666"}}),
    ("token", TOKEN, REMOVED),
    ("token_hash", "ab" * 16, REMOVED),
    ("ami_secret", "x", REMOVED),
    ("secret", 12345, REMOVED),
    ("secret_file", "/etc/ami.secret", "/etc/ami.secret"),
    ("tokens", 3, 3),
    ("password", None, None),
    ("key", f"{{cs:07}}:meter:{TOKEN}", "{cs:07}:meter:[removed]"),
    ("url", "redis://user:pa:ss@host:6379/0", "redis://user:***@host:6379/0"),
    ("url", "http://127.0.0.1:8400/v1", "http://127.0.0.1:8400/v1"),
    ("reason", "login failed: secret='a b', user=x", "login failed: secret=[removed], user=x"),
    ("header", f"Authorization: Bearer {API_TOKEN}", "Authorization: Bearer [removed]"),
    ("reason", f"no such {API_TOKEN}", "no such [removed]"),
]


@pytest.mark.parametrize(("key", "value", "expected"), FIELDS)
def test_a_field_is_logged_without_what_must_not_be_seen(
    key: str, value: object, expected: object
) -> None:
    """Numbers are cut, secrets removed, everything else stays."""
    got = mask_event(None, "info", {"event": "x.y", key: value})[key]
    if isinstance(expected, dict) and isinstance(got, dict):
        got = {name: got[name] for name in expected}
    assert got == expected


def test_the_event_comes_first_and_is_masked_too() -> None:
    """The name leads the line; even a sentence put there gives nothing away."""
    masked = mask_event(None, "info", {"a": 1, "event": "call from 13800138000"})
    assert list(masked.items()) == [("event", "call from 138****8000"), ("a", 1)]


def test_endless_nesting_ends() -> None:
    """A value that holds itself is cut off, not followed for ever."""
    loop: list[object] = []
    loop.append(loop)
    assert REMOVED in str(mask_event(None, "info", {"event": "x.y", "loop": loop}))


mobile = st.from_regex(r"(\+86|86|0086|0)?1[3-9][0-9]{9}", fullmatch=True)
landline = st.from_regex(r"0(10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}", fullmatch=True)
secrets = st.uuids().map(str) | st.just("redis://u:hunter2@h/0") | st.just(API_TOKEN)
around = st.text(alphabet=" ,;:=@/<>()[]{}|'\"中_-.\n", max_size=4)
texts = st.builds("{}{}{}{}".format, around, mobile | landline | secrets, around, st.text())
keys = st.sampled_from(["reason", "caller", "destination", "did", "token", "x"]) | st.text()
values = st.recursive(
    texts | st.text() | st.integers() | st.none() | texts.map(str.encode),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(texts, st.dictionaries(keys, values, max_size=4))
def test_no_event_gives_anything_away(name: str, fields: dict[str, object]) -> None:
    """Whatever is logged, under whatever key and however deep: no full number, token, password."""
    line = json.dumps(mask_event(None, "info", fields | {"event": name}))
    assert not leaks(line), line


@given(st.from_regex(r"\+?[0-9]{7,20}", fullmatch=True))
def test_under_a_caller_key_nothing_like_a_number_stays(number: str) -> None:
    """Seven to twenty digits as a caller are never logged whole, whatever kind they are."""
    for key in ("caller", "callerid", "destination"):
        got = mask_event(None, "info", {"event": "x.y", key: number})[key]
        assert (got == number) == (len(number) == 10 and number.startswith("400"))


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    """A line that passes through twice (a library's log) is the same."""
    assert mask_text(mask_text(text)) == mask_text(text)
