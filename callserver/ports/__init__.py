"""What services need from the outside world, as protocols that adapters fulfil."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from callserver.domain.api_token import ApiToken, Scope
from callserver.domain.business import Catalogue
from callserver.domain.cdr import Cdr
from callserver.domain.import_set import ImportChanges
from callserver.domain.ledger import AccountSum, Entry, EntryKind
from callserver.domain.meter import (
    AccountMissing,
    Admission,
    Balance,
    Extension,
    Held,
    NotHeld,
    OpenMeter,
    OutboxEntry,
    Settled,
    ShardLost,
)
from callserver.domain.offers import Offers
from callserver.domain.price_table import PriceTable


class StoreUnavailable(Exception):
    """The store cannot be reached; nothing was sent, nothing has moved."""


class OutcomeUnknown(Exception):
    """The store did not answer in time; retry with the same token or operation id."""


REDIS_AWAY = (StoreUnavailable, OutcomeUnknown, ShardLost, AccountMissing)
"""What a loop over the live copy waits out: Redis, one shard or one account is not there now."""


class MeterStore(Protocol):
    """The live copy of the money (Redis). Every write is one script on one shard, safe to repeat.

    All methods raise StoreUnavailable or OutcomeUnknown; those that name an account, and `extend`,
    also ShardLost and AccountMissing (domain.meter): nothing has moved then.
    """

    async def admit(self, admission: Admission) -> Held | NotHeld:
        """Check balance and limits, hold the first slice, take the first free line's slot.

        The same token again gets the answer as it stands now; a settled one is refused (fault).
        """
        ...

    async def next_line(
        self, shard: int, token: str, failed_line: int, lines: Sequence[tuple[str, int]]
    ) -> int:
        """Move the slot to the next free line after `failed_line`; its number, 0 if none.

        `lines` are those of the admission. A line that was left before changes nothing.
        """
        ...

    async def answer(
        self, shard: int, token: str, line: int, answered_us: int, table: PriceTable, due_ms: int
    ) -> OpenMeter | None:
        """Start the meter (once; later calls change nothing). None: no open meter.

        `table` is that of the answered line from `answered_us` on. Where it is dearer than what is
        held, more is held; where there is not enough, the held seconds become fewer (≥ 1).
        """
        ...

    async def extend(
        self, shard: int, token: str, slice_no: int, slice_s: int, due_ms: int
    ) -> Extension | None:
        """Hold slice `slice_no` (2, 3, …): total price so far minus already held. None: closed.

        Included minutes are held first, as many as it all needs by now; money pays for the rest.
        The last granted number again gets the same answer, a lower one grants nothing; a refusal
        uses up no number. Only what is granted moves the due time.
        """
        ...

    async def settle(
        self,
        shard: int,
        token: str,
        *,
        billsec: int,
        table: PriceTable | None,
        cap_at_hold: bool,
        account: str | None,
        payload: bytes,
        exact: bool = False,
    ) -> Settled:
        """Fix the fee, return the rest of the hold, free the slots, fill the outbox. Once.

        With no open meter (refused, or connected without us) the fee is charged to `account`
        (None: nothing to charge), after the included minutes there are. `table` is used where an
        answered meter has none, or is not as `exact`: made from the call's own plan and the PBX's
        own instants. A metered call uses the minutes it holds; one that outlived its hold and is
        not capped, all there are.
        """
        ...

    async def seen(self, shard: int, tokens: Sequence[str], now_ms: int) -> None:
        """Note that these calls were alive at `now_ms`."""
        ...

    async def due(
        self, shard: int, pbx: str, now_ms: int, claim_ms: int, most: int
    ) -> list[OpenMeter]:
        """Meters to look at now; each is claimed by moving its due time to `now_ms + claim_ms`.

        None in a lost shard: its balances cannot be trusted.
        """
        ...

    async def set_due(self, shard: int, pbx: str, token: str, due_ms: int) -> None:
        """Move the due time of an open meter; nothing happens for a closed one."""
        ...

    async def meter(self, shard: int, token: str) -> OpenMeter | None:
        """One open meter, or None."""
        ...

    async def open_meters(self, pbx: str) -> list[OpenMeter]:
        """All open meters of a PBX, over all shards."""
        ...

    async def account_meters(self, account: str) -> list[OpenMeter]:
        """All open meters of an account."""
        ...

    async def balance(self, account: str, now_us: int) -> Balance:
        """The account now, with the running fees of its live calls at `now_us`."""
        ...

    async def apply_entry(
        self, account: str, seq: int, amount_micros: int, floor_micros: int, minutes: int = 0
    ) -> bool:
        """Apply one non-call ledger entry (money and included minutes); False when `seq` leaves a
        gap. Older ones do nothing."""
        ...

    async def load_account(self, total: AccountSum) -> bool:
        """Put an account into Redis if it is not there; True if this call did.

        One that is there takes the floor, unless Redis has seen later entries than `total`.
        """
        ...

    async def outbox(self, shard: int, most: int) -> list[OutboxEntry]:
        """Settled calls that SQL may not have yet."""
        ...

    async def acknowledge(self, shard: int, tokens: Sequence[str], now_ms: int) -> None:
        """SQL has these: clear the outbox, keep the tombstones.

        A call that is open here all the same (Redis lost its last second) is closed without a
        charge, for SQL's sum has that.
        """
        ...

    async def forget(self, shard: int, before_ms: int, most: int) -> int:
        """Delete tombstones acknowledged before `before_ms`; how many."""
        ...

    async def lost_shards(self, run_id: str) -> list[int]:
        """Shards without an epoch, or whose epoch `RUN_ID:RANDOM` names another run of Redis."""
        ...

    async def rebuild_shard(
        self, shard: int, epoch: str, accounts: Sequence[AccountSum], meters: Sequence[OpenMeter]
    ) -> None:
        """Set the shard's balances anew: SQL's sum plus what the outbox still holds, less the holds
        of `meters` and of the open meters found; then publish the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class CdrQuery:
    """Half-open range [from_ms, to_ms) of the end of calls. Newest first; `cursor` from a page."""

    customers: frozenset[str] | None
    """Whose CDRs may be seen; None: everybody's."""
    did: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    cursor: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class CdrPage:
    """`next_cursor` is None on the last page."""

    cdrs: tuple[Cdr, ...]
    next_cursor: str | None


