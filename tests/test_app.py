"""The server as a whole: it starts with everything away, stops in order, and fails loudly."""

import asyncio
import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from callserver.app import App
from callserver.config import Config


def _config(folder: Path, **sections: Any) -> Config:
    """Embedded stores in `folder`, free ports."""
    server = {"http": "127.0.0.1:0", "fastagi": "127.0.0.1:0", "data": folder / "data"}
    return Config.model_validate({"server": server | sections.pop("server", {}), **sections})


NOBODY = {"name": "pbx-1", "host": "127.0.0.1", "port": 1, "secret": "none"}


async def _status(app: App, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{app.http_port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_it_starts_without_an_asterisk(tmp_path: Path) -> None:
    """Healthy, and not ready, with the reason; both ports listen."""
    app = App(_config(tmp_path, asterisk=[NOBODY]))
    await app.start()
    try:
        assert (await _status(app, "/healthz"))[0] == 200
        status, body = await _status(app, "/readyz")
        assert status == 503
        assert "ami:pbx-1" in body
        assert app.agi_port != app.http_port != 0
    finally:
        await app.stop()


async def test_it_starts_without_redis_and_sql(tmp_path: Path) -> None:
    """They are states, not errors."""
    away = tmp_path / "nobody.sock"
    app = App(
        _config(
            tmp_path,
            redis={"url": f"unix://{away}"},
            database={"url": f"postgresql://nobody@/nothing?host={tmp_path}"},
        )
    )
    await app.start()
    try:
        status, body = await _status(app, "/readyz")
        assert status == 503
        assert "redis" in body
        assert "database" in body
        assert (await _status(app, "/healthz"))[0] == 200
    finally:
        await app.stop()


async def test_it_stops_in_order_and_starts_again(tmp_path: Path) -> None:
    """Nothing of it is left: no task, no lock on its folder."""
    before = asyncio.all_tasks()
    for _ in range(2):
        app = App(_config(tmp_path))
        await app.start()
        await app.stop()
    assert asyncio.all_tasks() == before


async def test_a_port_in_use_ends_the_start(tmp_path: Path) -> None:
    """And what was started before it is stopped."""
    before = asyncio.all_tasks()
    first = App(_config(tmp_path / "first"))
    await first.start()
    taken = {"http": f"127.0.0.1:{first.http_port}", "data": tmp_path / "second"}
    with pytest.raises(OSError, match="address already in use"):
        await App(_config(tmp_path, server=taken)).start()
    await first.stop()
    assert asyncio.all_tasks() == before


async def test_a_part_that_fails_ends_the_server(tmp_path: Path, log_text: io.StringIO) -> None:
    """`run_forever` raises what it was, so that a supervisor starts it again."""
    app = App(_config(tmp_path))
    with pytest.raises(RuntimeError, match="start the app"):
        await app.run_forever()
    await app.start()

    async def broken() -> None:
        raise ArithmeticError("a part broke")

    app._background("broken", broken())
    with pytest.raises(ArithmeticError, match="a part broke"):
        await asyncio.wait_for(app.run_forever(), 10)
    await app.stop()
    assert "server.part_failed" in log_text.getvalue()
