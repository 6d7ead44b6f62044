"""An API over real SQLite and real Valkey, with customers, tokens and a client."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import insert

from callserver.adapters.http import HttpServer, HttpServices, HttpSettings, Metrics
from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.adapters.sql import schema
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.migrate import upgrade
from callserver.back_office import build_office
from callserver.config import Config, NumbersConfig
from callserver.domain.api_token import Scope, digest_of, secret_of
from callserver.domain.business import Catalogue, Customer, Provider
from callserver.domain.call import Line, Plan
from callserver.domain.caller import Caller
from callserver.domain.identity import call_id, shard_of, token_hash
from callserver.domain.meter import Admission, OpenMeter
from callserver.ports import Books, MeterStore
from callserver.service.accounts import Accounts
from callserver.service.clocks import PbxClocks, SystemClock
from callserver.service.health import Health
from callserver.service.live import LiveCalls
from callserver.service.quotes import Quotes
from callserver.start_files import load_calendar, load_regions
from tests.domain import samples

KEY = b"k" * 32
PBX = "pbx-1"
YUAN = 1_000_000
ONE_TARIFF = samples.tariff()
PROVIDERS = (Provider("north", "北方"), Provider("city", "城", "north"), Provider("south", "南方"))
CUSTOMERS = (
    Customer("acme", "艾克米", "north", "standard"),
    Customer("bolt", "螺栓", "city", "standard"),
    Customer("cork", "软木", "south", "standard"),
)
CATALOGUE = Catalogue(
    version=1,
    providers={provider.id: provider for provider in PROVIDERS},
    customers={customer.id: customer for customer in CUSTOMERS},
    tariffs={"standard": (ONE_TARIFF,)},
)


@dataclass(frozen=True)
class Reply:
    """An answer, read."""

    status: int
    headers: Any
    text: str
    json: Any = field(default=None)


@dataclass
class Bed:
    """The parts, and ways to ask."""

    server: HttpServer
    services: HttpServices
    books: SqlBooks
    store: RedisMeterStore
    link: RedisLink
    database: str
    session: aiohttp.ClientSession
    clock: SystemClock
    clocks: PbxClocks
    secrets: dict[str, str]

    def url(self, path: str) -> str:
        """The full address of a path."""
        return f"http://127.0.0.1:{self.server.port}{path}"

    async def ask(
        self, path: str, who: str | None = "admin", method: str = "GET", **options: Any
    ) -> Reply:
        """One request with a token of `secrets` (None: without)."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.secrets[who]}"
        async with self.session.request(
            method, self.url(path), headers=headers, **options
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type.endswith("json")
            return (
                Reply(answer.status, answer.headers, text, await answer.json(content_type=None))
                if is_json
                else Reply(answer.status, answer.headers, text)
            )

    async def top_up(
        self, account: str, amount: str, key: str = "", who: str = "admin", **more: Any
    ) -> Reply:
        """Put money in."""
        return await self.ask(
            f"/v1/accounts/{account}/topups",
            who,
            "POST",
            json={"amount": amount, **more},
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
        )

    async def ring(
        self, account: str = "acme", caller: Caller = samples.HANGZHOU_MOBILE, **changed: Any
    ) -> tuple[Plan, str]:
        """A call of the account that rings now; its plan and its token."""
        token = str(uuid.uuid4())
        now_us = self.clock.now_us()
        hashed = token_hash(token, KEY)
        arrival = replace(samples.plan().arrival, token=token, pbx=PBX, arrived_us=now_us)
        plan = samples.plan(
            call_id=call_id(shard_of(account), hashed),
            token_hash=hashed,
            arrival=replace(arrival, **changed),
            caller=caller,
            account=account,
            customer=account,
            lines=(Line("desk", "057188886666", "carrier", 20, 0),),
        )
        held = await self.store.admit(
            Admission(
                shard=shard_of(account),
                token=token,
                account=account,
                pbx=plan.arrival.pbx,
                did=plan.arrival.did,
                did_calls_max=0,
                lines=(("desk", 0),),
                table=samples.table_of(ONE_TARIFF),
                slice_s=300,
                now_ms=now_us // 1000,
                due_ms=now_us // 1000 + 60_000,
                plan=plan.encode(),
            )
        )
        assert hasattr(held, "held_s"), held
        return plan, token

    async def answer(self, account: str, token: str, before_us: int = 0) -> OpenMeter:
        """The call was answered `before_us` ago."""
        meter = await self.store.answer(
            shard_of(account),
            token,
            1,
            self.clock.now_us() - before_us,
            samples.table_of(ONE_TARIFF),
            self.clock.now_us() // 1000 + 60_000,
        )
        assert meter is not None
        return meter


async def new_books(folder: Path) -> str:
    """A migrated SQLite with the business data; its URL."""
    url = f"sqlite:///{folder / 'callserver.db'}"
    await upgrade(url)
    database = open_database(url)

    def fill(connection: Any) -> None:
        rows = [{"id": p.id, "name": p.name, "parent": p.parent} for p in PROVIDERS]
        connection.execute(insert(schema.provider), rows)
        connection.execute(insert(schema.tariff), [{"id": "standard"}])
        names = [column.name for column in schema.customer.c]
        rows = [{name: getattr(c, name) for name in names} for c in CUSTOMERS]
        connection.execute(insert(schema.customer), [{**r, "billing": "prepaid"} for r in rows])
        accounts = [{"id": c.id, "seq": 0, "settled_micros": 0} for c in CUSTOMERS]
        connection.execute(insert(schema.account), accounts)

    await database.write(fill)
    await database.close()
    return url


async def new_tokens(books: SqlBooks) -> dict[str, str]:
    """A token of every scope, by a short name."""
    secrets: dict[str, str] = {}
    for number, (name, scope, subject) in enumerate(
        (
            ("admin", Scope.ADMIN, ""),
            ("noc", Scope.NOC, ""),
            ("north", Scope.PROVIDER, "north"),
            ("south", Scope.PROVIDER, "south"),
            ("acme", Scope.CUSTOMER, "acme"),
            ("cork", Scope.CUSTOMER, "cork"),
        )
    ):
        secrets[name] = secret_of(bytes([number]) * 32)
        await books.create_token(digest_of(secrets[name]), scope, subject, f"{name}'s")
    return secrets


@asynccontextmanager
async def open_bed(folder: Path, link: RedisLink, **settings: Any) -> AsyncIterator[Bed]:
    """Everything running; `settings` are those of HttpSettings, `books` and `meters` stand-ins,
    `catalogue` other business data than that of SQL."""
    catalogue: Catalogue = settings.pop("catalogue", CATALOGUE)
    stand_in_books: Books | None = settings.pop("books", None)
    stand_in_meters: MeterStore | None = settings.pop("meters", None)
    clock, clocks = SystemClock(), PbxClocks()
    database = await new_books(folder)
    pool = open_database(database)
    books, store = SqlBooks(pool, clock), RedisMeterStore(link)
    secrets = await new_tokens(books)
    sums = await books.account_sums()
    for shard in range(64):
        mine = [total for name, total in sums.items() if shard_of(name) == shard]
        await store.rebuild_shard(shard, "run:e", mine, [])
    meters = stand_in_meters or store
    health = Health(clock)
    services = HttpServices(
        accounts=Accounts(stand_in_books or books, meters, clock),
        live=LiveCalls(meters, clock, clocks.offset_us, [PBX]),
        books=stand_in_books or books,
        tokens=books,
        catalogue=lambda: catalogue,
        health=health,
        clock=clock,
        metrics=Metrics(health),
        office=build_office(books, Config(numbers=NumbersConfig(key_file=folder / "form.keys"))),
        quotes=Quotes(load_regions, load_calendar),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(pool.close)
        server = HttpServer(HttpSettings(port=0, **settings), services)
        await server.start()
        stack.push_async_callback(server.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Bed(server, services, books, store, link, database, session, clock, clocks, secrets)
