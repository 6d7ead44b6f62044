"""Balance reads: a process that asks for balances on a few connections, as fast as it is answered.

Its argument is JSON: `http` port, API `token`, `seconds`, how many `links`. It prints figures.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from tests.bench.books import CUSTOMERS, customer_of
from tests.bench.http_link import HttpLink, get


async def main(settings: dict[str, Any]) -> dict[str, Any]:
    """Read for so many seconds; `bad` counts answers other than 200."""
    token = settings["token"]
    requests = [get(f"/v1/accounts/{customer_of(n)}/balance", token) for n in range(CUSTOMERS)]
    took: list[float] = []
    bad = 0
    until = time.perf_counter() + settings["seconds"]

    def ask(link: HttpLink, number: int) -> None:
        began = time.perf_counter()

        def answered(status: int) -> None:
            nonlocal bad
            now = time.perf_counter()
            bad += status != 200
            took.append(now - began)
            if now < until:
                ask(link, number + 1)

        link.ask(requests[number % CUSTOMERS], answered)

    links = [
        await HttpLink.connect(("127.0.0.1", settings["http"])) for _ in range(settings["links"])
    ]
    began = time.perf_counter()
    for number, link in enumerate(links):
        ask(link, number * 13)
    await asyncio.sleep(settings["seconds"] + 0.1)
    for link in links:
        link.transport.close()
    took.sort()
    return {
        "reads": len(took),
        "bad": bad,
        "per_s": len(took) / (until - began),
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(main(json.loads(sys.argv[1])))), flush=True)
