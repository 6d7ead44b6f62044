"""Redis and SQL are killed, emptied, locked; with and without the server."""

import asyncio

import pytest

from tests.faults.world import POST, FaultWorld


@pytest.mark.long_run
@pytest.mark.parametrize("empty", [False, True], ids=["aof", "nothing"])
async def test_redis_is_killed_during_a_call(world: FaultWorld, *, empty: bool) -> None:
    """Started again with its AOF or with nothing: the call goes on, and is charged once."""
    await world.call(talk_s=0.3)
    call = world.call(talk_s=7)
    await world.answered_in_redis()
    world.kill_redis()
    await asyncio.sleep(0.5)
    await world.start_redis(empty=empty)
    record = await call
    assert record.hung_up_by == "caller"
    await world.verdict()


async def test_calls_end_and_begin_while_redis_is_away(world: FaultWorld) -> None:
    """The disk keeps the ends; postpaid calls are routed, prepaid ones refused."""
    ending = world.call(talk_s=1.5)
    await world.answered_in_redis()
    world.kill_redis()
    await ending
    postpaid, prepaid = await asyncio.gather(world.call(POST, talk_s=0.5), world.call(talk_s=0.5))
    assert (postpaid.refused, prepaid.refused) == ("", "fault")
    await world.start_redis(empty=False)
    await world.until(lambda: world.server.readyz()[0] == 200, "ready again")
    cdrs = await world.verdict()
    assert len(cdrs) == 3


async def test_the_spool_is_replayed_by_the_next_server(world: FaultWorld) -> None:
    """Redis away, the call ends, the server dies: the end is on disk."""
    ending = world.call(talk_s=1.5)
    await world.answered_in_redis()
    world.kill_redis()
    await ending
    await world.until(lambda: bool(world.server.events("call.spooled")), "a spooled call")
    world.kill_server()
    await world.start_redis(empty=False)
    await world.start_server()
    (cdr,) = await world.verdict()
    assert cdr["end_source"] == "report"


@pytest.mark.parametrize(
    "empty",
    [pytest.param(False, id="aof", marks=pytest.mark.long_run), pytest.param(True, id="nothing")],
)
async def test_server_and_redis_are_killed_together(world: FaultWorld, *, empty: bool) -> None:
    """One call lives through it, one ends meanwhile, one had ended a moment before."""
    await world.call(talk_s=0.3)
    living, ending = world.call(talk_s=8), world.call(talk_s=2.5)
    await world.answered_in_redis(2)
    await world.call(talk_s=0.3)
    world.kill_redis()
    world.kill_server()
    await ending
    await world.start_redis(empty=empty)
    await world.start_server()
    await living
    assert len(await world.verdict()) == 4


async def test_sql_is_locked_for_three_seconds(world: FaultWorld) -> None:
    """Another process holds SQLite: calls go on, and are written when it lets go."""
    locked = world.lock_sql()
    calls = await asyncio.gather(*(world.call(talk_s=0.5) for _ in range(5)))
    assert all(record.hung_up_by == "caller" for record in calls)
    await asyncio.sleep(2)
    locked.close()
    assert len(await world.verdict()) == 5


@pytest.mark.long_run
async def test_killed_while_sql_is_locked(world: FaultWorld) -> None:
    """Settled in Redis and nowhere else: the next server's sweeper writes them."""
    locked = world.lock_sql()
    await asyncio.gather(*(world.call(talk_s=0.5) for _ in range(5)))
    world.kill_server()
    locked.close()
    await world.start_server()
    assert len(await world.verdict()) == 5


@pytest.mark.long_run
async def test_killed_with_redis_while_sql_is_locked(world: FaultWorld) -> None:
    """Settled, and then nothing of it is left but the PBX's own lines."""
    locked = world.lock_sql()
    await asyncio.gather(*(world.call(talk_s=0.5) for _ in range(5)))
    world.kill_redis()
    world.kill_server()
    locked.close()
    await world.start_redis(empty=True)
    await world.start_server()
    assert len(await world.verdict()) == 5
