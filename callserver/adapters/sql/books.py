"""The books in SQL: one class that fulfils the ports, over whichever database."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from callserver.adapters.sql import (
    business,
    catalogue,
    cdr_reading,
    cdr_writing,
    ledger,
    offers,
    tokens,
)
from callserver.adapters.sql.cdr_rows import has_entry
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.partitions import month_of
from callserver.domain.api_token import ApiToken, Scope
from callserver.domain.business import Catalogue
from callserver.domain.cdr import Cdr
from callserver.domain.import_set import ImportChanges
from callserver.domain.ledger import AccountSum, Drift, Entry, EntryKind
from callserver.domain.number_class import DEFAULT_CLASSES, NumberClass
from callserver.domain.offers import Offers
from callserver.ports import CdrPage, CdrQuery, Clock


class SqlBooks:
    """Books, ImportBooks and TokenBook on SQLite or PostgreSQL.

    Every method is one transaction. Raises StoreUnavailable and OutcomeUnknown (callserver.ports).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        classes: tuple[NumberClass, ...] = DEFAULT_CLASSES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._classes = classes
        # Accounts are never deleted, so one that was seen need not be looked for again.
        self._accounts: set[str] = set()
        # The last reading: the next one shares with it what has not changed.
        self._catalogue = Catalogue(version=-1)

    @property
    def database(self) -> Database:
        """The database, for the other books kept in it (numbers, months, …)."""
        return self._database

    @property
    def clock(self) -> Clock:
        """The clock entries are dated by."""
        return self._clock

    async def load_catalogue(self) -> Catalogue:
        """Read all business data in one consistent snapshot."""
        last = self._catalogue
        self._catalogue = await self._database.read(
            lambda connection: catalogue.load(connection, last)
        )
        return self._catalogue

    async def catalogue_version(self) -> int:
        """Rises with every change of business data."""
        return await self._database.read(catalogue.version)

    async def load_offers(self) -> Offers:
        """Features, plans and minimums."""
        return await self._database.read(offers.load)

    async def apply_import(
        self, changes: ImportChanges, actor: str, told: Callable[[int], None] | None = None
    ) -> bool:
        """Write all changes in one transaction; False if the books moved since `base_version`."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: business.apply_import(
                connection, changes, actor, now_ms, told, self._classes
            )
        )

    async def write_cdrs(self, cdrs: Sequence[Cdr]) -> int:
        """CDRs and their ledger entries in one transaction, each token once; how many were new."""
        if not cdrs:
            return 0
        for ended_ms in {month_of(cdr.ended_ms): cdr.ended_ms for cdr in cdrs}.values():
            await self._database.prepare_month(ended_ms)
        now_ms = self._now_ms()
        written = await self._database.write(
            lambda connection: cdr_writing.write_cdrs(connection, cdrs, self._accounts, now_ms)
        )
        self._accounts.update(cdr.account for cdr in cdrs if cdr.account and has_entry(cdr))
        return written

    async def account_sums(self, accounts: Sequence[str] | None = None) -> dict[str, AccountSum]:
        """Sums of the ledger; None: of every account."""
        return await self._database.read(
            lambda connection: ledger.account_sums(connection, accounts)
        )

    async def drift(self) -> dict[str, Drift]:
        """Accounts whose kept sums are not those of their entries. Reads it all."""
        return await self._database.read(ledger.drift)

    async def entries_after(self, account: str, seq: int) -> list[Entry]:
        """The account's non-call entries with a higher sequence number, in order."""
        return await self._database.read(
            lambda connection: ledger.entries_after(connection, account, seq)
        )

    async def changed_accounts(self, after_id: int) -> tuple[int, Mapping[str, int]]:
        """Accounts with non-call entries above this ledger id and their highest sequence numbers;
        and the highest id seen.
        """
        return await self._database.read(
            lambda connection: ledger.changed_accounts(connection, after_id)
        )

    async def post(
        self,
        account: str,
        kind: EntryKind,
        amount_micros: int,
        operation_id: str,
        actor: str,
        reason: str,
    ) -> Entry:
        """Append one non-call entry; the same operation id returns the first entry unchanged."""
        if kind is EntryKind.CALL or operation_id.startswith("call:"):
            raise ValueError("a call's entry is written with its CDR only")
        entry = Entry(
            id=0,
            account=account,
            kind=kind,
            amount_micros=amount_micros,
            seq=None,
            operation_id=operation_id,
            call_id=None,
            actor=actor,
            reason=reason,
            created_ms=self._now_ms(),
        )
        return await self._database.write(lambda connection: ledger.post(connection, entry))

    async def cdrs(self, query: CdrQuery) -> CdrPage:
        """A page of CDRs."""
        return await self._database.read(lambda connection: cdr_reading.page(connection, query))

    async def cdr(self, call_id: str) -> Cdr | None:
        """One CDR."""
        return await self._database.read(lambda connection: cdr_reading.one(connection, call_id))

    async def known_tokens(self, token_hashes: Sequence[str]) -> set[str]:
        """Which of these calls SQL already has."""
        return await self._database.read(
            lambda connection: cdr_reading.known_tokens(connection, token_hashes)
        )

    async def estimated_s(self, token_hashes: Sequence[str]) -> dict[str, int]:
        """The billsec of those among these calls whose end was estimated."""
        return await self._database.read(
            lambda connection: cdr_reading.estimated_s(connection, token_hashes)
        )

    async def create_token(self, digest: str, scope: Scope, subject: str, label: str) -> ApiToken:
        """Keep a new token."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: tokens.create(connection, digest, scope, subject, label, now_ms)
        )

    async def find_token(self, digest: str) -> ApiToken | None:
        """The token with this digest, unless it was revoked."""
        return await self._database.read(lambda connection: tokens.find(connection, digest))

    async def list_tokens(self) -> list[ApiToken]:
        """All tokens, revoked ones too, in order of their making."""
        return await self._database.read(tokens.every)

    async def revoke_token(self, token_id: int) -> bool:
        """End a token; False if there is no such token or it had ended before."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: tokens.revoke(connection, token_id, now_ms)
        )

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1000


@asynccontextmanager
async def open_books(
    url: str, clock: Clock, classes: tuple[NumberClass, ...] = DEFAULT_CLASSES
) -> AsyncIterator[SqlBooks]:
    """The books at `sqlite:///path` or `postgresql://…`, closed at the end.

    `classes` are those of numbers that an import brings.

    The schema must be there already (migrate.upgrade). Nothing is connected before the first use,
    so a database that is away shows as StoreUnavailable, not here. Raises UnsupportedDatabase.
    """
    database = open_database(url)
    try:
        yield SqlBooks(database, clock, classes)
    finally:
        await database.close()
