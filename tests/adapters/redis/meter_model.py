"""What the meter store ought to do, in plain Python: no keys, no scripts, no sharing."""

from dataclasses import dataclass, field, replace

from callserver.domain.identity import shard_of
from callserver.domain.ledger import AccountSum
from callserver.domain.meter import Admission, Extension, Held, NotHeld, Settled
from callserver.domain.price_table import PriceTable
from callserver.domain.refusal import Refusal


@dataclass
class ModelAccount:
    """One account: what Redis should say, and what SQL has."""

    floor: int
    settled: int = 0
    seq: int = 0
    in_sql: int = 0
    minutes: int = 0
    minutes_in_sql: int = 0


@dataclass
class ModelCall:
    """One call from its admission (or its settlement without one) to its end."""

    admission: Admission
    table: PriceTable
    line: int = 0
    failed: int = 0
    held_s: int = 0
    held: int = 0
    minutes: int = 0
    slice_no: int = 1
    granted_s: int = 0
    final: bool = False
    answered: bool = False
    settled: Settled | None = None
    acknowledged: bool = False

    @property
    def slot(self) -> str | None:
        """The slot id it has."""
        lines = self.admission.lines
        return lines[self.line - 1][0] if 1 <= self.line <= len(lines) else None


@dataclass
class Model:
    """All accounts and calls."""

    accounts: dict[str, ModelAccount]
    calls: dict[str, ModelCall] = field(default_factory=dict)

    def open_calls(self, account: str | None = None) -> list[ModelCall]:
        """Not settled; of one account or of all."""
        return [
            call
            for call in self.calls.values()
            if call.settled is None and account in (None, call.admission.account)
        ]

    def held(self, account: str) -> int:
        """The sum of the open calls' holds."""
        return sum(call.held for call in self.open_calls(account))

    def available(self, account: str) -> int:
        """What a new hold may take."""
        found = self.accounts[account]
        return found.settled + found.floor - self.held(account)

    def minutes_held(self, account: str) -> int:
        """The included minutes that its open calls hold."""
        return sum(call.minutes for call in self.open_calls(account))

    def minutes_left(self, account: str) -> int:
        """Those that a new hold may take."""
        return max(0, self.accounts[account].minutes - self.minutes_held(account))

    def did_slots(self, shard: int, did: str) -> set[str]:
        """Tokens that count for a DID."""
        return {
            call.admission.token
            for call in self.open_calls()
            if (call.admission.shard, call.admission.did) == (shard, did)
        }

    def line_slots(self, shard: int, slot: str) -> set[str]:
        """Tokens that count for a line."""
        return {
            call.admission.token
            for call in self.open_calls()
            if (call.admission.shard, call.slot) == (shard, slot)
        }

    def admit(self, asked: Admission) -> Held | NotHeld:
        """The order of refusals, then the longest hold up to the slice."""
        known = self.calls.get(asked.token)
        if known is not None:
            if known.settled:
                return NotHeld(Refusal.FAULT)
            return Held(known.line, known.held_s, known.held, known.final, known.minutes)
        available = self.available(asked.account)
        if 0 < asked.did_calls_max <= len(self.did_slots(asked.shard, asked.did)):
            return NotHeld(Refusal.TOO_MANY_CALLS, available)
        line = self.free_line(asked, after=0)
        if not line:
            return NotHeld(Refusal.LINES_BUSY, available)
        wanted_s = asked.table.whole_increments(asked.slice_s)
        left = self.minutes_left(asked.account)
        held_s = asked.table.affordable_s(max(0, available), wanted_s, left)
        if held_s < min(wanted_s, asked.table.whole_increments(1)):
            return NotHeld(Refusal.NO_CREDIT, available)
        held = asked.table.price_micros(held_s, left)
        minutes = min(left, asked.table.minutes_needed(held_s))
        final = held_s < wanted_s
        self.calls[asked.token] = ModelCall(
            asked, asked.table, line, 0, held_s, held, minutes, granted_s=held_s, final=final
        )
        return Held(line, held_s, held, final, minutes)

    def free_line(self, asked: Admission, after: int) -> int:
        """The first line after that number with a free slot; 0 if none."""
        for number, (slot, most) in enumerate(asked.lines, 1):
            used = self.line_slots(asked.shard, slot)
            if number > after and (not most or len(used) < most):
                return number
        return 0

    def next_line(self, token: str, failed: int) -> int:
        """Free the slot, look behind the failed line; a line left before changes nothing."""
        call = self.calls.get(token)
        if call is None or call.settled:
            return 0
        if not call.answered and failed > call.failed:
            call.line, call.failed = 0, failed
            call.line = self.free_line(call.admission, after=failed)
        return call.line

    def answer(self, token: str, line: int, table: PriceTable) -> bool:
        """Whether there is a meter; only the first answer counts, and a dearer table holds more."""
        call = self.calls.get(token)
        if call is None or call.settled:
            return False
        if not call.answered:
            call.answered, call.line, call.table = True, line, table
            if table.price_micros(call.held_s, call.minutes) > call.held:
                call.held_s = max(1, self.hold(call, call.held_s))
        return True

    def hold(self, call: ModelCall, upto_s: int) -> int:
        """Hold as much of `upto_s` as there is money and minutes for; the seconds paid for."""
        account = call.admission.account
        minutes = call.minutes + self.minutes_left(account)
        budget = call.held + max(0, self.available(account))
        longest_s = call.table.affordable_s(budget, upto_s, minutes)
        call.held = max(call.held, call.table.price_micros(longest_s, minutes))
        call.minutes = max(call.minutes, min(minutes, call.table.minutes_needed(longest_s)))
        return longest_s

    def extend(self, token: str, slice_no: int, slice_s: int) -> Extension | None:
        """Up to the slice's end, as far as what is held and what is available reach."""
        call = self.calls.get(token)
        if call is None or call.settled:
            return None
        if slice_no <= call.slice_no:
            granted_s = call.granted_s if slice_no == call.slice_no else 0
            return Extension(call.held_s, call.held, granted_s, call.final, call.minutes)
        upto_s = call.table.whole_increments(call.held_s + slice_s)
        before = call.held, call.minutes
        longest_s = self.hold(call, upto_s)
        if longest_s <= call.held_s:
            call.held, call.minutes = before
            call.final = True
            return Extension(call.held_s, call.held, 0, True, call.minutes)
        call.granted_s, call.held_s = longest_s - call.held_s, longest_s
        call.slice_no, call.final = slice_no, longest_s < upto_s
        return Extension(call.held_s, call.held, call.granted_s, call.final, call.minutes)

    def settle(
        self, asked: Admission, billsec: int, *, cap_at_hold: bool, exact: bool = False
    ) -> Settled:
        """The table of the answer, else that of the report, or that first if it is exact; capped
        only where something is held."""
        call = self.calls.get(asked.token)
        if call is not None and call.settled:
            return replace(call.settled, first=False)
        answered = call is not None and call.answered and not exact
        table = call.table if call is not None and answered else asked.table
        left = self.minutes_left(asked.account)
        if call is None:
            minutes = left
        else:
            outlived = billsec > call.held_s and not cap_at_hold
            minutes = call.minutes + (left if outlived else 0)
        fee = table.price_micros(billsec, minutes)
        minutes = min(minutes, table.minutes_needed(billsec))
        charged = min(fee, call.held) if call is not None and cap_at_hold else fee
        billed_s = table.billed_s(billsec)
        settled = Settled(fee, charged, fee - charged, billed_s, first=True, minutes=minutes)
        call = self.calls.setdefault(asked.token, ModelCall(asked, table))
        call.settled = settled
        self.accounts[call.admission.account].settled -= charged
        self.accounts[call.admission.account].minutes -= minutes
        return settled

    def apply_entry(
        self, account: str, seq: int, amount: int, floor: int, minutes: int = 0
    ) -> bool:
        """In order, once; what is applied SQL has too."""
        found = self.accounts[account]
        if seq == found.seq + 1:
            found.settled += amount
            found.in_sql += amount
            found.minutes += minutes
            found.minutes_in_sql += minutes
            found.seq, found.floor = seq, floor
        return seq <= found.seq

    def acknowledge(self, token: str) -> None:
        """SQL has the call's charge."""
        call = self.calls[token]
        if call.settled and not call.acknowledged:
            call.acknowledged = True
            account = self.accounts[call.admission.account]
            account.in_sql -= call.settled.charged_micros
            account.minutes_in_sql -= call.settled.minutes

    def outbox(self) -> dict[str, Settled]:
        """Settled calls that SQL does not have."""
        return {
            token: call.settled
            for token, call in self.calls.items()
            if call.settled and not call.acknowledged
        }

    def sums(self, shard: int) -> list[AccountSum]:
        """What SQL says of a shard's accounts."""
        return [
            AccountSum(name, found.in_sql, found.floor, found.seq, found.minutes_in_sql)
            for name, found in self.accounts.items()
            if shard_of(name) == shard
        ]
