"""`callserver rate`: fees with their arithmetic, from options or a stored tariff."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

FEES = [  # options, amount, billed seconds
    ("--rate 0.15 --seconds 0", "0.000000", 0),
    ("--rate 0.15 --seconds 1", "0.150000", 60),
    ("--rate 0.15 --seconds 60", "0.150000", 60),
    ("--rate 0.15 --increments 60/60 --seconds 61", "0.300000", 120),
    ("--rate 0.15 --seconds 3600", "9.000000", 3600),
    ("--rate 0.15 --increments 30/6 --seconds 31", "0.090000", 36),
    ("--rate 0.15 --increments 1/1 --seconds 61", "0.153000", 61),
    ("--rate 0.15 --increments 1/1 --seconds 61 --precision 0.01", "0.150000", 61),
    ("--rate 0.1 --increments 1/1 --seconds 1 --precision 0.000001", "0.001667", 1),
    ("--rate 0.15 --seconds 61 --connection-fee 0.05", "0.350000", 120),
    ("--rate 0.15 --seconds 61 --minimum-charge 0.5", "0.500000", 120),
    ("--rate 0.15 --seconds 5 --free-seconds 5", "0.000000", 0),
    ("--rate 0.15 --seconds 6 --free-seconds 5", "0.150000", 60),
    ("--rate 0 --seconds 600", "0.000000", 600),
    ("--rate 0.15 --seconds 3600 --cap 5", "5.000000", 3600),
    ("--rate 0.15 --seconds 61 --cap 0.3", "0.300000", 120),
    ("--rate 0.15 --seconds 61 --included-minutes 1", "0.150000", 120),
    ("--rate 0.15 --seconds 61 --included-minutes 2 --connection-fee 1", "0.000000", 120),
    ("--rate 0.15 --seconds 61 --included-minutes 1 --connection-fee 1", "1.150000", 120),
    ("--rate 0.15 --increments 6/6 --seconds 61 --included-minutes 1", "0.015000", 66),
    ("--rate 0.15 --seconds 5 --free-seconds 5 --included-minutes 1", "0.000000", 0),
]
WRONG = [  # options, what is said
    ("--seconds 61", "give --rate, --tariff or --tariff-file"),
    ("--rate 0.15", "--seconds"),
    ("--rate 0.15 --seconds -1", "--seconds"),
    ("--rate 1e3 --seconds 1", "not an amount"),
    ("--rate -0.15 --seconds 1", "--rate"),
    ("--rate 0.1234567 --seconds 1", "at most 6 decimals"),
    ("--rate 0.15 --seconds 1 --increments 60", "not like 60/60"),
    ("--rate 0.15 --seconds 1 --increments 0/60", "an increment is 1 to 86400 s"),
    ("--rate 0.15 --seconds 1 --increments 86401/1", "an increment is 1 to 86400 s"),
    ("--rate 0.15 --seconds 1 --increments 1/0", "an increment is 1 to 86400 s"),
    ("--rate 0.15 --seconds 1 --increments 1/1000000", "an increment is 1 to 86400 s"),
    ("--rate 0.15 --seconds 1 --precision 0", "--precision"),
    ("--rate 0.15 --seconds 1 --tariff minute", "leave out --rate"),
    ("--tariff Minute --seconds 1", "not an id"),
    ("--tariff minute --seconds 1 --at noon", "not an instant"),
    ("--tariff-file x.toml --seconds 1 --cap 1", "leave out --cap"),
    ("--rate 0.15 --seconds 1 --cap 1 --minimum-charge 2", "not below the minimum charge (2.00)"),
    ("--rate 0.15 --seconds 1 --to 400#", "can't be dialled"),
    ("--rate 0.15 --seconds 1 --area-code 571", "not an area code"),
    ("--rate 0.15 --seconds 1 --included-minutes -1", "--included-minutes"),
    ("--rate 0.15 --seconds 31536001", "at most 31536000"),
    (f"--rate 0.15 --seconds {10**20} --json", "at most 31536000"),
]


@pytest.mark.parametrize(("options", "amount", "billed_s"), FEES)
def test_a_fee_follows_the_tariff(run: Run, options: str, amount: str, billed_s: int) -> None:
    """Amount as decimal text of yuan, and the seconds charged for."""
    got = run("rate", *options.split(), "--json")
    assert (got.status, got.err) == (0, "")
    assert (got.json["amount"], got.json["billed_seconds"]) == (amount, billed_s)
    assert got.json["lines"]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_wrong_options_are_wrong_usage(run: Run, options: str, said: str) -> None:
    """A figure that cannot be meant ends with 2 and says which."""
    got = run("rate", *options.split())
    assert (got.status, got.out) == (2, "")
    assert said in " ".join(got.err.split())


def test_the_arithmetic_is_shown_to_people(run: Run) -> None:
    """Without --json each step stands on a line of its own."""
    got = run("rate", "--rate", "0.15", "--seconds", "61")
    assert got.out == (
        "0.30 yuan for 120 billed seconds\n"
        "  61 s in steps of 60/60 s: 120 s\n"
        "  120 s × 0.15 / 60 s = 0.30\n"
    )


def test_a_stored_tariff_is_used_by_name(run: Run, data: Path) -> None:
    """`--tariff` takes the version in effect from the database."""
    got = run("rate", "--tariff", "six", "--seconds", "7", "--data", data, "--json")
    assert (got.json["amount"], got.json["billed_seconds"]) == ("0.044000", 12)


def test_an_unknown_tariff_fails_with_a_suggestion(run: Run, data: Path) -> None:
    """A wrong name ends with 1 and names the nearest."""
    got = run("rate", "--tariff", "minut", "--seconds", "7", "--data", data)
    assert (got.status, got.out) == (1, "")
    assert "there is no tariff 'minut'; did you mean 'minute'?" in got.err


def test_a_missing_database_fails_without_making_one(run: Run, tmp_path: Path) -> None:
    """Looking must not leave an empty database behind."""
    got = run("rate", "--tariff", "six", "--seconds", "7", "--data", tmp_path / "none")
    assert (got.status, (tmp_path / "none").exists()) == (1, False)
    assert "callserver db upgrade" in got.err
