"""Connections are bounded in number and in time, and nobody else feels it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from callserver.adapters.redis.client import RedisLink
from tests.adapters.http.bed import Bed, open_bed

PATIENCE_S = 15.0
HEAD = b"POST /v1/accounts/acme/topups HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"


@asynccontextmanager
async def _connected(bed: Bed) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", bed.server.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection ends, orderly or not."""
    text = b""
    async with asyncio.timeout(PATIENCE_S):
        try:
            while piece := await reader.read(65536):
                text += piece
        except ConnectionResetError:
            return text
    return text


async def _dropped(bed: Bed, reason: str) -> float:
    text = (await bed.ask("/metrics", None)).text
    name = f'callserver_http_connections_dropped_total{{reason="{reason}"}} '
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def test_a_half_sent_request_is_ended(tmp_path: Path, link: RedisLink) -> None:
    """Nothing sent, half a head, a dribble, and half of a second request."""
    async with open_bed(tmp_path, link, request_read_s=0.5, idle_s=1.0) as bed:
        for beginning in (b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea"):
            async with _connected(bed) as (reader, writer):
                writer.write(beginning)
                rest = await _rest(reader)
                assert rest.count(b"HTTP/1.1 200") == beginning.count(b"\r\n\r\n")
        async with _connected(bed) as (reader, writer):
            dribbling = asyncio.create_task(_dribble(writer))
            await _rest(reader)
            dribbling.cancel()
        # The half that came with a whole request looks idle, and ends as such.
        assert await _dropped(bed, "request_half_sent") == 3


async def _dribble(writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /")
    while True:
        writer.write(b"a")
        await asyncio.sleep(0.05)


async def test_half_a_body_is_answered_408(tmp_path: Path, link: RedisLink) -> None:
    """A body that does not come holds nothing up."""
    async with open_bed(tmp_path, link, request_read_s=0.5) as bed, _connected(bed) as streams:
        reader, writer = streams
        secret = bed.secrets["admin"].encode()
        writer.write(HEAD + b"Authorization: Bearer " + secret + b"\r\nContent-Length: 50\r\n\r\n{")
        answer = await _rest(reader)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"code":"body_too_slow"' in answer


async def test_an_idle_connection_is_ended(tmp_path: Path, link: RedisLink) -> None:
    """After its answer it may be used again, but not for ever."""
    async with open_bed(tmp_path, link, idle_s=0.5) as bed, _connected(bed) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b'{"status":"ok"}' in await reader.readuntil(b"}")
        assert await _rest(reader) == b""
        assert await _dropped(bed, "idle") == 1


async def test_one_address_has_only_so_many_connections(tmp_path: Path, link: RedisLink) -> None:
    """The oldest that waits makes room, so half-open ones never lock their address out."""
    async with open_bed(tmp_path, link, connections_per_address_max=5) as bed:
        opened = [await asyncio.open_connection("127.0.0.1", bed.server.port) for _ in range(30)]
        assert (await bed.ask("/healthz", None)).status == 200
        await asyncio.wait_for(opened[0][0].read(), PATIENCE_S)
        assert await _dropped(bed, "address_full") >= 25
        for _, writer in opened:
            writer.transport.abort()


async def test_the_server_has_only_so_many_connections(tmp_path: Path, link: RedisLink) -> None:
    """What is beyond is closed at once, and room that is free again is used."""
    async with open_bed(tmp_path, link, connections_max=3) as bed:
        assert (await bed.ask("/healthz", None)).status == 200  # the client keeps this one open
        async with _connected(bed) as (_, first), _connected(bed):
            await asyncio.sleep(0.05)
            async with _connected(bed) as (refused, _):
                assert await _rest(refused) == b""
            assert await _dropped(bed, "server_full") == 1
            first.transport.abort()
            await asyncio.sleep(0.05)
            async with _connected(bed) as (reader, writer):
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await reader.readuntil(b"}")).endswith(b'"ok"}')


async def test_health_answers_at_once_under_half_open_connections(bed: Bed) -> None:
    """300 half-sent requests and a stream of garbage change nothing (a wide margin for CI)."""
    opened = [await asyncio.open_connection("127.0.0.1", bed.server.port) for _ in range(300)]
    for _, writer in opened:
        writer.write(b"GET /v1/cdrs HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 4000)
    async with _connected(bed) as (_, noisy):
        noisy.write(b"\x00\xff" * 500_000)
        started = time.monotonic()
        for _ in range(20):
            assert (await bed.ask("/healthz", None)).status == 200
        assert (time.monotonic() - started) / 20 < 0.5
    for _, writer in opened:
        writer.transport.abort()


async def test_a_reader_that_stalls_is_ended(tmp_path: Path, link: RedisLink) -> None:
    """An answer that is not read does not stay in memory for ever."""
    settings = {"request_read_s": 0.5, "idle_s": 0.5}
    async with open_bed(tmp_path, link, **settings) as bed, _connected(bed) as (_, writer):
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        async with asyncio.timeout(PATIENCE_S):
            while not await _dropped(bed, "idle") + await _dropped(bed, "request_half_sent"):
                await asyncio.sleep(0.2)


async def test_connections_leave_nothing_behind(bed: Bed) -> None:
    """Every one that came has gone from the books."""
    for _ in range(20):
        async with _connected(bed) as (_, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            await session.get(bed.url("/healthz"))
    async with asyncio.timeout(PATIENCE_S):
        while bed.server._connections.count:
            await asyncio.sleep(0.02)
    assert not bed.server._connections._by_address
