"""Redis URLs."""

import pytest

from callserver.adapters.redis.url import RedisTarget, RedisUrlInvalid, parse_redis_url

GOOD = [
    ("", RedisTarget()),
    ("redis://h", RedisTarget(host="h")),
    ("redis://h:7000/3", RedisTarget(host="h", port=7000, db=3)),
    ("redis://[::1]:7000", RedisTarget(host="::1", port=7000)),
    ("redis://:p%23%40@h/1", RedisTarget(host="h", db=1, password="p#@")),
    ("redis://app:secret@h", RedisTarget(host="h", user="app", password="secret")),
    ("unix:///run/v.sock", RedisTarget(path="/run/v.sock")),
    ("unix:///run/v.sock?db=2", RedisTarget(path="/run/v.sock", db=2)),
    ("unix://a:b@/run/v.sock", RedisTarget(path="/run/v.sock", user="a", password="b")),
]
BAD = [
    ("rediss://h", "TLS .* not supported yet"),
    ("redis+sentinel://h", "Sentinel .* not supported yet"),
    ("sentinel://h", "Sentinel .* not supported yet"),
    ("redis+cluster://h", "Cluster .* not supported yet"),
    ("http://h", "unknown scheme 'http'"),
    ("localhost:6379", "unknown scheme"),
    ("redis:///3", "host is missing"),
    ("redis://h/x", "database is a number"),
    ("redis://h:0", "port 0"),
    ("redis://h:99999", "port is not a number"),
    ("redis://h?db=1", "no options"),
    ("redis://h#1", "%23"),
    ("redis://app@h", "user without a password"),
    ("unix://run/v.sock", "three slashes"),
    ("unix:///", "path .* missing"),
    ("unix:///v.sock?dbx=1", "unknown option 'dbx'"),
]


@pytest.mark.parametrize(("url", "target"), GOOD)
def test_good_url(url: str, target: RedisTarget) -> None:
    """Each form that the configuration names is read."""
    assert parse_redis_url(url) == target
    assert target.embedded == (url == "")


@pytest.mark.parametrize(("url", "why"), BAD)
def test_bad_url_says_why(url: str, why: str) -> None:
    """What can't be used is refused with its reason and what to use."""
    with pytest.raises(RedisUrlInvalid, match=why):
        parse_redis_url(url)


@pytest.mark.parametrize(
    "url", ["redis://a:qq:zz/vv@h/1", "redis://a:zzvv@h:x/1", "redis://a:1/zz@h"]
)
def test_no_error_shows_the_password(url: str) -> None:
    """An unescaped password is refused without being repeated."""
    with pytest.raises(RedisUrlInvalid) as caught:
        parse_redis_url(url)
    assert not any(piece in str(caught.value) for piece in ("qq", "zz", "vv"))


def test_target_is_shown_without_password() -> None:
    """Neither str nor repr has the password."""
    target = parse_redis_url("redis://app:secret@h:7000/3")
    assert str(target) == "redis://h:7000/3"
    assert "secret" not in repr(target)
