"""What the first replies say about a server."""

import pytest

from callserver.adapters.redis.errors import OutcomeUnknown, error_from_reply
from callserver.adapters.redis.handshake import (
    LinkState,
    ServerInfo,
    handshake_commands,
    judge_greeting,
)
from callserver.adapters.redis.url import RedisTarget

INFO = {
    "run_id": "c0ffee",
    "redis_version": "7.2.4",
    "valkey_version": "9.1.2",
    "role": "master",
    "loading": "0",
    "redis_mode": "standalone",
    "aof_enabled": "1",
    "maxmemory_policy": "noeviction",
}


def info(**changed: str) -> bytes:
    """An INFO reply."""
    fields = INFO | changed
    return ("# Server\r\n" + "".join(f"{k}:{v}\r\n" for k, v in fields.items())).encode()


def test_login_comes_first() -> None:
    """AUTH, SELECT, INFO in this order, and only what the target asks for."""
    assert handshake_commands(RedisTarget(host="h")) == [("INFO",)]
    assert handshake_commands(RedisTarget(host="h", db=3, user="app", password="pw")) == [
        ("AUTH", "app", "pw"),
        ("SELECT", 3),
        ("INFO",),
    ]
    assert handshake_commands(RedisTarget(host="h", password="pw"))[0] == ("AUTH", "pw")


def test_good_server_is_described() -> None:
    """Ready, with what `callserver check` wants to know."""
    greeting = judge_greeting([b"OK", info()])
    assert (greeting.state, greeting.reason) == (LinkState.READY, "")
    assert greeting.server == ServerInfo("c0ffee", "9.1.2", "noeviction", appends_to_file=True)


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"loading": "1"}, LinkState.LOADING),
        ({"role": "slave"}, LinkState.REPLICA),
        ({"redis_mode": "cluster"}, LinkState.CLUSTER),
        ({"run_id": ""}, LinkState.REFUSED),
    ],
)
def test_unfit_server(changed: dict[str, str], state: LinkState) -> None:
    """A server that answers, but can't be used, says why."""
    greeting = judge_greeting([info(**changed)])
    assert (greeting.state, greeting.server) == (state, None)
    assert greeting.reason


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("WRONGPASS invalid username-password pair", LinkState.WRONG_PASSWORD),
        ("NOAUTH Authentication required.", LinkState.WRONG_PASSWORD),
        ("ERR AUTH <password> called without any password", LinkState.WRONG_PASSWORD),
        ("ERR invalid password", LinkState.WRONG_PASSWORD),
        ("ERR DB index is out of range", LinkState.WRONG_DATABASE),
        ("NOPERM User app has no permissions to run 'info'", LinkState.NO_PERMISSION),
        ("LOADING Valkey is loading", LinkState.LOADING),
        ("ERR max number of clients reached", LinkState.REFUSED),
    ],
)
def test_first_error_decides(text: str, state: LinkState) -> None:
    """A refused login is named, even when INFO is answered after it."""
    greeting = judge_greeting([error_from_reply(text), info()])
    assert (greeting.state, greeting.reason) == (state, text)


def test_lost_on_the_way() -> None:
    """A connection that ends before its greeting is lost."""
    assert judge_greeting([OutcomeUnknown("closed")]).state is LinkState.LOST
