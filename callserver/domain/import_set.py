"""What an import brings: rows that are right in themselves, each knowing where it was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from unicodedata import category

from callserver.domain.band import Band
from callserver.domain.business import BlockEntry, Customer, Did, NumberState, Provider
from callserver.domain.features import FeatureVersion
from callserver.domain.holidays import Holiday
from callserver.domain.minimum import MinimumWish
from callserver.domain.offers import FeatureRow, MinimumRow, PlanRow
from callserver.domain.plans import PlanVersion
from callserver.domain.tariff import TariffVersion

Row = TypeVar("Row")

Layout = Mapping[str, tuple[int, int]]
"""Where a record's keys stand: lines below its first line, and the column. Shared by records."""


def _visible(char: str) -> str:
    """The character, escaped if it is none to see: `\\n`, `\\u202e`; spaces of any width stay."""
    if char.isprintable() or category(char) == "Zs":
        return char
    return char.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True, order=True)
class ImportProblem:
    """Why a file can't be imported. `line` is 1-based, 0: the file as a whole.

    `column` is the character in a TOML line, the field in a CSV line, 1-based. What `reason` quotes
    of the file can't split or turn it around: control and format characters come out escaped.
    """

    file: str
    line: int
    column: int | None
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.isprintable():
            object.__setattr__(self, "reason", "".join(map(_visible, self.reason)))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        if self.line and self.column:
            where = f"{where}:{self.column}"
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Item(Generic[Row]):
    """A row and where it was written."""

    row: Row
    file: str
    line: int
    layout: Layout

    def problem(self, reason: str, key: str | None = None) -> ImportProblem:
        """A problem with this row, at the key if it is written there."""
        below, column = self.layout.get(key, (0, 0)) if key else (0, 0)
        return ImportProblem(self.file, self.line + below, column or None, reason)


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A tariff as written. `effective_from_ms` None: from the import on (a first version: always).

    `terms` holds the prices; its version and effective_from_ms mean nothing.
    """

    terms: TariffVersion
    effective_from_ms: int | None


@dataclass(frozen=True, slots=True)
class BandRow:
    """A band as written, of the tariff record with this id and moment."""

    tariff: str
    effective_from_ms: int | None
    band: Band


@dataclass(frozen=True, slots=True)
class DidRow:
    """A number as written. `state` None: as it is, active for a new one."""

    number: str
    customer: str
    state: NumberState | None
    calls_max: int
    tariff: str | None


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """A line as written; a DID's lines are tried in the order of the file."""

    did: str
    number: str
    trunk: str
    ring_s: int
    calls_max: int


class RowDeclined(Exception):
    """A rule of the trade says no to one row, and nothing was written. `kind` is its plural."""

    def __init__(self, kind: str, key: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.key = key
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ImportSet:
    """All rows of the files, in the order they were written."""

    providers: tuple[Item[Provider], ...] = ()
    tariffs: tuple[Item[TariffRow], ...] = ()
    tariff_bands: tuple[Item[BandRow], ...] = ()
    customers: tuple[Item[Customer], ...] = ()
    dids: tuple[Item[DidRow], ...] = ()
    destinations: tuple[Item[DestinationRow], ...] = ()
    blacklist: tuple[Item[BlockEntry], ...] = ()
    holidays: tuple[Item[Holiday], ...] = ()
    features: tuple[Item[FeatureRow], ...] = ()
    plans: tuple[Item[PlanRow], ...] = ()
    minimums: tuple[Item[MinimumRow], ...] = ()

    @property
    def has_offers(self) -> bool:
        """Whether more than business data is in the files."""
        return bool(self.features or self.plans or self.minimums)


@dataclass(frozen=True, slots=True)
class ImportChanges:
    """What is to be written, worked out on catalogue `base_version`.

    Providers come parents first. `dids` are rows to insert or update without their lines; `routes`
    replace all lines of a DID. `floors_changed` are known accounts whose credit limit moves.
    """

    base_version: int
    providers: tuple[Provider, ...] = ()
    tariff_versions: tuple[TariffVersion, ...] = ()
    customers: tuple[Customer, ...] = ()
    dids: tuple[Did, ...] = ()
    routes: Mapping[str, tuple[DestinationRow, ...]] = field(default_factory=dict)
    blacklist: tuple[BlockEntry, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    features: tuple[FeatureVersion, ...] = ()
    plans: tuple[PlanVersion, ...] = ()
    minimums: tuple[MinimumWish, ...] = ()
    floors_changed: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many of each kind are new or changed."""
        return {
            "providers": len(self.providers),
            "tariffs": len(self.tariff_versions),
            "customers": len(self.customers),
            "dids": len(self.dids),
            "routes": len(self.routes),
            "blacklist": len(self.blacklist),
            "holidays": len(self.holidays),
            "features": len(self.features),
            "plans": len(self.plans),
            "minimums": len(self.minimums),
        }

    def is_empty(self) -> bool:
        """True where the books already say what the files say."""
        return not any(self.counts().values())
