"""Holds an import against the books: references, duplicates, and what would change."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from callserver.domain.billing_month import shanghai_day
from callserver.domain.business import BlockEntry, Catalogue, Customer, Did, NumberState, Provider
from callserver.domain.holidays import Holiday
from callserver.domain.import_offers import OfferCheck
from callserver.domain.import_set import (
    DestinationRow,
    DidRow,
    ImportChanges,
    ImportProblem,
    ImportSet,
    Item,
)
from callserver.domain.import_tariffs import new_versions, with_bands
from callserver.domain.offers import Offers

Row = TypeVar("Row")
Key = TypeVar("Key")

LINES_MAX = 20  # the dialplan walks no more (CS_LINES)


def plan_import(
    catalogue: Catalogue, rows: ImportSet, now_ms: int, offers: Offers | None = None
) -> ImportChanges | list[ImportProblem]:
    """What the files would change, or every problem found, in the order of the files."""
    tariffs = {item.row.terms.tariff for item in rows.tariffs} | set(catalogue.tariffs)
    check = _Check(catalogue, rows, [], frozenset(tariffs))
    providers = check.providers()
    priced = with_bands(rows, check.problems)
    versions = new_versions(catalogue, priced, now_ms, check.problems)
    customers = check.customers()
    dids = check.dids()
    routes = check.routes()
    blacklist = check.blacklist()
    holidays = check.holidays()
    offered = OfferCheck(
        offers or Offers(),
        rows,
        frozenset(item.row.number for item in rows.dids) | frozenset(catalogue.dids)
        if rows.minimums
        else frozenset(),
        check.tariffs,
        shanghai_day(now_ms),
        check.problems,
    )
    features, plans, minimums = offered.features(), offered.plans(), offered.minimums()
    if check.problems:
        return sorted(check.problems, key=lambda each: (each.file, each.line, each.column or 0))
    return ImportChanges(
        base_version=catalogue.version,
        providers=providers,
        tariff_versions=tuple(versions),
        customers=customers,
        dids=dids,
        routes=routes,
        blacklist=blacklist,
        holidays=holidays,
        features=features,
        plans=plans,
        minimums=minimums,
        floors_changed=tuple(
            each.id
            for each in customers
            if (known := catalogue.customers.get(each.id))
            and known.floor_micros != each.floor_micros
        ),
    )


@dataclass(frozen=True, slots=True)
class _Check:
    catalogue: Catalogue
    rows: ImportSet
    problems: list[ImportProblem]
    tariffs: frozenset[str]

    def providers(self) -> tuple[Provider, ...]:
        """New and changed ones, parents first."""
        written = self._unique(self.rows.providers, lambda row: row.id, "id", "provider")
        above = {each.id: each.parent for each in self.catalogue.providers.values()}
        above |= {name: item.row.parent for name, item in written.items()}
        depth: dict[str, int] = {}
        for name, item in written.items():
            parent = item.row.parent
            if parent is not None and parent not in above:
                self._missing(item, "parent", "provider", parent)
            elif (steps := _steps_up(above, name)) is None:
                self._add(item.problem(f"provider {name!r} would be above itself", "parent"))
            else:
                depth[name] = steps
            self._tariff(item, item.row.tariff)
            self._tariff(item, item.row.cost_tariff, "cost_tariff")
        known = self.catalogue.providers
        changed = [item.row for item in written.values() if item.row != known.get(item.row.id)]
        return tuple(sorted(changed, key=lambda each: depth.get(each.id, 0)))

    def customers(self) -> tuple[Customer, ...]:
        """New and changed ones."""
        written = self._unique(self.rows.customers, lambda row: row.id, "id", "customer")
        providers = {item.row.id for item in self.rows.providers} | set(self.catalogue.providers)
        for item in written.values():
            if item.row.provider not in providers:
                self._missing(item, "provider", "provider", item.row.provider)
            self._tariff(item, item.row.tariff)
        known = self.catalogue.customers
        return tuple(i.row for i in written.values() if i.row != known.get(i.row.id))

    def dids(self) -> tuple[Did, ...]:
        """New and changed ones, their lines left out."""
        changed = []
        written = self._unique(self.rows.dids, lambda row: row.number, "number", "number")
        customers = self._customer_ids()
        for item in written.values():
            row, known = item.row, self.catalogue.dids.get(item.row.number)
            if row.customer not in customers:
                self._missing(item, "customer", "customer", row.customer)
            self._tariff(item, row.tariff)
            if (
                known
                and known.customer != row.customer
                and known.state is not NumberState.AVAILABLE
            ):
                reason = (
                    f"{row.number} belongs to customer {known.customer!r}; before it changes "
                    'hands, import it for them with state = "available"'
                )
                self._add(item.problem(reason, "customer"))
            new = _did(row, known)
            if known is None or new != replace(known, destinations=()):
                changed.append(new)
        return tuple(changed)

    def routes(self) -> Mapping[str, tuple[DestinationRow, ...]]:
        """The lines of each DID that the files give lines to, where they differ.

        One that changes hands loses its lines, which are the former customer's, unless it gets new.
        """
        written: dict[str, list[DestinationRow]] = {did: [] for did in self._handed_over()}
        numbers = {item.row.number for item in self.rows.dids}
        for item in self.rows.destinations:
            row = item.row
            if row.did not in numbers and row.did not in self.catalogue.dids:
                self._missing(item, "did", "number", row.did)
                continue
            lines = written.setdefault(row.did, [])
            if any(line.number == row.number for line in lines):
                reason = f"{row.number} is a destination of {row.did} already"
                self._add(item.problem(reason, "number"))
            lines.append(row)
            if len(lines) == LINES_MAX + 1:
                self._add(item.problem(f"{row.did} has more than {LINES_MAX} destinations"))
        return {did: tuple(rows) for did, rows in written.items() if rows != self._lines(did)}

    def blacklist(self) -> tuple[BlockEntry, ...]:
        """Entries that are not there yet."""
        written = self._unique(self.rows.blacklist, lambda row: row, "value", "entry")
        owners = {item.row.number: item.row.customer for item in self.rows.dids}
        customers = self._customer_ids()
        for item in written.values():
            row = item.row
            if row.customer not in customers:
                self._missing(item, "customer", "customer", row.customer)
            elif row.did is not None:
                known = self.catalogue.dids.get(row.did)
                owner = owners.get(row.did) or (known.customer if known else None)
                if owner is None:
                    self._missing(item, "did", "number", row.did)
                elif owner != row.customer:
                    reason = f"{row.did} is a number of customer {owner!r}, not {row.customer!r}"
                    self._add(item.problem(reason, "did"))
        entries = self.catalogue.blacklist.values()
        known_entries = {entry for listed in entries for entry in listed}
        return tuple(row for row in written if row not in known_entries)

    def holidays(self) -> tuple[Holiday, ...]:
        """New and changed days."""
        written = self._unique(self.rows.holidays, lambda row: row.day, "date", "day")
        known = self.catalogue.holidays
        return tuple(i.row for i in written.values() if i.row != known.get(i.row.day))

    def _customer_ids(self) -> set[str]:
        return {item.row.id for item in self.rows.customers} | set(self.catalogue.customers)

    def _handed_over(self) -> Iterable[str]:
        for item in self.rows.dids:
            known = self.catalogue.dids.get(item.row.number)
            if known and known.customer != item.row.customer:
                yield item.row.number

    def _lines(self, did: str) -> list[DestinationRow]:
        known = self.catalogue.dids.get(did)
        return [
            DestinationRow(did, line.number, line.trunk, line.ring_s, line.calls_max)
            for line in (known.destinations if known else ())
        ]

    def _tariff(self, item: Item[Row], tariff: str | None, key: str = "tariff") -> None:
        if tariff is not None and tariff not in self.tariffs:
            self._missing(item, key, "tariff", tariff)

    def _unique(
        self,
        items: Iterable[Item[Row]],
        key_of: Callable[[Row], Key],
        key: str,
        kind: str,
    ) -> dict[Key, Item[Row]]:
        first: dict[Key, Item[Row]] = {}
        for item in items:
            found = first.setdefault(key_of(item.row), item)
            if found is not item:
                reason = f"this {kind} is at {found.file}:{found.line} already"
                self._add(item.problem(reason, key))
        return first

    def _missing(self, item: Item[Row], key: str, kind: str, name: str) -> None:
        self._add(item.problem(f"there is no {kind} {name!r}, in the files or in the books", key))

    def _add(self, problem: ImportProblem) -> None:
        self.problems.append(problem)


def _did(row: DidRow, known: Did | None) -> Did:
    state = row.state or (known.state if known else NumberState.ACTIVE)
    return Did(row.number, row.customer, state, (), row.calls_max, row.tariff)


def _steps_up(above: Mapping[str, str | None], name: str) -> int | None:
    """How many providers are above this one; None where they go round in a ring."""
    seen = {name}
    parent = above.get(name)
    while parent is not None:
        if parent in seen:
            return None
        seen.add(parent)
        parent = above.get(parent)
    return len(seen) - 1
