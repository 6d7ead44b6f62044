"""`callserver tariffs`: what the books have."""

from pathlib import Path

from tests.cli.conftest import Run

BANDED = """\
[[tariff]]
id = "minute"
effective_from = 2099-01-01
rate = 0.2
cap = 9

[[tariff.band]]
name = "night"
from = "22:00"
to = "08:00"
days = ["workday"]
provinces = ["浙江"]
rate = 0.1
"""


def test_tariffs_are_listed_with_the_terms_in_effect(run: Run, data: Path) -> None:
    """For people and for programs."""
    got = run("tariffs", "list", "--data", data)
    assert (got.status, got.err) == (0, "")
    assert any(
        line.split()[:4] == ["minute", "1", "0.15", "60/60"] for line in got.out.splitlines()
    )
    names = [
        each["tariff"] for each in run("tariffs", "list", "--data", data, "--json").json["tariffs"]
    ]
    assert "minute" in names
    assert names == sorted(names)


def test_a_tariff_is_shown_with_versions_and_bands(run: Run, data: Path, tmp_path: Path) -> None:
    """A version that is still to come, with its bands, under the one in effect."""
    file = tmp_path / "t.toml"
    file.write_text(BANDED, encoding="utf-8")
    assert run("import", file, "--data", data).status == 0
    got = run("tariffs", "show", "minute", "--data", data)
    assert got.out == (
        "version 1, from always, in effect\n"
        "  rate 0.15, increments 60/60, connection fee 0.00, minimum 0.00,\n"
        "  cap -, free 0 s, to 0.001\n"
        "version 2, from 2098-12-31T16:00:00.000Z\n"
        "  rate 0.20, increments 60/60, connection fee 0.00, minimum 0.00,\n"
        "  cap 9.00, free 0 s, to 0.001\n"
        '  band 1 "night": rate 0.10, 22:00-08:00, workday, provinces 浙江\n'
    )
    shown = run("tariffs", "show", "minute", "--data", data, "--json").json
    assert [each["in_effect"] for each in shown["versions"]] == [True, False]


def test_an_unknown_tariff_fails_with_a_suggestion(run: Run, data: Path) -> None:
    """Exit status 1."""
    got = run("tariffs", "show", "minut", "--data", data)
    assert (got.status, got.out) == (1, "")
    assert "did you mean 'minute'?" in got.err