class BadCursor(ValueError):
    """The cursor is not one that a page gave."""


class AccountUnknown(Exception):
    """SQL has no account of that id."""


class Books(Protocol):
    """The truth (SQL). All methods raise StoreUnavailable, those that write also OutcomeUnknown."""

    async def load_catalogue(self) -> Catalogue:
        """Read all business data in one consistent snapshot."""
        ...

    async def catalogue_version(self) -> int:
        """Rises with every change of business data."""
        ...

    async def write_cdrs(self, cdrs: Sequence[Cdr]) -> int:
        """CDRs and their ledger entries in one transaction, each token once; how many were new."""
        ...

    async def account_sums(self, accounts: Sequence[str] | None = None) -> dict[str, AccountSum]:
        """Sums of the ledger; None: of every account."""
        ...

    async def entries_after(self, account: str, seq: int) -> list[Entry]:
        """The account's non-call entries with a higher sequence number, in order."""
        ...

    async def changed_accounts(self, after_id: int) -> tuple[int, Mapping[str, int]]:
        """Accounts with non-call entries above this ledger id, each with the highest sequence
        number among them; and the highest id seen.
        """
        ...

    async def post(
        self,
        account: str,
        kind: EntryKind,
        amount_micros: int,
        operation_id: str,
        actor: str,
        reason: str,
    ) -> Entry:
        """Append one non-call entry; the same operation id returns the first entry unchanged.

        Raises AccountUnknown, and ValueError for a call's entry: those come with their CDR.
        """
        ...

    async def cdrs(self, query: CdrQuery) -> CdrPage:
        """A page of CDRs. Raises BadCursor."""
        ...

    async def cdr(self, call_id: str) -> Cdr | None:
        """One CDR."""
        ...

    async def known_tokens(self, token_hashes: Sequence[str]) -> set[str]:
        """Which of these calls SQL already has."""
        ...

    async def estimated_s(self, token_hashes: Sequence[str]) -> dict[str, int]:
        """The billsec of those among these calls whose end was estimated."""
        ...


class ImportBooks(Protocol):
    """The books as far as an import needs them."""

    async def load_catalogue(self) -> Catalogue:
        """Read all business data in one consistent snapshot."""
        ...

    async def load_offers(self) -> Offers:
        """Read features, plans and minimums in one consistent snapshot."""
        ...

    async def apply_import(
        self, changes: ImportChanges, actor: str, told: Callable[[int], None] | None = None
    ) -> bool:
        """Write all changes in one transaction; False if the books moved since `base_version`.

        `told` hears of every so many rows written, from any thread.

        Raises RowDeclined where a rule of the trade says no to a row; nothing is written then.
        """
        ...


class TokenBook(Protocol):
    """API tokens by their digest (domain.api_token): the secret itself never comes here."""

    async def create_token(self, digest: str, scope: Scope, subject: str, label: str) -> ApiToken:
        """Keep a new token."""
        ...

    async def find_token(self, digest: str) -> ApiToken | None:
        """The token with this digest, unless it was revoked."""
        ...

    async def list_tokens(self) -> list[ApiToken]:
        """All tokens, revoked ones too, in order of their making."""
        ...

    async def revoke_token(self, token_id: int) -> bool:
        """End a token; False if there is no such token or it had ended before."""
        ...


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """A channel of ours in a PBX's channel list (`CoreShowChannels`)."""

    token: str
    channel: str
    uniqueid: str
    did: str
    line: int
    answered_us: int
    """When the destination answered, on the PBX's clock (`CS_ANSWERED`); 0: it has not."""


class Pbx(Protocol):
    """One Asterisk, as far as services steer it. Raises StoreUnavailable while its link is down."""

    @property
    def name(self) -> str:
        """As in `[[asterisk]] name`."""
        ...

    async def absolute_timeout(self, channel: str, after_ms: int) -> None:
        """End the channel `after_ms` from now (AMI AbsoluteTimeout)."""
        ...

    async def live_channels(self) -> list[LiveChannel]:
        """A complete channel list; an incomplete one raises."""
        ...

    async def boot_id(self) -> str:
        """Changes when the PBX restarts."""
        ...

    async def clock_offset_us(self) -> int:
        """This host's clock minus the PBX's, in microseconds."""
        ...


class CallKeeper(Protocol):
    """The spool: ended calls kept on disk while Redis is away."""

    def keep(self, record: bytes) -> None:
        """Append one record and fsync it."""
        ...

    def kept(self) -> list[bytes]:
        """All intact records, oldest first."""
        ...

    def clear(self, count: int) -> None:
        """Drop the oldest `count` records."""
        ...


class Clock(Protocol):
    """Wall and monotonic time, so that tests can bring their own."""

    def now_us(self) -> int:
        """Microseconds since 1970, UTC."""
        ...
