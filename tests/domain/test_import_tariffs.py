"""Tariffs in an import become immutable versions."""

from collections.abc import Sequence
from dataclasses import replace

from callserver.domain.business import Catalogue
from callserver.domain.import_set import ImportProblem, Item, TariffRow
from callserver.domain.import_tariffs import new_versions
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
