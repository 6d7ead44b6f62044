"""The live copy of the money in Redis: each write is one Lua script on one shard."""

import asyncio
from collections.abc import Sequence

from callserver.adapters.redis import keys
from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_replies import (
    METER_FIELDS,
    balance_of,
    extension_of,
    fixed,
    held_of,
    meter_fields,
    meter_of,
    meters_of,
    outbox_entry_of,
    raise_for,
    settled_of,
)
from callserver.adapters.redis.meter_store_sharing import SharedReads
from callserver.adapters.redis.protocol import Argument
from callserver.adapters.redis.script import load_scripts
from callserver.domain.identity import SHARDS, shard_of
from callserver.domain.ledger import AccountSum
from callserver.domain.meter import (
    Admission,
    Balance,
    Extension,
    Held,
    NotHeld,
    OpenMeter,
    OutboxEntry,
    Settled,
)
from callserver.domain.price_table import PriceTable
from callserver.ports import MeterStore

_HELD_OR_ANSWERED = (b"held", b"answered")


class RedisMeterStore(MeterStore):
    """`callserver.ports.MeterStore` on one link; see the port for what each method promises.

    All raise StoreUnavailable (nothing has moved) or OutcomeUnknown (repeat it as it was). Also
    ScriptError where Redis holds what no version of ours wrote.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._run = link.evalsha
        self._balances: SharedReads[Balance] = SharedReads()
        scripts = load_scripts()
        self._admit = scripts["admit"]
        self._next_line = scripts["next_line"]
        self._answer = scripts["answer"]
        self._extend = scripts["extend"]
        self._settle = scripts["settle"]
        self._seen = scripts["seen"]
        self._claim_due = scripts["claim_due"]
        self._list_meters = scripts["list_meters"]
        self._balance = scripts["balance"]
        self._apply_entry = scripts["apply_entry"]
        self._load_account = scripts["load_account"]
        self._acknowledge = scripts["acknowledge"]
        self._forget = scripts["forget"]
        self._rebuild_shard = scripts["rebuild_shard"]

    async def admit(self, admission: Admission) -> Held | NotHeld:
        """Check balance and limits, hold the first slice, take the first free line's slot.

        A token that was settled before is refused as a fault: a call is admitted once.
        """
        shard, token, account = admission.shard, admission.token, admission.account
        words = await self._run(
            self._admit,
            [
                keys.epoch(shard),
                keys.account(shard, account),
                keys.calls(shard, account),
                keys.meter(shard, token),
                keys.did(shard, admission.did),
                keys.due(shard, admission.pbx),
                *(keys.line(shard, slot_id) for slot_id, _ in admission.lines),
            ],
            [
                token,
                admission.did_calls_max,
                admission.slice_s,
                admission.table.encode(),
                admission.now_ms,
                admission.due_ms,
                admission.plan,
                fixed(account, admission.did, admission.pbx, [slot for slot, _ in admission.lines]),
                *(most for _, most in admission.lines),
            ],
        )
        raise_for(words[0], shard, account)
        return held_of(words)

    async def next_line(
        self, shard: int, token: str, failed_line: int, lines: Sequence[tuple[str, int]]
    ) -> int:
        """Move the slot to the next free line after `failed_line`; its number, 0 if none.

        The lines are those of the admission; only their limits are taken from here.
        """
        limits = (most for _, most in lines)
        return int(
            await self._run(
                self._next_line, [keys.meter(shard, token)], [token, failed_line, *limits]
            )
        )

    async def answer(
        self, shard: int, token: str, line: int, answered_us: int, table: PriceTable, due_ms: int
    ) -> OpenMeter | None:
        """Start the meter (once; later calls change nothing). None: no open meter.

        Where `table` is dearer than what is held, more is held, or the held seconds become fewer.
        """
        fields = await self._run(
            self._answer,
            [keys.meter(shard, token)],
            [token, line, answered_us, table.encode(), due_ms],
        )
        return meter_of(shard, token, fields) if fields else None

    async def extend(
        self, shard: int, token: str, slice_no: int, slice_s: int, due_ms: int
    ) -> Extension | None:
        """Hold slice `slice_no` (2, 3, …): total price so far minus already held. None: closed.

        Included minutes are held first, as many as the whole call needs by now.

        Raises ShardLost and AccountMissing: without a balance nothing can be held.
        """
        words = await self._run(
            self._extend,
            [keys.epoch(shard), keys.meter(shard, token)],
            [token, slice_no, slice_s, due_ms],
        )
        raise_for(words[0], shard)
        return extension_of(words)

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

        Raises ShardLost and AccountMissing; nothing is lost by asking again once that is mended.
        """
        words = await self._run(
            self._settle,
            [keys.epoch(shard), keys.meter(shard, token), keys.outbox(shard)],
            [
                token,
                billsec,
                table.encode() if table else "",
                int(cap_at_hold),
                account or "",
                payload,
                int(exact),
            ],
        )
        raise_for(words[0], shard, account or "")
        return settled_of(words)

    async def seen(self, shard: int, tokens: Sequence[str], now_ms: int) -> None:
        """Note that these calls were alive at `now_ms`."""
        if tokens:
            await self._run(self._seen, [keys.meter(shard, token) for token in tokens], [now_ms])

    async def due(
        self, shard: int, pbx: str, now_ms: int, claim_ms: int, most: int
    ) -> list[OpenMeter]:
        """Meters to look at now; each is claimed by moving its due time to `now_ms + claim_ms`.

        A lost shard has nothing due.
        """
        key = keys.due(shard, pbx)
        # Nearly always nothing is due: that answer is cheaper than any script.
        if not await self._link.query("ZRANGEBYSCORE", key, "-inf", now_ms, "LIMIT", 0, 1):
            return []
        rows = await self._run(
            self._claim_due, [key, keys.epoch(shard)], [now_ms, now_ms + claim_ms, most]
        )
        return meters_of(shard, rows)

    async def set_due(self, shard: int, pbx: str, token: str, due_ms: int) -> None:
        """Move the due time of an open meter; nothing happens for a closed one."""
        await self._link.query("ZADD", keys.due(shard, pbx), "XX", due_ms, token)

    async def meter(self, shard: int, token: str) -> OpenMeter | None:
        """One open meter, or None."""
        fields = await self._link.query("HMGET", keys.meter(shard, token), *METER_FIELDS)
        return meter_of(shard, token, fields) if fields[0] in _HELD_OR_ANSWERED else None

    async def open_meters(self, pbx: str) -> list[OpenMeter]:
        """All open meters of a PBX, over all shards."""
        found = await asyncio.gather(
            *(self._listed(shard, keys.due(shard, pbx)) for shard in range(SHARDS))
        )
        return [meter for meters in found for meter in meters]

    async def account_meters(self, account: str) -> list[OpenMeter]:
        """All open meters of an account."""
        shard = shard_of(account)
        return await self._listed(shard, keys.calls(shard, account))

    async def balance(self, account: str, now_us: int) -> Balance:
        """The account now, with the running fees of its live calls at `now_us`.

        A call is counted up to its held seconds at most: there its Asterisk ends it. The cost is
        some 5 µs of Redis per live call of the account.
        """
        return await self._balances.read(account, lambda: self._read_balance(account, now_us))

    async def _read_balance(self, account: str, now_us: int) -> Balance:
        shard = shard_of(account)
        words = await self._run(self._balance, self._account_keys(shard, account), [now_us])
        raise_for(words[0], shard, account)
        return balance_of(account, words)

    async def apply_entry(
        self, account: str, seq: int, amount_micros: int, floor_micros: int, minutes: int = 0
    ) -> bool:
        """Apply one non-call ledger entry; False when `seq` leaves a gap. Older ones do nothing."""
        shard = shard_of(account)
        word = await self._run(
            self._apply_entry,
            self._account_keys(shard, account)[:2],
            [seq, amount_micros, floor_micros, minutes],
        )
        raise_for(word, shard, account)
        return bool(word != b"gap")

    async def load_account(self, total: AccountSum) -> bool:
        """Put an account into Redis if it is not there; True if this call did.

        One that is there takes the floor, unless Redis has seen later entries than `total`.
        """
        shard = shard_of(total.account)
        word = await self._run(
            self._load_account,
            self._account_keys(shard, total.account),
            [total.settled_micros, total.floor_micros, total.seq, total.minutes],
        )
        raise_for(word, shard, total.account)
        return bool(word == b"loaded")

    async def outbox(self, shard: int, most: int) -> list[OutboxEntry]:
        """Settled calls that SQL may not have yet."""
        found: dict[bytes, bytes] = {}
        cursor = b"0"
        while len(found) < most:
            cursor, pairs = await self._link.query(
                "HSCAN", keys.outbox(shard), cursor, "COUNT", most
            )
            found.update(zip(pairs[::2], pairs[1::2], strict=True))
            if cursor == b"0":
                break
        entries = [outbox_entry_of(shard, token, value) for token, value in found.items()]
        return entries[:most]

    async def acknowledge(self, shard: int, tokens: Sequence[str], now_ms: int) -> None:
        """SQL has these: clear the outbox, keep the tombstones.

        A call that is open here although SQL has it (Redis lost its last second) is closed
        without a charge: SQL's sum has that already.
        """
        if tokens:
            await self._run(
                self._acknowledge,
                [
                    keys.outbox(shard),
                    keys.closed(shard),
                    *(keys.meter(shard, token) for token in tokens),
                ],
                [now_ms, *tokens],
            )

    async def forget(self, shard: int, before_ms: int, most: int) -> int:
        """Delete tombstones acknowledged before `before_ms`; how many."""
        return int(await self._run(self._forget, [keys.closed(shard)], [before_ms, most]))

    async def lost_shards(self, run_id: str) -> list[int]:
        """Shards without an epoch, or whose epoch `RUN_ID:RANDOM` names another run of Redis."""
        epochs = await asyncio.gather(
            *(self._link.query("GET", keys.epoch(shard)) for shard in range(SHARDS))
        )
        ours = f"{run_id}:".encode()
        return [
            shard
            for shard, epoch in enumerate(epochs)
            if epoch is None or not epoch.startswith(ours)
        ]

    async def rebuild_shard(
        self, shard: int, epoch: str, accounts: Sequence[AccountSum], meters: Sequence[OpenMeter]
    ) -> None:
        """Set the shard's balances anew: SQL's sum plus what the outbox still holds, less the holds
        of `meters` and of the open meters found; then publish the epoch.

        No CDR may reach SQL between the reading of `accounts` and the end of this.
        """
        args: list[Argument] = [epoch, len(accounts)]
        for total in accounts:
            args += [total.account, total.settled_micros, total.floor_micros]
            args += [total.seq, total.minutes]
        for meter in meters:
            args += meter_fields(meter)
        await self._run(self._rebuild_shard, [keys.epoch(shard), keys.outbox(shard)], args)

    async def _listed(self, shard: int, index: str) -> list[OpenMeter]:
        return meters_of(shard, await self._run(self._list_meters, [index], []))

    @staticmethod
    def _account_keys(shard: int, account: str) -> list[Argument]:
        return [keys.epoch(shard), keys.account(shard, account), keys.calls(shard, account)]
