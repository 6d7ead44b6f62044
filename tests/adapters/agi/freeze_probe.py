"""Run as a process, for what freezes it: one connection that closes at once, then a sign of life.

`python -m tests.adapters.agi.freeze_probe Ours|Bare` prints `begun`, then `alive`.
"""

import asyncio
import sys
from typing import Any

from callserver import log
from tests.adapters.agi import servers


async def probe(kind: Any) -> None:
    """Connect, close before the blank line, and see whether the loop goes on."""
    log.configure("info", "json", sys.stderr)
    server = await kind.open(served)
    print("begun", flush=True)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"agi_network: yes\n")
    writer.close()
    await asyncio.sleep(0.2)
    print("alive", flush=True)
    await server.close()


async def served(session: object) -> None:
    """A handler that is never reached."""


if __name__ == "__main__":
    asyncio.run(probe({"Ours": servers.Ours, "Bare": servers.Bare}[sys.argv[1]]))
