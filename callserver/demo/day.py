"""A day of calls in a minute: who calls whom, and how it goes, all from one seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from callserver.demo import business
from callserver.demo.pbx.script import CallScript, LineBehaviour, Reaction

# First digits of real mobile blocks, and area codes; the rest of a number is drawn.
MOBILE_BLOCKS = (
    *("1380000", "1380021", "1380009", "1380220", "1380057", "1380028", "1380029"),
    *("1380026", "1380004", "1380087", "1380089", "1380099", "1388900", "1380025"),
)
LANDLINES = ("0106512", "0216433", "0208331", "02886700", "05718765", "07558299", "08716515")
# How trunks present a number; landlines also come without their zero after the country code.
FORMS: tuple[Callable[[str], str], ...] = (
    lambda number: number,
    lambda number: f"+86{number.lstrip('0')}",
    lambda number: f"0086{number.lstrip('0')}",
    lambda number: f"86{number.lstrip('0')}",
)

_OPEN_DIDS = (business.CLINIC_DID, business.TEA_DID, business.FREIGHT_DID)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call of the day: it comes `at_s` seconds after the first."""

    at_s: float
    kind: str
    caller: str
    """In canonical form, empty if withheld: what the CDR must say."""
    script: CallScript


def plan_day(seed: int, calls: int, rate: float) -> list[PlannedCall]:
    """`calls` calls, `rate` a second on average. Each kind comes once before any comes twice."""
    dice = random.Random(seed)
    kinds = list(_KINDS)
    dealt = kinds[:calls] + dice.choices(kinds, list(_WEIGHTS), k=max(0, calls - len(kinds)))
    dice.shuffle(dealt)
    day: list[PlannedCall] = []
    for index, kind in enumerate(dealt):
        at_s = (index + dice.uniform(-0.4, 0.4)) / rate if index else 0.0
        day.append(_planned(dice, kind, at_s))
    return day


def _planned(dice: random.Random, kind: str, at_s: float) -> PlannedCall:
    if kind == "blocked":
        caller = business.BLOCKED_CALLER
    elif kind == "withheld":
        caller = ""
    else:
        caller = _caller(dice)
    presented = dice.choice(FORMS)(caller) if caller else "anonymous"
    return PlannedCall(at_s, kind, caller, _KINDS[kind](dice, presented))


def _caller(dice: random.Random) -> str:
    start = dice.choice(MOBILE_BLOCKS if dice.random() < 0.7 else LANDLINES)
    code_digits = 3 if start.startswith(("010", "02")) else 4
    length = 11 if start.startswith("1") else code_digits + 8
    return start + "".join(dice.choices("0123456789", k=length - len(start)))


def _talk_s(dice: random.Random) -> float:
    """Seconds of talk, never near a whole one: there the two ends of a wire may differ."""
    return dice.randint(1, 5) + dice.uniform(0.25, 0.75)


def _answers(dice: random.Random) -> LineBehaviour:
    return LineBehaviour(Reaction.ANSWERS, dice.uniform(0.2, 1.2))


def _answered(dice: random.Random, caller: str) -> CallScript:
    did, callee_hangs_up = dice.choice(_OPEN_DIDS), dice.random() < 0.4
    return CallScript(did, caller, (_answers(dice),), _talk_s(dice), callee_hangs_up)


def _overflow(dice: random.Random, caller: str) -> CallScript:
    busy = LineBehaviour(Reaction.BUSY, dice.uniform(0.1, 0.4))
    return CallScript(dice.choice(_OPEN_DIDS), caller, (busy, _answers(dice)), _talk_s(dice))


def _next_answers(dice: random.Random, caller: str) -> CallScript:
    rings_on = LineBehaviour(Reaction.RINGS_ON)
    return CallScript(dice.choice(_OPEN_DIDS), caller, (rings_on, _answers(dice)), _talk_s(dice))


def _nobody(dice: random.Random, caller: str) -> CallScript:
    ring_out = (LineBehaviour(Reaction.RINGS_ON), LineBehaviour(Reaction.RINGS_ON))
    return CallScript(business.NIGHT_DID, caller, ring_out)


def _all_busy(dice: random.Random, caller: str) -> CallScript:
    busy = tuple(LineBehaviour(Reaction.BUSY, dice.uniform(0.1, 0.3)) for _ in range(2))
    return CallScript(business.CROWDED_DID, caller, busy)


def _gives_up(dice: random.Random, caller: str) -> CallScript:
    rings_on = (LineBehaviour(Reaction.RINGS_ON),)
    return CallScript(business.NIGHT_DID, caller, rings_on, gives_up_s=dice.uniform(0.5, 1.5))


def _to(did: str) -> Callable[[random.Random, str], CallScript]:
    return lambda dice, caller: CallScript(did, caller, (_answers(dice),), _talk_s(dice))


def _runs_out(dice: random.Random, caller: str) -> CallScript:
    return CallScript(business.TAXI_DID, caller, (_answers(dice),), talk_s=6.4)


_KINDS: dict[str, Callable[[random.Random, str], CallScript]] = {
    "answered": _answered,
    "overflow": _overflow,
    "no_credit": _to(business.FLORIST_DID),
    "runs_out": _runs_out,
    "next_answers": _next_answers,
    "blocked": _to(business.TEA_DID),
    "gives_up": _gives_up,
    "nobody": _nobody,
    "all_busy": _all_busy,
    "unknown": _to(business.UNKNOWN_DID),
    "suspended": _to(business.CLOSED_DID),
    "withheld": _answered,
}
_WEIGHTS = (50, 14, 5, 1, 7, 3, 6, 5, 3, 2, 2, 2)
