"""`callserver cdr rerate` and what `cdr show` tells of it."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

TARIFF = """
[[tariff]]
id = "cheap"
rate = "0.10"
"""
PERIOD = ("--from", "2020-01-01", "--to", "2100-01-01")


@pytest.fixture
def rated(run: Run, data: Path, tmp_path: Path) -> Path:
    """The data folder, with a tariff `cheap` of 0.10; six calls of clinic cost 0.30 each."""
    file = tmp_path / "cheap.toml"
    file.write_text(TARIFF, encoding="utf-8")
    assert run("import", file, "--data", data).status == 0
    return data


def settled(run: Run, data: Path) -> str:
    """Yuan of clinic."""
    return str(run("accounts", "show", "clinic", "--data", data, "--json").json["settled"])


def test_without_post_it_only_looks(run: Run, rated: Path) -> None:
    """Per call and in sum, as a table, JSON and CSV."""
    before = settled(run, rated)
    args = ("cdr", "rerate", *PERIOD, "--tariff", "cheap", "--data", rated)
    got = run(*args)
    assert got.status == 0
    assert "6 calls change\n" in got.out
    assert "1.80 → 1.20 yuan, difference -0.60 (nothing posted" in got.out
    shown = run(*args, "--json").json
    assert [call["difference"] for call in shown["calls"]] == ["-0.100000"] * 6
    assert shown["sum"]["calls"] == {"changed": 6}
    assert shown["sum"]["difference"]["amount"] == "-0.600000"
    rows = list(csv.DictReader(io.StringIO(run(*args, "--csv", "--dry-run").out)))
    assert {row["after"] for row in rows} == {"0.200000"}
    assert settled(run, rated) == before


def test_posted_corrections_stand_with_the_call(run: Run, rated: Path) -> None:
    """Once; `cdr show` has them with their arithmetic."""
    args = ("cdr", "rerate", *PERIOD, "--tariff", "cheap", "--data", rated, "--json")
    first = run(*args, "--post", "--reason", "agreed").json
    assert first["sum"]["posted"] is True
    assert run(*args, "--post", "--reason", "agreed").json == {
        "calls": [],
        "sum": first["sum"]
        | {
            "calls": {"unchanged": 6},
            **{name: {"amount": "0.000000", "currency": "CNY"}
               for name in ("before", "after", "difference")},
        },
    }  # fmt: skip
    call_id = first["calls"][0]["call_id"]
    shown = run("cdr", "show", call_id, "--data", rated, "--json").json
    (corrected,) = shown["corrections"]
    assert (shown["charged"]["amount"], corrected["after"]["amount"]) == ("0.300000", "0.200000")
    told = run("cdr", "show", call_id, "--data", rated).out
    assert "0.30 → 0.20 yuan by cheap version 1" in told
    assert "120 s × 0.10 / 60 s = 0.20" in told
    entries = run("accounts", "entries", "clinic", "--data", rated, "--json").json["entries"]
    assert sum(entry["call_id"] == call_id for entry in entries) == 3


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (("--post",), 2),
        (("--post", "--dry-run", "--reason", "x"), 2),
        (("--did", "4001"), 2),
        (("--at-version", "0"), 2),
        (("--at-version", "9"), 1),
    ],
)
def test_wrong_usage_is_said(run: Run, rated: Path, more: tuple[str, ...], status: int) -> None:
    """Before anything is posted."""
    got = run("cdr", "rerate", *PERIOD, "--tariff", "cheap", *more, "--data", rated)
    assert got.status == status
    assert got.out == ""


def test_nothing_to_rate_is_valid_json_too(run: Run, rated: Path) -> None:
    """A period without calls."""
    got = run(
        "cdr", "rerate", "--from", "2020-01-01", "--to", "2020-01-02", "--tariff", "cheap",
        "--json", "--data", rated,
    )  # fmt: skip
    assert json.loads(got.out)["calls"] == []


def test_an_unknown_call_is_said(run: Run, rated: Path) -> None:
    """Exit status 1."""
    assert run("cdr", "show", "07-" + "0" * 32, "--data", rated).status == 1
