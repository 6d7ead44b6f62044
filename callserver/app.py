"""The one place that builds the server, and starts each part inside the life of those it needs."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from callserver.adapters.agi import AgiLimits, AgiServer, CallScripts
from callserver.adapters.ami.cdr_file import CdrFile, begin_at_end
from callserver.adapters.ami.pbx import AmiPbx
from callserver.adapters.http import HttpServer, HttpServices, HttpSettings, Metrics
from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.handshake import LinkState
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.adapters.redis.url import RedisTarget, parse_redis_url
from callserver.adapters.spool import SpoolFile
from callserver.adapters.sql.books import SqlBooks, open_books
from callserver.adapters.sql.migrate import upgrade
from callserver.app_settings import ami_settings, billing_policy
from callserver.back_office import background_work, build_office, ledger_drift, violations_work
from callserver.config import AsteriskConfig, Config
from callserver.ports import Pbx
from callserver.service.accounts import Accounts
from callserver.service.admit import Admit
from callserver.service.billing_policy import BillingPolicy
from callserver.service.catalogue import CurrentCatalogue
from callserver.service.cdr_writer import CdrWriter
from callserver.service.clocks import PbxClocks, SystemClock
from callserver.service.hangups import Hangups
from callserver.service.health import Health
from callserver.service.in_hand import CallsInHand
from callserver.service.live import LiveCalls
from callserver.service.live_money import AccountsLiveMoney
from callserver.service.metering import Metering
from callserver.service.quotes import Quotes
from callserver.service.reconcile import Reconciler
from callserver.service.settle import Settle
from callserver.service.shards import ShardGuard, ShardRebuilder
from callserver.service.upkeep import RedisUpkeep
from callserver.start_files import load_calendar, load_call_id_key, load_regions
from callserver.watchdog import Watchdog

log = structlog.get_logger()

WATCHDOG_S = 15.0


@dataclass(slots=True)
class _Parts:
    """What the services share, built once the stores are open."""

    books: SqlBooks
    link: RedisLink
    meters: RedisMeterStore
    catalogue: CurrentCatalogue
    accounts: Accounts
    guard: ShardGuard
    in_hand: CallsInHand
    clocks: PbxClocks
    writer: CdrWriter
    spool: SpoolFile


class App:
    """The server. `start` returns when AGI and HTTP listen; `run_forever` ends if a part fails.

    Redis, SQL and Asterisk may be away at the start and go away later: that is a state shown on
    /readyz, not an error. Raises at `start` for what cannot be mended by waiting: a port in use,
    a data folder that is not ours, a database that cannot be migrated.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = SystemClock()
        self.health = Health(self.clock)
        self.metrics = Metrics(self.health)
        self._stack = AsyncExitStack()
        self._failed: asyncio.Future[None] | None = None
        self._agi: AgiServer | None = None
        self._http: HttpServer | None = None

    @property
    def http_port(self) -> int:
        """Where HTTP listens; 0 before the start."""
        return self._http.port if self._http else 0

    @property
    def agi_port(self) -> int:
        """Where FastAGI listens; 0 before the start."""
        return self._agi.port if self._agi is not None else 0

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.config.server.data

    async def start(self) -> None:
        """Open the stores, start the services, then listen."""
        self._failed = asyncio.get_running_loop().create_future()
        self._failed.add_done_callback(lambda future: future.exception())  # read even if unasked
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        log.info("server.ready", http_port=self.http_port, agi_port=self.agi_port)

    async def stop(self) -> None:
        """Stop listening, finish what is in hand, close the stores; in the reverse order."""
        await self._stack.aclose()
        log.info("server.stopped")

    async def run_forever(self) -> None:
        """Wait until cancelled; raises what made a part of the server fail."""
        if self._failed is None:
            raise RuntimeError("start the app first")
        await asyncio.shield(self._failed)

    async def _start(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._background("watchdog", Watchdog(WATCHDOG_S).run())
        for name in ("redis", "database"):
            self.health.register(name)
        books = await self._open_database()
        catalogue = await self._read_catalogue(books)
        link = await self._open_redis()
        parts = self._build(books, catalogue, link)
        await self._start_services(parts)

    async def _open_database(self) -> SqlBooks:
        return await self._stack.enter_async_context(open_books(self._database_url, self.clock))

    @property
    def _database_url(self) -> str:
        url = self.config.database.url.get_secret_value()
        return url or f"sqlite:///{self.data.absolute() / 'callserver.db'}"

    async def _read_catalogue(self, books: SqlBooks) -> CurrentCatalogue:
        """A database that is away is looked for again; calls are the dialplan's until then."""

        def changed(reason: str) -> None:
            if reason:
                self.health.down("database", reason)
            else:
                self.health.ok("database")

        catalogue = CurrentCatalogue(books, lambda: upgrade(self._database_url), changed)
        await catalogue.look()
        self._background("catalogue", catalogue.follow())
        return catalogue

    async def _open_redis(self) -> RedisLink:
        target = parse_redis_url(self.config.redis.url.get_secret_value())
        if target.embedded:
            target = await self._start_valkey()
        link = RedisLink(target, deadline_s=self.config.redis.deadline_ms / 1000)
        self._stack.push_async_callback(link.stop)
        return link

    async def _start_valkey(self) -> RedisTarget:
        valkey = EmbeddedValkey(self.data / "valkey")
        await valkey.start()
        self._stack.push_async_callback(valkey.stop)
        self._background("valkey", valkey.keep_alive())
        return valkey.target

    def _build(self, books: SqlBooks, catalogue: CurrentCatalogue, link: RedisLink) -> _Parts:
        meters = RedisMeterStore(link)
        guard = ShardGuard()
        spool = SpoolFile(self.data / "ended_calls.spool")
        self._stack.callback(spool.close)
        return _Parts(
            books=books,
            link=link,
            meters=meters,
            catalogue=catalogue,
            accounts=Accounts(books, meters, self.clock, shards=guard),
            guard=guard,
            in_hand=CallsInHand(),
            clocks=PbxClocks(),
            writer=CdrWriter(books, meters, self.clock),
            spool=spool,
        )

    async def _start_services(self, parts: _Parts) -> None:
        policy = billing_policy(self.config)
        pbxs: dict[str, Pbx] = {}
        admit = self._admit(parts, policy)
        settle = Settle(
            meters=parts.meters,
            accounts=parts.accounts,
            shards=parts.guard,
            in_hand=parts.in_hand,
            writer=parts.writer,
            keeper=parts.spool,
            on_settled=self.metrics.call_settled,
            plan_of_unrouted=admit.plan_of_unrouted,
        )
        metering = Metering(
            meters=parts.meters,
            catalogue=parts.catalogue,
            in_hand=parts.in_hand,
            pbxs=pbxs,
            clock=self.clock,
            clocks=parts.clocks,
            policy=policy,
        )
        hangups = Hangups(admit, metering, settle, policy)
        self._stack.callback(hangups.stop)
        rebuilder = ShardRebuilder(
            parts.books,
            parts.meters,
            parts.writer,
            parts.in_hand,
            parts.guard,
            self.clock,
            [pbx.name for pbx in self.config.asterisk],
        )

        def trusted() -> None:
            if parts.link.ready:
                self.health.ok("redis")

        upkeep = RedisUpkeep(lambda: parts.link.ready, parts.guard, rebuilder, settle, trusted)

        def redis_changed(state: LinkState, reason: str, run_id: str | None) -> None:
            if state is LinkState.READY:
                self.health.down("redis", "its shards are being checked")
                upkeep.connected(run_id or "")
            else:
                self.health.down("redis", f"{state.value}: {reason}")

        parts.link.on_state(redis_changed)
        await parts.link.start()
        self._background("redis_upkeep", upkeep.run())
        self._background("cdr_writer", parts.writer.run())
        self._background("outbox_sweeper", parts.writer.sweep())
        self._background("ledger_follower", parts.accounts.follow())
        self._background("meters", metering.run(self.config.billing.due_poll_ms))
        self._background("violations", violations_work(parts.books, pbxs))
        self._watch(parts)
        await self._start_http(parts, admit)
        await self._start_agi(admit, hangups)
        for asterisk in self.config.asterisk:
            await self._start_pbx(asterisk, parts, pbxs, admit, metering, settle, hangups, policy)

    def _admit(self, parts: _Parts, policy: BillingPolicy) -> Admit:
        return Admit(
            catalogue=parts.catalogue,
            meters=parts.meters,
            accounts=parts.accounts,
            shards=parts.guard,
            in_hand=parts.in_hand,
            clock=self.clock,
            clocks=parts.clocks,
            policy=policy,
            regions=load_regions(),
            calendar=load_calendar(),
            call_id_key=self._call_id_key(),
            area_codes={pbx.name: pbx.area_code for pbx in self.config.asterisk if pbx.area_code},
        )

    def _call_id_key(self) -> bytes:
        path = self.data / "call_id.key"
        for pbx in self.config.asterisk if not path.exists() else ():
            if pbx.cdr_file:
                begin_at_end(pbx.cdr_file, self._position(pbx), pbx.name)
        return load_call_id_key(path)

    def _position(self, pbx: AsteriskConfig) -> Path:
        return self.data / f"cdr_file.{pbx.name}.json"

    def _watch(self, parts: _Parts) -> None:
        for gauge, read in (
            ("callserver_calls_in_hand", lambda: len(parts.in_hand)),
            ("callserver_cdrs_waiting", lambda: parts.writer.waiting),
            ("callserver_spool_records", lambda: len(parts.spool)),
            ("callserver_agi_sessions", lambda: self._agi.sessions if self._agi is not None else 0),
            ("callserver_shards_denied", lambda: len(parts.guard.suspects)),
        ):
            self.metrics.watch(gauge, read)

    async def _start_http(self, parts: _Parts, admit: Admit) -> None:
        names = tuple(pbx.name for pbx in self.config.asterisk)
        live = LiveCalls(parts.meters, self.clock, parts.clocks.offset_us, names)
        office = build_office(parts.books, self.config)
        self.metrics.watch(
            "callserver_reconciliation_differences", lambda: office.features.differences
        )
        self.metrics.watch("callserver_sudden_fee_notices", lambda: office.sudden_fees.noticed)
        office.account_watch.listen(self.metrics.account_ran_low)
        drift = ledger_drift(parts.books, parts.meters)
        self.metrics.watch("callserver_ledger_drift", lambda: drift.differing)
        self._background("ledger_drift", drift.watch())
        office.plans.follow_live(AccountsLiveMoney(parts.accounts))
        for name, work in background_work(office):
            self._background(name, work)
        endpoint = self.config.server.http
        http = HttpServer(
            HttpSettings(host=endpoint.host, port=endpoint.port),
            HttpServices(
                books=parts.books,
                tokens=parts.books,
                accounts=parts.accounts,
                live=live,
                catalogue=lambda: parts.catalogue.now,
                health=self.health,
                clock=self.clock,
                metrics=self.metrics,
                office=office,
                quotes=Quotes(lambda: admit.regions, lambda: admit.calendar),
            ),
        )
        await http.start()
        self._stack.push_async_callback(http.stop)
        self._http = http

    async def _start_agi(self, admit: Admit, hangups: Hangups) -> None:
        names = frozenset(pbx.name for pbx in self.config.asterisk)
        server = self.config.server
        agi = AgiServer(
            server.fastagi.host,
            server.fastagi.port,
            CallScripts(admit, hangups, names, self.metrics.call_decided, {}),
            AgiLimits(sessions_max=server.agi_sessions_max),
            allow=server.agi_allow,
        )
        await agi.start()
        self._stack.push_async_callback(agi.stop)
        self._agi = agi

    async def _start_pbx(
        self,
        asterisk: AsteriskConfig,
        parts: _Parts,
        pbxs: dict[str, Pbx],
        admit: Admit,
        metering: Metering,
        settle: Settle,
        hangups: Hangups,
        policy: BillingPolicy,
    ) -> None:
        component = f"ami:{asterisk.name}"
        self.health.register(component, "connecting")
        pbx = AmiPbx(asterisk.name, ami_settings(asterisk), metering, hangups)
        pbxs[asterisk.name] = pbx
        file = None
        if asterisk.cdr_file:
            file = CdrFile(asterisk.cdr_file, self._position(asterisk), asterisk.name)
        reconciler = Reconciler(
            pbx=pbx,
            file=file,
            books=parts.books,
            meters=parts.meters,
            admit=admit,
            metering=metering,
            settle=settle,
            in_hand=parts.in_hand,
            clock=self.clock,
            clocks=parts.clocks,
            policy=policy,
        )

        def changed(*, ready: bool, reason: str) -> None:
            if ready:
                self.health.ok(component)
                reconciler.wake.set()
            else:
                self.health.down(component, reason)

        pbx.on_change = changed
        await pbx.start()
        self._stack.push_async_callback(pbx.stop)
        self._background(
            f"reconcile_{asterisk.name}", reconciler.run(self.config.billing.channel_list_s)
        )

    def _background(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run until the app stops; an exception that gets out of it fails the server."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._stack.push_async_callback(_cancelled, task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or self._failed is None or self._failed.done():
            return
        error = task.exception()
        if error is not None:
            log.critical("server.part_failed", part=task.get_name(), exc_info=error)
            self._failed.set_exception(error)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
