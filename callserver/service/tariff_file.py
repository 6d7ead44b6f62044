"""Tariffs straight from files, without books: to see what they would charge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from callserver.domain.business import Catalogue
from callserver.domain.holidays import Holiday
from callserver.domain.import_set import ImportProblem
from callserver.domain.import_tariffs import new_versions, with_bands
from callserver.domain.tariff import TariffVersion
from callserver.service.importing import SourceFile, parse


@dataclass(frozen=True, slots=True)
class TariffFiles:
    """What the files hold: versions of each tariff by their moment, and days."""

    tariffs: Mapping[str, tuple[TariffVersion, ...]]
    holidays: Mapping[date, Holiday]


def read_tariffs(files: Sequence[SourceFile], tariff_id: str) -> TariffFiles | list[ImportProblem]:
    """The tariffs of the files, read as an import reads them, or every problem in them.

    A version without `effective_from` always has been in effect. A lone tariff without an id is
    called `tariff_id`. What else the files hold is read, and left.
    """
    rows = parse(files, tariff_id=tariff_id)
    if isinstance(rows, list):
        return rows
    problems: list[ImportProblem] = []
    versions = new_versions(Catalogue(0), with_bands(rows, problems), 0, problems)
    days: dict[date, Holiday] = {}
    for item in rows.holidays:
        if days.setdefault(item.row.day, item.row) is not item.row:
            problems.append(item.problem("this day is there already", "date"))
    if problems:
        return problems
    tariffs: dict[str, list[TariffVersion]] = {}
    for version in sorted(versions, key=lambda each: each.effective_from_ms):
        tariffs.setdefault(version.tariff, []).append(version)
    return TariffFiles({name: tuple(found) for name, found in tariffs.items()}, days)
