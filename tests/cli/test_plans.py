"""`callserver plans`: what people see, and how they end."""

from pathlib import Path

import pytest

from tests.cli.conftest import Ran, Run


@pytest.fixture
def shop(run: Run, data: Path) -> Path:
    """Customer tea with 1020 yuan, and a plan for 600."""
    assert run("accounts", "topup", "tea", "1000", "--data", data).status == 0
    gold = ("add", "gold", "--annual-fee", "600", "--credit", "500", "--minutes", "1000")
    assert run("plans", *gold, "--data", data).status == 0
    return data


def plans(run: Run, data: Path, *args: object) -> Ran:
    """One command of them."""
    return run("plans", *args, "--data", data)


def test_a_plan_is_begun_once(run: Run, shop: Path) -> None:
    """The same operation twice is one fee; another one exits 1."""
    first = plans(run, shop, "subscribe", "tea", "gold", "--operation-id", "op-1", "--json")
    assert (first.status, first.json["state"]) == (0, "active")
    again = plans(run, shop, "subscribe", "tea", "gold", "--operation-id", "op-1", "--json")
    assert again.json == first.json
    assert plans(run, shop, "subscribe", "tea", "gold").status == 1
    shown = run("accounts", "show", "tea", "--data", shop, "--json").json
    assert shown["settled"]["amount"] == "920.000000"
    [grant] = plans(run, shop, "show", "tea", "--json").json["grants"]
    assert (grant["minutes_left"], grant["credit_left"]["amount"]) == (1000, "500.000000")


def test_what_is_shown(run: Run, shop: Path) -> None:
    """Terms, what is left, what happened."""
    plans(run, shop, "subscribe", "tea", "gold", "--years", 3, "--auto-renew")
    out = plans(run, shop, "show", "tea").out
    for word in ("active", "600.00", "1000", "subscribed", "granted"):
        assert word in out
    assert "gold" in plans(run, shop, "list").out
    assert plans(run, shop, "show", "clinic").err == "no plan\n"


def test_renewed_and_cancelled(run: Run, shop: Path) -> None:
    """Booked for later, then everything is over."""
    plans(run, shop, "subscribe", "tea", "gold")
    assert plans(run, shop, "renew", "tea", "--json").json["state"] == "scheduled"
    assert plans(run, shop, "renew", "tea").status == 1
    assert plans(run, shop, "run-due").out == "nothing is due\n"
    assert plans(run, shop, "cancel", "tea", "--at-once", "--json").json["state"] == "cancelled"
    assert plans(run, shop, "cancel", "tea").status == 1
    assert plans(run, shop, "renew", "tea", "--now").status == 1  # 420 yuan are left


def test_without_funds(run: Run, shop: Path) -> None:
    """What it costs and what there is; plan credit is not money for plans."""
    plans(run, shop, "subscribe", "tea", "gold")
    got = plans(run, shop, "renew", "tea", "--now")
    assert got.status == 1
    assert "has 420.00 (without the 500.00 of plan credit left)" in got.err


def test_a_later_plan_is_begun_when_it_is_due(run: Run, shop: Path) -> None:
    """Booked for a day; `run-due` has nothing to do before it."""
    got = plans(run, shop, "subscribe", "tea", "gold", "--from", "2099-01-01", "--json")
    assert (got.json["state"], got.json["last_day"]) == ("scheduled", "2099-12-31")
    assert plans(run, shop, "run-due", "--json").json == {}


@pytest.mark.parametrize(
    "args",
    [
        ("add", "x", "--annual-fee", "much"),
        ("add", "x", "--annual-fee", "1", "--per", "month"),
        ("subscribe", "tea", "gold", "--years", "4"),
        ("subscribe", "tea", "gold", "--from", "soon"),
    ],
)
def test_wrong_usage(run: Run, shop: Path, args: tuple[str, ...]) -> None:
    """Exit 2, before anything is opened."""
    assert plans(run, shop, *args).status == 2
