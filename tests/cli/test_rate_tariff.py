"""`callserver rate --tariff-file`: fees by a file, at a time, from a caller, to a destination."""

import json
from pathlib import Path

import pytest

from callserver.service.tariff_schema import tariff_schema
from tests.cli.conftest import Run

TARIFF = """\
rate = 0.15
cap = 5

[[band]]
name = "night"
from = "22:00"
to = "08:00"
rate = "0.10"

[[band]]
days = ["holiday"]
rate = 0.05

[[band]]
provinces = ["浙江"]
caller_kinds = ["mobile"]
rate = 0.12

[[band]]
destination_prefixes = ["+852"]
rate = 2
"""
CALLS = [  # --at, --from, --to, seconds, amount, numbers of the bands
    ("2026-11-23T12:00:00", "", "", 60, "0.150000", [None]),
    ("2026-11-23T21:59:59", "", "", 61, "0.250000", [None, 1]),
    ("2026-11-23T22:00:00+08:00", "", "", 61, "0.200000", [1]),
    ("2026-11-23T14:00:00Z", "", "", 61, "0.200000", [1]),
    ("2026-11-24T07:59:00", "", "", 120, "0.250000", [1, None]),
    ("2026-10-01T12:00:00", "", "", 60, "0.050000", [2]),
    ("2026-10-10T12:00:00", "", "", 60, "0.150000", [None]),
    ("2026-11-23T23:00:00", "+86 138-0057-1234", "", 60, "0.120000", [3]),
    ("2026-11-23T23:00:00", "0571-88886666", "", 60, "0.100000", [1]),
    ("2026-11-23T23:00:00", "13800571234", "0085221234567", 60, "2.000000", [4]),
    ("2026-11-23T12:00:00", "", "+85221234567", 600, "5.000000", [4]),
]


@pytest.fixture
def tariff(tmp_path: Path) -> Path:
    """A tariff in a file of its own."""
    path = tmp_path / "Our Night.toml"
    path.write_text(TARIFF, encoding="utf-8")
    return path


@pytest.mark.parametrize(("at", "caller", "to", "seconds", "amount", "bands"), CALLS)
def test_a_call_has_the_rate_of_its_band(
    run: Run,
    tariff: Path,
    at: str,
    caller: str,
    to: str,
    seconds: int,
    amount: str,
    bands: list[int | None],
) -> None:
    """`--at` is the instant of the answer; without a zone it is Shanghai's time."""
    options = ["--at", at, "--from", caller, "--to", to, "--seconds", seconds]
    got = run("rate", "--tariff-file", tariff, *options, "--json")
    assert (got.status, got.err) == (0, "")
    assert got.json["amount"] == amount
    used = [each["band"] and each["band"]["number"] for each in got.json["segments"]]
    assert used == bands


def test_the_answer_for_programs(run: Run, tariff: Path) -> None:
    """Everything that is said of a fee."""
    options = ["--at", "2026-11-23T21:59:00", "--seconds", 121, "--included-minutes", 1]
    got = run("rate", "--tariff-file", tariff, *options, "--json")
    night = {"number": 1, "name": "night"}
    assert got.json == {
        "amount": "0.200000",
        "currency": "CNY",
        "billed_seconds": 180,
        "included_minutes_used": 1,
        "tariff": "our-night",
        "version": 1,
        "segments": [
            {
                "from_second": 0,
                "to_second": 60,
                "paid_seconds": 0,
                "rate": "0.150000",
                "band": None,
            },
            {
                "from_second": 60,
                "to_second": 180,
                "paid_seconds": 120,
                "rate": "0.100000",
                "band": night,
            },
        ],
        "lines": [
            "121 s in steps of 60/60 s: 180 s",
            "1 minute included: the first 60 s",
            '120 s × 0.10 / 60 s = 0.20 (band 1 "night", 22:00-08:00; from 22:00:00)',
        ],
    }


