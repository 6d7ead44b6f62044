"""Tariffs in an import become immutable versions."""

from collections.abc import Sequence
from dataclasses import replace

from callserver.domain.band import BANDS_MAX, Band
from callserver.domain.business import Catalogue
from callserver.domain.import_set import BandRow, ImportProblem, ImportSet, Item, TariffRow
from callserver.domain.import_tariffs import new_versions, with_bands
from callserver.domain.tariff import TariffVersion

NOW = 1_000
V1 = TariffVersion("std", 1, 0, 150_000)


def item(line: int, rate_micros: int, at: int | None = None) -> Item[TariffRow]:
    return Item(TariffRow(TariffVersion("std", 0, 0, rate_micros), at), "t.toml", line, {})


def run(
    known: Sequence[TariffVersion], *items: Item[TariffRow]
) -> tuple[list[TariffVersion], list[ImportProblem]]:
    problems: list[ImportProblem] = []
    catalogue = Catalogue(1, tariffs={"std": tuple(known)} if known else {})
    return new_versions(catalogue, items, NOW, problems), problems


def test_the_first_version_has_always_been_in_effect() -> None:
    """So that no call, however the clocks differ, is without a tariff."""
    assert run([], item(1, 150_000)) == ([V1], [])


def test_the_same_terms_are_no_change() -> None:
    """Importing the same file again adds nothing."""
    assert run([V1], item(1, 150_000)) == ([], [])


def test_other_terms_are_a_new_version_from_now() -> None:
    """The old one stays for the calls that have it."""
    new = replace(V1, version=2, effective_from_ms=NOW, rate_micros=120_000)
    assert run([V1], item(1, 120_000)) == ([new], [])


def test_going_back_to_old_terms_is_a_third_version() -> None:
    """It is the terms in force that count, not whether they were ever written."""
    v2 = replace(V1, version=2, effective_from_ms=500, rate_micros=120_000)
    assert run([V1, v2], item(1, 150_000)) == ([replace(V1, version=3, effective_from_ms=NOW)], [])


def test_a_version_that_is_still_to_come_is_not_in_force() -> None:
    """An undated row that says what holds today leaves next month's version alone."""
    future = replace(V1, version=2, effective_from_ms=9_000, rate_micros=120_000)
    assert run([V1, future], item(1, 150_000)) == ([], [])


def test_a_dated_version_is_that_of_its_moment() -> None:
    """The same again is no change, other terms at the same moment a problem."""
    future = replace(V1, version=2, effective_from_ms=9_000, rate_micros=120_000)
    assert run([V1], item(1, 120_000, 9_000)) == ([future], [])
    assert run([V1, future], item(1, 120_000, 9_000)) == ([], [])
    added, [problem] = run([V1, future], item(4, 110_000, 9_000))
    assert added == []
    assert problem.line == 4
    assert "immutable" in problem.reason


def test_a_file_may_hold_all_versions_of_a_tariff() -> None:
    """As an export does: dated, in the order of their numbers."""
    added, problems = run([], item(1, 1, 0), item(2, 2, 900), item(3, 3, 400))
    assert [(v.version, v.effective_from_ms, v.rate_micros) for v in added] == [
        (1, 0, 1),
        (2, 900, 2),
        (3, 400, 3),
    ]
    assert problems == []


def test_two_undated_rows_of_one_tariff_are_a_problem() -> None:
    """Which of them would hold?"""
    added, [problem] = run([], item(1, 1), item(5, 2))
    assert len(added) == 1
    assert problem == ImportProblem(
        "t.toml", 5, None, "this tariff is at t.toml:1 already; give effective_from"
    )


def band(line: int, at: int | None = None, tariff: str = "std") -> Item[BandRow]:
    return Item(BandRow(tariff, at, Band(line)), "b.csv", line, {"tariff": (0, 1)})


def test_bands_come_with_the_record_of_their_moment() -> None:
    """In the order they were written, each to its own version."""
    rows = ImportSet(
        tariffs=(item(1, 5), item(2, 6, 9_000)),
        tariff_bands=(band(3), band(4, 9_000), band(5)),
    )
    problems: list[ImportProblem] = []
    undated, dated = with_bands(rows, problems)
    assert problems == []
    assert undated.row.terms.bands == (Band(3), Band(5))
    assert dated.row.terms.bands == (Band(4),)


def test_bands_without_their_record_are_a_problem() -> None:
    """A version in the books can't be given any more."""
    problems: list[ImportProblem] = []
    rows = ImportSet(tariffs=(item(1, 5),), tariff_bands=(band(3, 7), band(4, None, "other")))
    with_bands(rows, problems)
    assert [(each.line, each.column) for each in problems] == [(3, 1), (4, 1)]
    assert "a version's bands come with it" in problems[0].reason


def test_too_many_bands_are_told_once() -> None:
    """At the first that is one too many."""
    problems: list[ImportProblem] = []
    rows = ImportSet(tariffs=(item(1, 5),), tariff_bands=tuple(band(n) for n in range(2, 210)))
    with_bands(rows, problems)
    assert [each.line for each in problems] == [BANDS_MAX + 2]


def test_other_bands_are_other_terms() -> None:
    """Even in another order: it decides between equals."""
    two = replace(V1, bands=(Band(1), Band(2)))
    turned = Item(TariffRow(replace(two, bands=(Band(2), Band(1))), None), "t.toml", 1, {})
    [new], problems = run([two], turned)
    assert (new.version, new.bands, problems) == (2, (Band(2), Band(1)), [])
    assert run([two], replace(turned, row=TariffRow(two, None))) == ([], [])
