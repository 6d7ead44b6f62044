"""What a provider earns by its customers' calls in a month.

Two ways, as the trade has them: a share of the call fees, in which a provider above earns the
difference between its per cent and those below it; or the margin between what its own customers
paid and what the calls cost at wholesale.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from callserver.domain.business import Provider
from callserver.domain.money import half_up, short_yuan
from callserver.domain.provider_tree import path_up, subtree

MARGIN = "margin"
STEP_MICROS = 10_000  # commissions are whole fen
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?\s*%", re.ASCII)
_WHOLE_BP = 10_000


class BadCommission(ValueError):
    """The text is neither `margin` nor per cent from 0.01 to 100."""


@dataclass(frozen=True, slots=True)
class CallUsage:
    """The calls of a provider's own customers in a month, without those of providers below it.

    `priced_fees_micros` and `cost_micros` are of the calls whose cost is known and that no
    included minutes covered: the others have no margin that a call could show.
    """

    calls: int = 0
    answered: int = 0
    billsec: int = 0
    fees_micros: int = 0
    priced_fees_micros: int = 0
    cost_micros: int = 0

    def __add__(self, other: "CallUsage") -> "CallUsage":
        return CallUsage(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(CallUsage))
        )

    @property
    def margin_micros(self) -> int:
        """What is left of the fees of calls whose cost is known."""
        return self.priced_fees_micros - self.cost_micros


@dataclass(frozen=True, slots=True)
class Terms:
    """Where a provider stood when a month was settled: its commission and who was above it."""

    commission: str | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class Earned:
    """What a provider earned; `lines` is the arithmetic, for people."""

    provider: str
    usage: CallUsage
    micros: int
    lines: tuple[str, ...]


def commission_text(text: str) -> str:
    """`margin`, or per cent in one way of writing: `12.50 %` → `12.5%`. Raises BadCommission."""
    text = text.strip()
    if text == MARGIN:
        return text
    found = _PERCENT.fullmatch(text)
    bp = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 0
    if not 1 <= bp <= _WHOLE_BP:
        raise BadCommission(f"{text!r} is neither 'margin' nor per cent such as 12.5%, at most 100")
    whole, rest = divmod(bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def share_bp(commission: str | None) -> int:
    """Hundredths of a per cent of a share; 0 where there is none."""
    found = _PERCENT.fullmatch(commission or "")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 0


def earned(terms: Mapping[str, Terms], usage: Mapping[str, CallUsage]) -> dict[str, Earned]:
    """What every provider of the tree earned by this usage (by provider)."""
    tree = {name: Provider(name, "", each.parent) for name, each in terms.items()}
    return {name: _earned(name, terms, tree, usage) for name in terms}


def _earned(
    provider: str,
    terms: Mapping[str, Terms],
    tree: Mapping[str, Provider],
    usage: Mapping[str, CallUsage],
) -> Earned:
    own = usage.get(provider, CallUsage())
    if terms[provider].commission is None:
        return Earned(provider, own, 0, ())
    if terms[provider].commission == MARGIN:
        line = (
            f"{short_yuan(own.priced_fees_micros)} at retail − {short_yuan(own.cost_micros)}"
            f" at wholesale = {short_yuan(own.margin_micros)}"
        )
        return Earned(provider, own, _whole_fen(own.margin_micros, 1), (line,))
    sums: dict[int, CallUsage] = {}
    for below in sorted(subtree(tree, provider)):
        if below in usage:
            left = _left_bp(provider, below, terms, tree)
            sums[left] = sums.get(left, CallUsage()) + usage[below]
    total = sum(left * used.fees_micros for left, used in sums.items())
    lines = tuple(
        f"{short_yuan(used.fees_micros)} × {left // 100}.{left % 100:02d} %"
        for left, used in sorted(sums.items(), reverse=True)
        if left
    )
    counted = sum((used for left, used in sums.items() if left), CallUsage())
    return Earned(provider, counted, _whole_fen(total, _WHOLE_BP), lines)


def _left_bp(top: str, below: str, terms: Mapping[str, Terms], tree: Mapping[str, Provider]) -> int:
    """What is left of the share of `top` for the calls of a provider in its tree."""
    path = path_up(tree, below)
    between = [terms[name].commission for name in path[: path.index(top)]]
    if MARGIN in between:  # it has the whole margin of its calls already
        return 0
    return max(0, share_bp(terms[top].commission) - max(map(share_bp, between), default=0))


def _whole_fen(numerator: int, denominator: int) -> int:
    """Half-up, and a loss like a gain: −0.005 is −0.01."""
    sign = -1 if numerator < 0 else 1
    return sign * half_up(abs(numerator), denominator, STEP_MICROS)
