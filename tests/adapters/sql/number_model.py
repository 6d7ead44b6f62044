"""[R3] said once more, in the plainest way, to hold the books against."""

from dataclasses import dataclass, field

from callserver.domain.lifecycle import NumberEvent as E
from callserver.domain.lifecycle import Suspension
from callserver.domain.number_change import Command
from tests.adapters.sql.number_bed import DAY_MS, LONG, MINUTE_MS, ORDINARY, SPECIAL

TREES = {"root": 1, "north": 1, "south": 1, "leaf": 1, "rival": 2}
PERIOD_MS = {ORDINARY: 3 * DAY_MS, LONG: 30 * DAY_MS, SPECIAL: 30 * DAY_MS}
SERVES = {"acme": {"root", "north"}, "leafy": {"root", "north", "leaf"}, "elsewhere": {"rival"}}
LOCK_MS, FREEZE_MS = 30 * DAY_MS, 30 * MINUTE_MS


@dataclass
class NumberModel:
    """One number; `rich` are providers that can pay for a special one."""

    number: str
    rich: frozenset[str]
    state: str = "available"
    until_ms: int = 0
    provider: str | None = None
    approved: bool = False
    reasons: set[Suspension] = field(default_factory=set)
    last_tree: int = 0
    last_ended_ms: int = 0
    paid: int = 0

    def at(self, now_ms: int) -> None:
        """What time has done."""
        if self.state in {"reserved", "locked"} and self.until_ms <= now_ms:
            self._given_up(self.until_ms)
        if self.state == "frozen" and self.until_ms <= now_ms:
            self.state = "available"

    def takes(self, command: Command, now_ms: int) -> bool:
        """Whether the command is carried out; then it has been."""
        self.at(now_ms)
        foreign = command.provider not in {None, self.provider}
        if command.event is not E.RESERVE and foreign:
            return False
        return getattr(self, f"_{command.event.value}")(command, now_ms) is not False

    def _given_up(self, at_ms: int) -> None:
        assert self.provider is not None
        self.last_tree, self.last_ended_ms = TREES[self.provider], at_ms
        self._free(at_ms)

    def _free(self, at_ms: int) -> None:
        self.state, self.until_ms = "frozen", at_ms + FREEZE_MS
        self.provider, self.approved, self.reasons = None, False, set()

    def _reserve(self, command: Command, now_ms: int) -> bool:
        assert command.provider is not None
        waits = now_ms < self.last_ended_ms + PERIOD_MS[self.number]
        if self.state != "available" or (TREES[command.provider] == self.last_tree and waits):
            return False
        self.state, self.provider = "reserved", command.provider
        self.until_ms = now_ms + PERIOD_MS[self.number]
        return True

    def _cancel(self, _command: Command, now_ms: int) -> bool:
        if self.state != "reserved":
            return False
        self._given_up(now_ms)
        return True

    def _lock(self, command: Command, now_ms: int) -> bool:
        if self.state != "reserved" or self.provider not in SERVES[command.customer or ""]:
            return False
        if self.number == SPECIAL:
            if self.provider not in self.rich:
                return False
            self.paid += 1
        self.state, self.until_ms = "locked", now_ms + LOCK_MS
        return True

    def _drop(self, _command: Command, now_ms: int) -> bool:
        if self.state != "locked":
            return False
        self._given_up(now_ms)
        return True

    def _submit(self, _command: Command, _now_ms: int) -> bool:
        return self._goes("locked", "review")

    def _approve(self, _command: Command, _now_ms: int) -> bool:
        if self.state != "review" or self.approved:
            return False
        self.approved = True
        return True

    def _reject(self, _command: Command, now_ms: int) -> bool:
        if not self._goes("review", "locked"):
            return False
        self.approved, self.until_ms = False, now_ms + LOCK_MS
        return True

    def _activate(self, _command: Command, _now_ms: int) -> bool:
        if not self.approved or not self._goes("review", "active"):
            return False
        self.approved, self.last_tree = False, 0
        return True

    def _suspend(self, command: Command, _now_ms: int) -> bool:
        assert command.suspension is not None
        if self.state not in {"active", "suspended"} or command.suspension in self.reasons:
            return False
        self.reasons.add(command.suspension)
        self.state = "suspended"
        return True

    def _resume(self, command: Command, _now_ms: int) -> bool:
        if self.state != "suspended" or command.suspension not in self.reasons:
            return False
        self.reasons.discard(command.suspension)
        self.state = "suspended" if self.reasons else "active"
        return True

    def _close(self, _command: Command, now_ms: int) -> bool:
        if self.state not in {"active", "suspended"}:
            return False
        self._free(now_ms)
        return True

    def _goes(self, before: str, after: str) -> bool:
        if self.state != before:
            return False
        self.state = after
        return True
