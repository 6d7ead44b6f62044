"""An account's statement: opening + movements = closing, for money and for included minutes."""

from dataclasses import dataclass

from callserver.domain.ledger import EntryKind


@dataclass(frozen=True, slots=True)
class Movement:
    """All entries of a kind within the period."""

    kind: EntryKind
    count: int
    micros: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account over [from_ms, to_ms) of its entries' own instants."""

    account: str
    from_ms: int
    to_ms: int
    opening_micros: int
    opening_minutes: int
    movements: tuple[Movement, ...]
    """One of each kind that there was, in the order of EntryKind."""

    @property
    def closing_micros(self) -> int:
        """What the next statement opens with."""
        return self.opening_micros + sum(each.micros for each in self.movements)

    @property
    def closing_minutes(self) -> int:
        """Likewise, of included minutes."""
        return self.opening_minutes + sum(each.minutes for each in self.movements)

    @property
    def count(self) -> int:
        """Entries within the period."""
        return sum(each.count for each in self.movements)
