"""What the world does in a simulated call, and what the PBX noted of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reaction(StrEnum):
    """What a dialled line does; the value is Asterisk's DIALSTATUS."""

    ANSWERS = "ANSWER"
    BUSY = "BUSY"
    RINGS_ON = "NOANSWER"
    CONGESTED = "CONGESTION"


@dataclass(frozen=True, slots=True)
class LineBehaviour:
    """How a line reacts, and how many seconds after it was dialled (RINGS_ON: never)."""

    reaction: Reaction
    after_s: float = 0.2


@dataclass(frozen=True, slots=True)
class CallScript:
    """One call: who calls, how each dialled line reacts in turn, how long they talk.

    `caller` is the number as a trunk presents it. Lines dialled beyond `lines` are busy.
    `gives_up_s` seconds after the first ring the caller hangs up if nobody has answered.
    """

    did: str
    caller: str
    lines: Sequence[LineBehaviour] = (LineBehaviour(Reaction.ANSWERS),)
    talk_s: float = 1.0
    callee_hangs_up: bool = False
    gives_up_s: float | None = None

    def line(self, attempt: int) -> LineBehaviour:
        """How the line dialled in attempt 0, 1, … reacts."""
        if attempt < len(self.lines):
            return self.lines[attempt]
        return LineBehaviour(Reaction.BUSY)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """The PBX's own note of a call. Instants are microseconds of its clock; 0: never.

    `dial_status` is empty if nothing was dialled, `refused` the server's reason or empty;
    `trunk_caller` is the caller as presented, `destination` the number dialled last.
    """

    uniqueid: str
    did: str
    trunk_caller: str
    started_us: int
    rang_us: int
    answered_us: int
    ended_us: int
    dial_status: str
    refused: str
    cause: int
    hung_up_by: str
    destination: str
    tried: str

    @property
    def billsec(self) -> int:
        """Answered seconds by the PBX's clock, whole ones, at least 1 if it was answered."""
        if not self.answered_us:
            return 0
        return max(1, (self.ended_us - self.answered_us) // 1_000_000)
