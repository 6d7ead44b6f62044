"""What a meter holds and what the scripts that move it answer. Seconds are whole seconds."""

from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.price_table import PriceTable
from callserver.domain.refusal import Refusal


class MeterState(StrEnum):
    """HELD: rings; ANSWERED: runs; CLOSED: settled, a tombstone until SQL has it."""

    HELD = "held"
    ANSWERED = "answered"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Admission:
    """What a hold asks for. `lines` are (slot id, limit) in the order to try; limit 0: none."""

    shard: int
    token: str
    account: str
    pbx: str
    did: str
    did_calls_max: int
    lines: tuple[tuple[str, int], ...]
    table: PriceTable
    slice_s: int
    now_ms: int
    due_ms: int
    plan: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """The call may ring: line `line` (1-based) has its slot, `held_s` seconds are paid for."""

    line: int
    held_s: int
    held_micros: int
    final: bool
    """True if the balance bought less than the slice asked for."""
    minutes: int = 0
    """Included minutes held: they cover its first seconds, the micros what is beyond."""


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The call may not ring."""

    refusal: Refusal
    available_micros: int = 0


class ShardLost(Exception):
    """The shard has no epoch: Redis lost it, and it must be rebuilt from SQL first."""


class AccountMissing(Exception):
    """The account is not in Redis yet; load it from SQL and try again."""


@dataclass(frozen=True, slots=True)
class Extension:
    """The hold after asking for more. `granted_s` 0: refused, the slice is final for now."""

    held_s: int
    held_micros: int
    granted_s: int
    final: bool
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class OpenMeter:
    """One open meter as read from Redis. `answered_us` 0: not answered. Instants: PBX's clock."""

    token: str
    shard: int
    account: str
    did: str
    pbx: str
    state: MeterState
    line: int
    held_s: int
    held_micros: int
    slices: int
    final: bool
    answered_us: int
    seen_ms: int
    """Last proof of life on our clock; a call whose end is unknown is billed up to here."""
    table: PriceTable
    plan: bytes
    minutes: int = 0
    """Included minutes held."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the settle script fixed for ever. fee = charged + written_off.

    The fee is what is to be paid beyond the included `minutes` that the call used.
    """

    fee_micros: int
    charged_micros: int
    written_off_micros: int
    billed_s: int
    first: bool
    """False when the call had been settled before: then these are the old figures."""
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A settled call that SQL does not have yet. `payload` is the plan and the end as JSON."""

    shard: int
    token: str
    settled: Settled
    payload: bytes


@dataclass(frozen=True, slots=True)
class Balance:
    """An account as Redis has it now. available = settled + floor − held."""

    account: str
    settled_micros: int
    held_micros: int
    floor_micros: int
    seq: int
    running_micros: int
    """Fees of the live answered calls so far; they are inside `held_micros`."""
    live_calls: int
    minutes: int = 0
    """Included minutes left, those that live calls hold among them; negative where a plan lapsed
    while a call used it."""
    minutes_held: int = 0

    @property
    def available_minutes(self) -> int:
        """Included minutes that a new hold can take."""
        return max(0, self.minutes - self.minutes_held)

    @property
    def available_micros(self) -> int:
        """What a new hold can take."""
        return self.settled_micros + self.floor_micros - self.held_micros
