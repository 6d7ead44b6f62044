"""RedisLink on a real Valkey."""

import asyncio
from pathlib import Path

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.errors import RedisUnavailable, ScriptError
from callserver.adapters.redis.handshake import LinkState
from callserver.adapters.redis.script import load_script


async def test_replies_are_raw(link: RedisLink) -> None:
    """bytes, int, list and None come as Redis sends them."""
    assert await link.query("SET", "k", "四百") == b"OK"
    assert await link.query("GET", "k") == "四百".encode()
    assert await link.query("GET", "none") is None
    assert await link.query("INCRBY", b"n", 7) == 7
    assert await link.query("MGET", "n", "none") == [b"7", None]


async def test_script_runs_on_a_server_that_has_not_seen_it(
    link: RedisLink, tmp_path: Path
) -> None:
    """NOSCRIPT is answered by sending the text; the next call finds the script."""
    (tmp_path / "add.lua").write_text("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    script = load_script(tmp_path / "add.lua")
    assert await link.evalsha(script, ["n"], [5]) == 5
    assert await link.query("SCRIPT", "EXISTS", script.sha1) == [1]
    assert await link.evalsha(script, ["n"], [5]) == 10


async def test_script_error_has_code_and_message(link: RedisLink, tmp_path: Path) -> None:
    """A script's own error arrives as it was raised."""
    (tmp_path / "fail.lua").write_text("return redis.error_reply('GAP seq 4 is missing')")
    with pytest.raises(ScriptError) as caught:
        await link.evalsha(load_script(tmp_path / "fail.lua"), [], [])
    assert (caught.value.code, caught.value.message) == ("GAP", "seq 4 is missing")


async def test_states_are_told_in_order(valkey: EmbeddedValkey) -> None:
    """Listeners hear connecting, ready with the run_id, and stopped."""
    heard: list[tuple[LinkState, str | None]] = []
    link = RedisLink(valkey.target)
    link.on_state(lambda state, _reason, run_id: heard.append((state, run_id)))
    await link.start()
    assert link.server is not None
    run_id = link.server.run_id
    await link.stop()
    assert heard == [
        (LinkState.CONNECTING, None),
        (LinkState.READY, run_id),
        (LinkState.STOPPED, None),
    ]
    assert len(run_id) == 40


async def test_nothing_is_sent_after_stop(valkey: EmbeddedValkey) -> None:
    """A stopped link raises RedisUnavailable and says so."""
    link = RedisLink(valkey.target)
    await link.start()
    await link.stop()
    with pytest.raises(RedisUnavailable, match="stopped"):
        await link.query("PING")


async def test_stop_waits_for_replies(valkey: EmbeddedValkey) -> None:
    """Commands sent before stop still get their answers."""
    link = RedisLink(valkey.target)
    await link.start()
    asked = [asyncio.ensure_future(link.query("INCR", "n")) for _ in range(500)]
    await asyncio.sleep(0)
    await link.stop()
    assert await asyncio.gather(*asked) == list(range(1, 501))


async def test_many_tasks_get_their_own_replies(link: RedisLink) -> None:
    """64 tasks on one connection: no reply goes to another's command."""

    async def caller(number: int) -> None:
        for turn in range(50):
            word = f"{number}-{turn}".encode()
            assert await link.query("ECHO", word) == word

    await asyncio.gather(*(caller(number) for number in range(64)))