def test_a_file_is_not_a_stored_tariff(run: Run, tmp_path: Path) -> None:
    """Without books, from records, the version in effect at the answer, chosen by name."""
    file = tmp_path / "tariffs.toml"
    file.write_text(
        '[[tariff]]\nid = "a"\nrate = 1\n[[tariff]]\nid = "a"\nrate = 2\n'
        'effective_from = 2027-01-01\n[[tariff]]\nid = "b"\nrate = 3\neffective_from = 2027-01-01\n'
    )
    ask = ["rate", "--tariff-file", file, "--seconds", 1, "--json", "--tariff"]
    first = run(*ask, "a", "--at", "2026-12-31T23:59:59").json
    second = run(*ask, "a", "--at", "2027-01-01").json
    assert [(each["amount"], each["version"]) for each in (first, second)] == [
        ("1.000000", 1),
        ("2.000000", 2),
    ]
    early = run(*ask, "b", "--at", "2026-12-31")
    assert (early.status, early.out) == (1, "")
    assert "no version in effect" in early.err
    unnamed = run(*ask[:-1])
    assert (unnamed.status, unnamed.out) == (1, "")
    assert "choose with --tariff: a, b" in unnamed.err
    unknown = run(*ask, "aa")
    assert (unknown.status, unknown.out) == (1, "")
    assert "there is no tariff 'aa'; did you mean 'a'? There are: a, b" in unknown.err
    assert "there is no tariff 'xyz'. There are: a, b" in run(*ask, "xyz").err


def test_a_wrong_value_stays_on_the_line_of_its_problem(run: Run, tmp_path: Path) -> None:
    """What would split or reverse the message is shown escaped; other scripts as they are."""
    file = tmp_path / "t.toml"
    file.write_text('rate = 1\n[[band]]\nrate = 1\nfrom = "22:00\\nx\\u202e\\u009b夜\\u3000"\n')
    got = run("rate", "--tariff-file", file, "--seconds", 1)
    first = got.err.split("\n")[0]
    assert f"{file}:4:8: from: 22:00\\nx\\u202e\\x9b夜\u3000 is not a time of day" in first


@pytest.mark.parametrize("text", ["", '[[holiday]]\ndate = 2027-02-06\nkind = "holiday"\n'])
def test_a_file_without_tariffs_says_what_it_needs(run: Run, tmp_path: Path, text: str) -> None:
    """With the least that makes a tariff, whether one was chosen or not."""
    file = tmp_path / "t.toml"
    file.write_text(text)
    for options in ([], ["--tariff", "a"]):
        got = run("rate", "--tariff-file", file, "--seconds", 1, *options)
        assert (got.status, got.out) == (1, "")
        assert f'{file} has no tariff: it needs at least `rate = "0.15"`' in got.err


def test_every_problem_of_a_file_is_told_with_its_line(run: Run, tmp_path: Path) -> None:
    """On standard error, with status 1."""
    file = tmp_path / "t.toml"
    file.write_text("rate = -1\n[[band]]\nfrom = 8\nrate = 1\n")
    got = run("rate", "--tariff-file", file, "--seconds", 1)
    assert (got.status, got.out) == (1, "")
    assert f"{file}:1:8: rate: -1 yuan is not between" in got.err
    assert f"{file}:3:8: from: 8 is not a time of day" in got.err
    assert "2 problems in the file" in got.err
    gone = run("rate", "--tariff-file", tmp_path / "gone.toml", "--seconds", 1)
    assert (gone.status, gone.out) == (1, "")


def test_days_of_the_file_go_before_the_calendar(run: Run, tmp_path: Path) -> None:
    """And a year that nobody has announced says so."""
    file = tmp_path / "t.toml"
    file.write_text(
        'rate = 1\n[[band]]\ndays = ["holiday"]\nrate = 2\n'
        '[[holiday]]\ndate = 2027-02-06\nkind = "holiday"\n'
    )
    ask = ["rate", "--tariff-file", file, "--seconds", 1, "--json", "--at"]
    assert run(*ask, "2027-02-06T12:00").json["amount"] == "2.000000"
    unknown = run(*ask, "2027-02-07T12:00").json
    assert unknown["amount"] == "1.000000"
    assert "no official calendar for that year yet: the weekday decides" in unknown["lines"]


def test_the_accounts_precision_goes_before_the_tariffs(run: Run, tariff: Path) -> None:
    """`--precision` with a tariff is that of the account."""
    options = ["--tariff-file", tariff, "--seconds", 1, "--at", "2026-11-23T12:00"]
    assert run("rate", *options, "--precision", "1", "--json").json["amount"] == "0.000000"


@pytest.mark.parametrize(
    ("option", "value"), [("--seconds", 31_536_001), ("--at", "9999-12-31"), ("--at", "1999-12-31")]
)
def test_bands_need_days_that_exist(run: Run, tariff: Path, option: str, value: object) -> None:
    """Wrong usage, and no traceback."""
    options = {"--seconds": 1, "--at": "2026-11-23T12:00", option: value}
    flat = [text for pair in options.items() for text in pair]
    got = run("rate", "--tariff-file", tariff, *flat)
    assert (got.status, got.out) == (2, "")
    assert option in got.err


def test_the_schema_is_printed(run: Run) -> None:
    """For editors, without a call."""
    assert json.loads(run("rate", "--schema").out) == tariff_schema()
