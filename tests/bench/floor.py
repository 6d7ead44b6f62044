"""The floor: what the same exchange costs one Python process that decides nothing.

Bare accept, the same AGI exchange, the same number of EVALSHA of a trivial script on the same
embedded Valkey. `python -m tests.bench.floor '{"data": "DIR", "scripts": 3}'` prints its port.
"""

import asyncio
import json
import sys
from collections import deque
from pathlib import Path
from typing import Any, cast

import hiredis
import uvloop

from callserver.adapters.redis.embedded import EmbeddedValkey

SCRIPT = "return redis.call('HINCRBY', KEYS[1], 'n', ARGV[1])"
MSET = (
    b'EXEC MSet "CS_LINES=2,CS_DEST_1=02100000001,CS_TRUNK_1=carrier,CS_RING_1=20,'
    b'CS_DEST_2=02100000002,CS_TRUNK_2=carrier,CS_RING_2=20,CS_LINE=1,CS_HELD=300,CS_OK=1"\n'
)


class Redis(asyncio.Protocol):
    """Replies in order, to callbacks."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._then: deque[Any] = deque()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self._then.popleft()(reply)

    def ask(self, then: Any, *command: Any) -> None:
        """Send one command."""
        self._then.append(then)
        self.transport.write(hiredis.pack_command(command))


class Agi(asyncio.Protocol):
    """One session: scripts, then MSet for a route; scripts, then the end for a hang-up."""

    def __init__(self, redis: Redis, sha: str, scripts: tuple[int, int]) -> None:
        self._redis, self._sha, self._scripts = redis, sha, scripts
        self._left = 0
        self._route = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop; loopback brings a header whole."""
        if data.startswith(b"200 "):
            self.transport.close()
            return
        self._route = data.find(b"agi_network_script: route/") >= 0
        self._left = self._scripts[0 if self._route else 1]
        self._next(None)

    def _next(self, _reply: Any) -> None:
        if self._left:
            self._left -= 1
            self._redis.ask(self._next, "EVALSHA", self._sha, 1, "{cs:01}:floor", 1)
        elif self._route:
            self.transport.write(MSET)
        else:
            self.transport.close()


async def main(settings: dict[str, Any]) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    valkey = EmbeddedValkey(Path(settings["data"]) / "valkey")
    await valkey.start()
    _, redis = await loop.create_unix_connection(Redis, valkey.target.path)
    loaded: asyncio.Future[bytes] = loop.create_future()
    redis.ask(loaded.set_result, "SCRIPT", "LOAD", SCRIPT)
    sha = (await loaded).decode()
    scripts = (1, settings["scripts"] - 1)
    server = await loop.create_server(
        lambda: Agi(redis, sha, scripts), "127.0.0.1", 0, backlog=1024
    )
    print(json.dumps({"agi": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    redis.transport.close()
    await valkey.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(json.loads(sys.argv[1])))
