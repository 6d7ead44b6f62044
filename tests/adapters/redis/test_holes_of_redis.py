"""What bites in Redis itself: how we use it holds, and the plain way (strict xfail) does not."""

import os
import signal
import time
from pathlib import Path

import pytest

from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask

LONG_MICROS = 2**53 - 1  # the largest amount that is allowed: 9 billion yuan


def hole(why: str) -> pytest.MarkDecorator:
    """The plain way must lose: an AssertionError, nothing else."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"Redis: {why}")


def evaluate(valkey: EmbeddedValkey, source: str, *args: object) -> object:
    """Run a script without keys."""
    return ask(valkey.socket_path, "EVAL", source, "0", *map(str, args))


@pytest.mark.parametrize(
    "add",
    [
        pytest.param(
            "redis.call('HSET', 'a', 'held', ARGV[1]) redis.call('HINCRBY', 'a', 'held', ARGV[2]) "
            "return redis.call('HGET', 'a', 'held')",
            id="HINCRBY",
        ),
        pytest.param(
            "return tostring(ARGV[1] + ARGV[2])",
            id="tostring",
            marks=hole("tostring keeps 14 digits"),
        ),
    ],
)
def test_every_digit_of_an_amount_is_kept(valkey: EmbeddedValkey, add: str) -> None:
    """Money moves by HINCRBY on argument strings and is returned as a string."""
    assert evaluate(valkey, add, LONG_MICROS - 1, 1) == str(LONG_MICROS).encode()


@pytest.mark.parametrize(
    "give",
    [
        pytest.param("return ARGV[1]", id="string"),
        pytest.param(
            "return tonumber(ARGV[1])", id="number", marks=hole("a returned number loses digits")
        ),
    ],
)
@pytest.mark.parametrize("micros", [2**53 + 1, -(2**53 + 1)])
def test_returned_amount_is_exact(valkey: EmbeddedValkey, give: str, micros: int) -> None:
    """Amounts come back as strings; numbers pass through a double on their way."""
    reply = evaluate(valkey, give, micros)
    assert int(reply) == micros  # type: ignore[call-overload]  # bytes or int


def test_a_ttl_is_an_instant_of_the_wall_clock(valkey: EmbeddedValkey) -> None:
    """Why nothing of ours has one: a clock set forward by two minutes erases `EX 120` at once.

    That no script sets one is a test of its own (test_lua_headers).
    """
    before_s = int(time.time())
    ask(valkey.socket_path, "SET", "meter", "x", "EX", "120")
    expires_s = ask(valkey.socket_path, "EXPIRETIME", "meter")
    assert before_s + 119 <= expires_s <= int(time.time()) + 121
    ask(valkey.socket_path, "PEXPIREAT", "meter", str(int(time.time() * 1000) - 1))
    assert ask(valkey.socket_path, "EXISTS", "meter") == 0


def balance_after_kill(folder: Path, *settings: str) -> object:
    """Write a balance, kill the server with SIGKILL, start it again and read."""
    with EmbeddedValkey(
        folder, appendfsync="always", dies_with_parent=True, extra_args=settings
    ) as valkey:
        for _ in range(10):
            ask(valkey.socket_path, "HINCRBY", "acct", "settled", str(LONG_MICROS // 10))
        os.kill(valkey.pid, signal.SIGKILL)
    with EmbeddedValkey(folder, dies_with_parent=True, extra_args=settings) as valkey:
        return ask(valkey.socket_path, "HGET", "acct", "settled")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param((), id="appending"),
        pytest.param(
            ("--appendonly", "no"), id="default", marks=hole("no file, no balance after kill -9")
        ),
    ],
)
def test_balance_survives_kill(tmp_path: Path, settings: tuple[str, ...]) -> None:
    """Acknowledged money is there after SIGKILL."""
    assert balance_after_kill(tmp_path / "v", *settings) == str(LONG_MICROS // 10 * 10).encode()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param((), id="noeviction"),
        pytest.param(
            ("--maxmemory-policy", "allkeys-random"),
            id="evicting",
            marks=hole("eviction takes balances"),
        ),
    ],
)
def test_full_memory_takes_no_balance(tmp_path: Path, settings: tuple[str, ...]) -> None:
    """When memory is full, new writes are refused and what is there stays."""
    with EmbeddedValkey(tmp_path / "v", dies_with_parent=True, extra_args=settings) as valkey:
        for number in range(200):
            ask(valkey.socket_path, "HSET", f"acct:{number}", "settled", "1")
        ask(valkey.socket_path, "CONFIG", "SET", "maxmemory", "1")
        for number in range(200, 205):
            ask(valkey.socket_path, "HSET", f"acct:{number}", "settled", "1")
        names = [f"acct:{number}" for number in range(200)]
        assert ask(valkey.socket_path, "EXISTS", *names) == 200
