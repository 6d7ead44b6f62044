"""What the command line asks a running server before it closes a month or shows a bill."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from callserver.cli.months_live import running_calls, warnings
from callserver.cli.server_state import ServerState, only_server
from callserver.config import Config, DatabaseConfig, ServerConfig
from callserver.service.live import SHOWN_US
from tests.adapters.http.bed import Bed


@pytest.fixture
def settings(bed: Bed, tmp_path: Path) -> Iterator[Config]:
    """Those of a data folder on which the bed's server runs."""
    data = tmp_path / "data"
    state = ServerState(os.getpid(), f"127.0.0.1:{bed.server.port}", "", 0)
    with only_server(data), state.published(data):
        yield Config(
            server=ServerConfig(data=data),
            database=DatabaseConfig.model_validate({"url": bed.database}),
        )


async def test_open_calls_and_waiting_cdrs_are_warned_of(bed: Bed, settings: Config) -> None:
    """Nothing is said while there is nothing; numbers where there are some."""
    assert await asyncio.to_thread(warnings, settings) == []
    await bed.top_up("acme", "10")
    _, token = await bed.ring("acme")
    await bed.answer("acme", token, before_us=61_000_000)
    bed.services.metrics.watch("callserver_cdrs_waiting", lambda: 3)
    bed.services.metrics.watch("callserver_spool_records", lambda: 1)
    await asyncio.sleep(2 * SHOWN_US / 1_000_000)  # a list of all calls is kept for so long
    calls, cdrs = await asyncio.to_thread(warnings, settings)
    assert calls.startswith("1 calls are open")
    assert cdrs.startswith("4 CDRs are not in SQL yet")


async def test_a_customers_running_calls(bed: Bed, settings: Config) -> None:
    """With their fees, and no other customer's."""
    await bed.top_up("acme", "10")
    _, token = await bed.ring("acme")
    await bed.answer("acme", token, before_us=61_000_000)
    calls = await asyncio.to_thread(running_calls, settings, "acme")
    assert calls is not None
    assert [call.fee_micros for call in calls] == [300_000]
    assert await asyncio.to_thread(running_calls, settings, "bolt") == ()
    await bed.server.stop()
    assert await asyncio.to_thread(running_calls, settings, "acme") is None
    [doubt] = await asyncio.to_thread(warnings, settings)
    assert "cannot be asked" in doubt
