"""What the scripts send and answer, to and from the domain's values."""

from collections.abc import Sequence
from functools import lru_cache

from callserver.adapters.redis.protocol import Argument
from callserver.domain.call import Plan
from callserver.domain.meter import (
    AccountMissing,
    Balance,
    Extension,
    Held,
    MeterState,
    NotHeld,
    OpenMeter,
    OutboxEntry,
    Settled,
    ShardLost,
)
from callserver.domain.price_table import PriceTable
from callserver.domain.refusal import Refusal

METER_FIELDS = (
    "state",
    "fixed",
    "line",
    "held_s",
    "held",
    "slice",
    "answered_us",
    "seen_ms",
    "table",
    "plan",
    "minutes",
)
"""The order in which scripts give and take a meter; the same list stands in lua/lib/meter.lua."""

Words = Sequence[bytes]
"""A script's answer: a word, then figures as text."""

# A closed call that asks to be admitted again is no new call: someone repeats an old request.
_REFUSALS = {
    b"too_many_calls": Refusal.TOO_MANY_CALLS,
    b"lines_busy": Refusal.LINES_BUSY,
    b"no_credit": Refusal.NO_CREDIT,
    b"closed": Refusal.FAULT,
}


class UnknownReply(Exception):
    """A script answered a word that this version does not know."""


def raise_for(word: bytes, shard: int, account: str = "") -> None:
    """Raise ShardLost or AccountMissing if that is what the script answered."""
    if word == b"shard_lost":
        raise ShardLost(f"shard {shard} has no epoch")
    if word == b"account_missing":
        raise AccountMissing(account)


def held_of(words: Words) -> Held | NotHeld:
    """The answer of admit."""
    if words[0] == b"held":
        line, held_s, held = (int(word) for word in words[1:4])
        return Held(line, held_s, held, words[4] == b"1", int(words[5]))
    refusal = _REFUSALS.get(words[0])
    if refusal is None:
        raise UnknownReply(f"admit: {words[0]!r}")
    return NotHeld(refusal, int(words[1]) if len(words) > 1 else 0)


def extension_of(words: Words) -> Extension | None:
    """The answer of extend; None for a closed call."""
    if words[0] == b"closed":
        return None
    held_s, held, granted_s = (int(word) for word in words[1:4])
    return Extension(held_s, held, granted_s, words[4] == b"1", int(words[5]))


def settled_of(words: Words) -> Settled:
    """The answer of settle."""
    return _settled(words[1].split(b" "), first=words[0] == b"settled")


def _settled(figures: Words, *, first: bool) -> Settled:
    """An older version's figures have no minutes behind them."""
    fee, charged, written_off, billed_s, *minutes = (int(figure) for figure in figures)
    return Settled(fee, charged, written_off, billed_s, first, *minutes)


def balance_of(account: str, words: Words) -> Balance:
    """The answer of balance."""
    return Balance(account, *(int(word) for word in words[1:9]))


@lru_cache(maxsize=1024)
def _table(text: bytes) -> PriceTable:
    return PriceTable.decode(text)  # thousands of meters share a few tables


def meter_of(shard: int, token: str, fields: Sequence[bytes | None]) -> OpenMeter:
    """A meter from its fields in the order of METER_FIELDS; minutes, answered_us may be absent."""
    state, fixed, line, held_s, held, slice_, answered_us, seen_ms, table, plan, minutes = (
        field or b"" for field in fields
    )
    account, did, pbx, *_ = fixed.decode().split("\n")
    slices, _, final = slice_.split(b" ")
    return OpenMeter(
        token=token,
        shard=shard,
        account=account,
        did=did,
        pbx=pbx,
        state=MeterState(state.decode()),
        line=int(line),
        held_s=int(held_s),
        held_micros=int(held),
        slices=int(slices),
        final=final == b"1",
        answered_us=int(answered_us or 0),
        seen_ms=int(seen_ms),
        table=_table(table),
        plan=plan,
        minutes=int(minutes or 0),
    )


def meters_of(shard: int, rows: Sequence[Sequence[bytes | None]]) -> list[OpenMeter]:
    """Meters as listed by a script: the token, then the fields."""
    return [meter_of(shard, (row[0] or b"").decode(), row[1:]) for row in rows]


def meter_fields(meter: OpenMeter) -> list[Argument]:
    """The token and all fields of a meter, for a Redis that lost it."""
    lines = Plan.decode(meter.plan, meter.token).lines
    return [
        meter.token,
        meter.state.value,
        fixed(meter.account, meter.did, meter.pbx, [line.id for line in lines]),
        meter.line,
        meter.held_s,
        meter.held_micros,
        f"{meter.slices} 0 {int(meter.final)}",
        meter.answered_us,
        meter.seen_ms,
        meter.table.encode(),
        meter.plan,
        meter.minutes or "",
    ]


def fixed(account: str, did: str, pbx: str, slot_ids: Sequence[str]) -> str:
    """What never changes of a meter and names its keys, as lua/lib/meter.lua unfolds it."""
    return "\n".join((account, did, pbx, *slot_ids))


def outbox_entry_of(shard: int, token: bytes, value: bytes) -> OutboxEntry:
    """One entry: figures and account in its first line, then the payload as it was given."""
    head, _, payload = value.partition(b"\n")
    figures, _, _account = head.rpartition(b" ")
    settled = _settled(figures.split(b" "), first=True)
    return OutboxEntry(shard, token.decode(), settled, payload)
