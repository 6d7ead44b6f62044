"""Features, plans and minimums in an import: what is new, and what cannot be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from callserver.domain.features import FeatureVersion
from callserver.domain.import_set import ImportProblem, ImportSet, Item
from callserver.domain.minimum import MinimumWish
from callserver.domain.offers import FeatureRow, MinimumRow, Offers, PlanRow
from callserver.domain.plans import PlanVersion

_NO_DAY = date.min
Version = TypeVar("Version", FeatureVersion, PlanVersion)
OfferRow = TypeVar("OfferRow", FeatureRow, PlanRow)


@dataclass(frozen=True, slots=True)
class OfferCheck:
    """Holds the rows against the books. `dids` and `tariffs` are those of files and books."""

    offers: Offers
    rows: ImportSet
    dids: frozenset[str]
    tariffs: frozenset[str]
    today: date
    problems: list[ImportProblem]

    def features(self) -> tuple[FeatureVersion, ...]:
        """Versions to add."""
        return self._new(self.rows.features, self.offers.features, "feature", lambda v: v.feature)

    def plans(self) -> tuple[PlanVersion, ...]:
        """Versions to add."""
        for item in self.rows.plans:
            wanted = item.row.terms.tariff
            if wanted is not None and wanted not in self.tariffs:
                reason = f"there is no tariff {wanted!r}, in the files or in the books"
                self.problems.append(item.problem(reason, "tariff"))
        return self._new(self.rows.plans, self.offers.plans, "plan", lambda v: v.plan)

    def minimums(self) -> tuple[MinimumWish, ...]:
        """What is asked for and does not hold already."""
        wishes = []
        first: dict[str, Item[MinimumRow]] = {}
        for item in self.rows.minimums:
            row = item.row
            before = first.setdefault(row.did, item)
            if before is not item:
                reason = f"this number's minimum is at {before.file}:{before.line} already"
                self.problems.append(item.problem(reason, "did"))
            elif row.did not in self.dids:
                reason = f"there is no number {row.did!r}, in the files or in the books"
                self.problems.append(item.problem(reason, "did"))
            elif not self._holds(row):
                wishes.append(self._wish(row))
        return tuple(wishes)

    def _holds(self, row: MinimumRow) -> bool:
        known = self.offers.minimums.get(row.did)
        if known is None:
            return row.amount_micros == 0
        if row.at_rate_micros is None:
            return known.terms.amount_micros == row.amount_micros
        asked = (row.amount_micros, row.at_rate_micros)
        return (known.terms.based_micros, known.terms.based_rate_micros) == asked

    def _wish(self, row: MinimumRow) -> MinimumWish:
        known = self.offers.minimums.get(row.did)
        following = known.seq + 1 if known else 1
        return MinimumWish(
            row.did,
            row.amount_micros,
            f"import:{row.did}:{following}:{row.amount_micros}:{row.at_rate_micros or 0}",
            row.confirmed,
            row.at_rate_micros,
            row.reason,
        )

    def _new(
        self,
        items: Sequence[Item[OfferRow]],
        books: Mapping[str, Sequence[Version]],
        kind: str,
        id_of: Callable[[Version], str],
    ) -> tuple[Version, ...]:
        """Dated rows are the version of that day; undated ones what holds from today on."""
        known = {name: list(versions) for name, versions in books.items()}
        added: list[Version] = []
        for item in items:
            terms: Version = item.row.terms  # type: ignore[assignment]  # a row's terms are its versions
            versions = known.setdefault(id_of(terms), [])
            if versions and versions[0].name != terms.name:
                reason = f"{kind} {id_of(terms)!r} is called {versions[0].name!r}; names stay"
                self.problems.append(item.problem(reason, "name"))
                continue
            day = item.row.effective_from or self.today
            new = replace(terms, effective_from=day)
            if _in_force(versions, item.row.effective_from, new):
                continue
            if any(each.effective_from == day for each in versions):
                reason = (
                    f"{kind} {id_of(terms)!r} has other terms from {day} on, and versions are"
                    " immutable: give a later effective_from"
                )
                self.problems.append(item.problem(reason, "effective_from"))
                continue
            if id_of(terms) in books and day < self.today:
                reason = f"a new version of a {kind} begins today or later"
                self.problems.append(item.problem(reason, "effective_from"))
                continue
            versions.append(new)
            added.append(new)
        return tuple(added)


def _in_force(versions: Sequence[Version], dated: date | None, new: Version) -> bool:
    """Whether the books say already what the row says."""
    if dated is not None:
        return any(_terms(each) == _terms(new) for each in versions if each.effective_from == dated)
    before = [each for each in versions if each.effective_from <= new.effective_from]
    if not before:
        return False
    last = max(before, key=lambda each: each.effective_from)
    return _terms(last, dated=False) == _terms(new, dated=False)


def _terms(version: Version, *, dated: bool = True) -> Version:
    if dated:
        return replace(version, version=0)
    return replace(version, version=0, effective_from=_NO_DAY)
