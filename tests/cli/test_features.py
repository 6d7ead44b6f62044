"""`callserver features` and `callserver reconcile`: what people see, and how they end."""

import csv
from pathlib import Path

import pytest

from callserver.domain.billing_month import shanghai_day
from callserver.service.clocks import SystemClock
from tests.cli.conftest import Ran, Run

DID, PROVIDER = "4008001234", "huaxin-east"


@pytest.fixture
def shop(run: Run, data: Path) -> Path:
    """A provider with 100 yuan and a feature for 30 a month."""
    assert run("accounts", "topup", f"provider:{PROVIDER}", "100", "--data", data).status == 0
    assert run("features", "add", "recording", "--fee", "30", "--data", data).status == 0
    return data


def features(run: Run, data: Path, *args: object) -> Ran:
    """One command of them."""
    return run("features", *args, "--data", data)


def balance(run: Run, data: Path) -> str:
    """Of the provider."""
    account = f"provider:{PROVIDER}"
    shown = run("accounts", "show", account, "--data", data, "--json").json
    return str(shown["settled"]["amount"])


def test_a_feature_is_switched_on_once(run: Run, shop: Path) -> None:
    """The same operation twice is one fee, another one exits 1 and says why."""
    on = ("activate", DID, "recording")
    first = features(run, shop, *on, "--operation-id", "op-1", "--json")
    assert (first.status, first.json["state"]) == (0, "active")
    assert features(run, shop, *on, "--operation-id", "op-1", "--json").json == first.json
    again = features(run, shop, *on)
    assert (again.status, "is on for" in again.err) == (1, True)
    assert balance(run, shop) == "70.000000"
    assert DID in features(run, shop, "list", "--on").out
    [row] = features(run, shop, "deductions", "--json").json["deductions"]
    assert (row["fee"]["amount"], row["provider"]) == ("30.000000", PROVIDER)


def test_without_funds(run: Run, shop: Path) -> None:
    """Exit 1, what it costs and what there is, and nothing moved."""
    features(run, shop, "add", "menu", "--fee", "300", "--cycle", "year")
    got = features(run, shop, "activate", DID, "menu")
    assert got.status == 1
    assert "costs 300.00 yuan" in got.err
    assert "has 100.00" in got.err
    assert features(run, shop, "list", "--on").err == "no features are on\n"


def test_failed_and_switched_off(run: Run, shop: Path) -> None:
    """A failure gives the fee back, switching off does not."""
    features(run, shop, "activate", DID, "recording")
    assert features(run, shop, "fail", 1, "--reason", "refused").status == 0
    assert balance(run, shop) == "100.000000"
    features(run, shop, "activate", DID, "recording")
    off = features(run, shop, "deactivate", 2, "--json")
    assert off.json["state"] == "ended"
    assert balance(run, shop) == "70.000000"
    shown = features(run, shop, "list", "--all", "--json").json["activations"]
    assert [each["state"] for each in shown] == ["ended", "failed"]


def test_disputes(run: Run, shop: Path) -> None:
    """Shown with who said what; resolved needs a note."""
    features(run, shop, "activate", DID, "recording")
    assert features(run, shop, "dispute", 1).out == "nobody disputes it\n"
    features(run, shop, "dispute", 1, "--note", "never ordered")
    assert features(run, shop, "dispute", 1, "--resolve").status == 2
    got = features(run, shop, "dispute", 1, "--note", "agreed", "--resolve", "--json")
    assert [note["step"] for note in got.json["notes"]] == ["opened", "resolved"]
    assert features(run, shop, "dispute", 9, "--note", "x").status == 1


def test_nothing_is_due_at_once(run: Run, shop: Path) -> None:
    """What was just paid is paid."""
    features(run, shop, "activate", DID, "recording")
    assert features(run, shop, "renew").out == "nothing is due\n"
    assert features(run, shop, "renew", "--json").json == {}


def test_a_day_that_agrees(run: Run, shop: Path, tmp_path: Path) -> None:
    """Exit 0, as a table, JSON and CSV."""
    features(run, shop, "activate", DID, "recording")
    file = tmp_path / "day.csv"
    got = run("reconcile", "--data", shop, "--csv", file)
    assert (got.status, "yes" in got.out) == (0, True)
    [row] = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    assert (row["provider"], row["deducted"], row["debited"]) == (PROVIDER, "30.00", "30.00")
    assert run("reconcile", "--data", shop, "--json").json["agrees"] is True
    other = run("reconcile", "--data", shop, "--day", "2020-01-01")
    assert (other.status, other.err) == (0, "no feature fees on this day\n")


def test_a_day_that_does_not(run: Run, shop: Path) -> None:
    """Exit 1, and the ledger entry is named."""
    import sqlite3

    features(run, shop, "activate", DID, "recording")
    with sqlite3.connect(shop / "callserver.db") as books:
        books.execute("DROP TRIGGER tr_deduction_delete")
        books.execute("DELETE FROM deduction")
    today = shanghai_day(SystemClock().now_us() // 1000)
    got = run("reconcile", "--data", shop, "--day", today, "--provider", PROVIDER)
    assert got.status == 1
    assert "no deduction explains this debit" in got.err
    assert "NO" in got.out


@pytest.mark.parametrize(
    "args",
    [
        ("features", "add", "x", "--fee", "-1"),
        ("features", "add", "x", "--fee", "1", "--cycle", "week"),
        ("features", "add", "X y", "--fee", "1"),
        ("features", "deductions", "--from", "yesterday"),
        ("reconcile", "--day", "2026-13-01"),
    ],
)
def test_wrong_usage(run: Run, shop: Path, args: tuple[str, ...]) -> None:
    """Exit 2, before anything is opened."""
    assert run(*args, "--data", shop).status == 2
