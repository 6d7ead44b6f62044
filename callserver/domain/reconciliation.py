"""[R2] The daily comparison: a provider's deductions of a day equal its ledger's feature debits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class FeatureEntry:
    """A ledger entry that is about a feature: a fee, or the reversal of one."""

    id: int
    provider: str
    amount_micros: int


@dataclass(frozen=True, slots=True)
class DeductedEntry:
    """A deduction and the entry that it says it made."""

    deduction: int
    provider: str
    fee_micros: int
    entry: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What does not fit, for people. Ids are those of the rows; None: there is none."""

    deduction: int | None
    entry: int | None
    why: str


@dataclass(frozen=True, slots=True)
class ProviderDay:
    """One provider's day. Sums are what the provider paid: positive micros."""

    provider: str
    day: date
    deductions: int
    deducted_micros: int
    entries: int
    debited_micros: int
    differences: tuple[Difference, ...]

    @property
    def difference_micros(self) -> int:
        """Deducted less debited."""
        return self.deducted_micros - self.debited_micros

    @property
    def agrees(self) -> bool:
        """Whether the sums are equal, and row fits row: two faults may add up to nothing."""
        return not self.differences and not self.difference_micros


def reconcile(
    day: date, deductions: Iterable[DeductedEntry], entries: Iterable[FeatureEntry]
) -> tuple[ProviderDay, ...]:
    """Compare a day's deductions with the day's feature entries, provider by provider."""
    deducted: dict[str, list[DeductedEntry]] = {}
    for row in deductions:
        deducted.setdefault(row.provider, []).append(row)
    debited: dict[str, dict[int, FeatureEntry]] = {}
    for entry in entries:
        debited.setdefault(entry.provider, {})[entry.id] = entry
    return tuple(
        _provider_day(provider, day, deducted.get(provider, []), debited.get(provider, {}))
        for provider in sorted(deducted.keys() | debited.keys())
    )


def _provider_day(
    provider: str, day: date, rows: list[DeductedEntry], entries: Mapping[int, FeatureEntry]
) -> ProviderDay:
    return ProviderDay(
        provider=provider,
        day=day,
        deductions=len(rows),
        deducted_micros=sum(row.fee_micros for row in rows),
        entries=len(entries),
        debited_micros=-sum(entry.amount_micros for entry in entries.values()),
        differences=tuple(_differences(rows, entries)),
    )


def _differences(
    rows: list[DeductedEntry], entries: Mapping[int, FeatureEntry]
) -> Iterable[Difference]:
    claimed: set[int] = set()
    for row in rows:
        entry = entries.get(row.entry)
        if entry is None:
            yield Difference(row.deduction, row.entry, "the ledger has no such debit on this day")
        elif row.entry in claimed:
            yield Difference(row.deduction, row.entry, "another deduction has this debit")
        elif entry.amount_micros != -row.fee_micros:
            yield Difference(row.deduction, row.entry, "the amounts differ")
        claimed.add(row.entry)
    for entry_id in entries.keys() - claimed:
        yield Difference(None, entry_id, "no deduction explains this debit")
