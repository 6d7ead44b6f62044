"""Tariffs in an import: the same terms are the same version, other terms a new one."""

from collections.abc import Sequence
from dataclasses import replace

from callserver.domain.band import BANDS_MAX, Band
from callserver.domain.business import Catalogue
from callserver.domain.import_set import ImportProblem, ImportSet, Item, TariffRow
from callserver.domain.tariff import TariffVersion

_ALWAYS_MS = 0


def with_bands(rows: ImportSet, problems: list[ImportProblem]) -> list[Item[TariffRow]]:
    """The tariffs with the bands that were written for them. Adds to `problems`."""
    bands: dict[tuple[str, int | None], list[Band]] = {
        _key_of(item.row): [] for item in rows.tariffs
    }
    for item in rows.tariff_bands:
        row = item.row
        listed = bands.get((row.tariff, row.effective_from_ms))
        if listed is None:
            reason = (
                f"there is no tariff {row.tariff!r} of that moment in the files: a version's bands"
                " come with it"
            )
            problems.append(item.problem(reason, "tariff"))
            continue
        listed.append(row.band)
        if len(listed) == BANDS_MAX + 1:
            problems.append(item.problem(f"more than {BANDS_MAX} bands of {row.tariff!r}"))
    return [
        replace(item, row=replace(item.row, terms=replace(item.row.terms, bands=tuple(found))))
        if (found := bands[_key_of(item.row)])
        else item
        for item in rows.tariffs
    ]


def _key_of(row: TariffRow) -> tuple[str, int | None]:
    return row.terms.tariff, row.effective_from_ms


def new_versions(
    catalogue: Catalogue,
    items: Sequence[Item[TariffRow]],
    now_ms: int,
    problems: list[ImportProblem],
) -> list[TariffVersion]:
    """The versions to add, numbered on from those in the books. Adds to `problems`.

    With `effective_from` a row is the version of that moment: the same terms are no change, others
    a problem, since versions are immutable. Without it the row is the tariff from now on: the terms
    of the version in force are no change, others take effect at `now_ms`; the first version of a
    tariff always has been in effect.
    """
    known = {name: list(versions) for name, versions in catalogue.tariffs.items()}
    undated: dict[str, Item[TariffRow]] = {}
    added: list[TariffVersion] = []
    for item in items:
        row = item.row
        versions = known.setdefault(row.terms.tariff, [])
        if row.effective_from_ms is None:
            first = undated.setdefault(row.terms.tariff, item)
            if first is not item:
                reason = f"this tariff is at {first.file}:{first.line} already; give effective_from"
                problems.append(item.problem(reason, "id"))
                continue
        new = _version(row, versions, now_ms)
        same_moment = [v for v in versions if v.effective_from_ms == new.effective_from_ms]
        if _in_force(versions, row, new) or any(_same_terms(v, new) for v in same_moment):
            continue
        if same_moment:
            reason = (
                f"tariff {new.tariff!r} has other terms from that moment on, and versions are"
                " immutable: give a later effective_from"
            )
            problems.append(item.problem(reason, "effective_from"))
            continue
        versions.append(new)
        added.append(new)
    return added


def _version(row: TariffRow, versions: list[TariffVersion], now_ms: int) -> TariffVersion:
    moment = row.effective_from_ms
    if moment is None:
        moment = now_ms if versions else _ALWAYS_MS
    number = max((version.version for version in versions), default=0) + 1
    return replace(row.terms, version=number, effective_from_ms=moment)


def _in_force(versions: list[TariffVersion], row: TariffRow, new: TariffVersion) -> bool:
    """Whether an undated row says what the version of its moment says already."""
    if row.effective_from_ms is not None:
        return False
    before = [v for v in versions if v.effective_from_ms <= new.effective_from_ms]
    return bool(before) and _same_terms(max(before, key=lambda v: v.effective_from_ms), new)


def _same_terms(one: TariffVersion, other: TariffVersion) -> bool:
    return replace(one, version=0, effective_from_ms=0) == replace(
        other, version=0, effective_from_ms=0
    )
