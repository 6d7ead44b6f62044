"""What a running server does and watches besides calls, for real and all of it."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.migrate import upgrade
from callserver.app import App
from callserver.back_office import background_work, build_office
from callserver.config import Config
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Provider
from callserver.domain.ledger import EntryKind
from callserver.service.clocks import SystemClock
from callserver.service.ledger_drift import LedgerDrift
from tests.adapters.sql.samples import cdr, changes

YUAN = 1_000_000
LOOKS = ("features", "months", "plans", "retention")
GAUGES = ("reconciliation_differences", "sudden_fee_notices", "ledger_drift")


@asynccontextmanager
async def open_books(folder: Path) -> AsyncIterator[SqlBooks]:
    """Those of the data folder, with a customer of north's; migrated."""
    folder.mkdir(mode=0o700)
    url = f"sqlite:///{folder / 'callserver.db'}"
    await upgrade(url)
    books = SqlBooks(open_database(url), SystemClock())
    try:
        await books.apply_import(changes(providers=(Provider("north", "北方"),)), "test")
        yield books
    finally:
        await books.database.close()


async def fill(books: SqlBooks) -> None:
    """A caller whose time is over, a sudden month, an account that ran out, a stray debit."""
    now_ms = books.clock.now_us() // 1000
    month = BillingMonth.of(now_ms)
    calls = [(now_ms, 100)]
    for _ in range(9):
        month = month.previous()
        calls.append((month.from_ms, 1))
    await books.post("acme", EntryKind.TOP_UP, 50 * YUAN, "in", "test", "")
    await books.write_cdrs(
        [
            cdr(
                ended_ms=ended_ms,
                answered_ms=ended_ms - 61_000,
                fee_micros=yuan * YUAN,
                charged_micros=yuan * YUAN,
            )
            for ended_ms, yuan in calls
        ]
    )
    await books.post("provider:north", EntryKind.FEATURE_FEE, -1, "stray", "test", "")


async def gauges(app: App) -> dict[str, float]:
    """Those that should be 0, as Prometheus reads them."""
    url = f"http://127.0.0.1:{app.http_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        lines = [line.split() for line in (await answer.text()).splitlines()]
    found = {
        line[0].removeprefix("callserver_"): float(line[1]) for line in lines if line[0] != "#"
    }
    return {name: found[name] for name in GAUGES}


async def test_a_running_server_does_the_work_and_shows_what_is_wrong(
    tmp_path: Path, log_text: io.StringIO, monkeypatch: Any
) -> None:
    """Each alarm is seen in the metrics, and each job in the log."""
    monkeypatch.setattr(LedgerDrift.watch, "__defaults__", (0.0, 0.2))
    async with open_books(tmp_path / "data") as books:
        await fill(books)
        server = {"http": "127.0.0.1:0", "fastagi": "127.0.0.1:0", "data": tmp_path / "data"}
        app = App(Config.model_validate({"server": server} | {n: {"look_s": 1} for n in LOOKS}))
        await app.start()
        try:
            async with asyncio.timeout(120):
                wanted = {"reconciliation_differences": 1, "sudden_fee_notices": 1}
                while await gauges(app) != wanted | {"ledger_drift": 0}:
                    await asyncio.sleep(0.2)
                for event in ("retention.purged", "accounts.ran_low"):
                    while event not in log_text.getvalue():
                        await asyncio.sleep(0.2)
                tamper = text("UPDATE account SET settled_micros = 1 WHERE id = 'acme'")
                await books.database.write(lambda connection: connection.execute(tamper))
                while (await gauges(app))["ledger_drift"] != 1:
                    await asyncio.sleep(0.2)
        finally:
            await app.stop()


async def test_nothing_is_left_out(tmp_path: Path) -> None:
    """Every area that has something to do by itself."""
    async with open_books(tmp_path / "data") as books:
        office = build_office(books, Config())
        work = dict(background_work(office))
        for job in work.values():
            job.close()
    expected = {"numbers", "account_watch", "sudden_fees", "minimums", "features", "plans"}
    assert expected | {"retention"} <= work.keys()
