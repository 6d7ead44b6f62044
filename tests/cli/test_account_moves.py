"""`callserver accounts adjust|reverse|transfer|threshold`: each once, with a reason."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def settled(run: Run, data: Path, account: str = "tea") -> str:
    """Yuan in SQL."""
    shown = run("accounts", "show", account, "--data", data, "--json").json
    return str(shown["settled"]["amount"])


def test_an_adjustment_adds_or_takes_away(run: Run, data: Path) -> None:
    """The sign stands before the amount; minutes beside it."""
    why = ("--reason", "goodwill", "--data", data)
    got = run("accounts", "adjust", "tea", "+5.00", "--minutes", "30", *why)
    assert got.status == 0
    assert got.out.startswith("tea: 5.00 yuan, +30 minutes, entry ")
    assert run("accounts", "adjust", "tea", "-2.5", *why).status == 0
    assert settled(run, data) == "22.500000"


def test_the_same_operation_id_moves_once(run: Run, data: Path) -> None:
    """And cannot mean something else."""
    args = ("--reason", "x", "--operation-id", "op", "--data", data, "--json")
    assert run("accounts", "adjust", "tea", "1", *args).json == (
        run("accounts", "adjust", "tea", "1", *args).json
    )
    got = run("accounts", "adjust", "tea", "2", *args)
    assert (got.status, "used before" in got.err) == (1, True)
    assert settled(run, data) == "21.000000"


def test_below_the_limit_only_by_force(run: Run, data: Path) -> None:
    """The refusal says by how much; force is kept with the entry."""
    why = ("--reason", "x", "--data", data)
    got = run("accounts", "adjust", "tea", "-20.01", *why)
    assert (got.status, "0.01 yuan below its limit" in got.err) == (1, True)
    got = run("accounts", "adjust", "tea", "-20.01", *why, "--force", "--json")
    assert got.json["entries"][0]["forced"] is True
    assert "forced" in run("accounts", "entries", "tea", "--data", data).out


def test_a_reversal_happens_once(run: Run, data: Path) -> None:
    """The entry that it takes back is named in the list."""
    why = ("--reason", "typing error", "--data", data)
    got = run("accounts", "adjust", "tea", "5", *why, "--json")
    entry = got.json["entries"][0]["id"]
    assert run("accounts", "reverse", "tea", entry, *why).status == 0
    got = run("accounts", "reverse", "tea", entry, *why)
    assert (got.status, "reversed before" in got.err) == (1, True)
    assert settled(run, data) == "20.000000"
    assert f"reverses {entry}" in run("accounts", "entries", "tea", "--data", data).out


def test_credit_moves_down_the_tree(run: Run, data: Path) -> None:
    """From the provider's account; not further than it has."""
    where = ("--data", data)
    run("accounts", "topup", "provider:huaxin", "100", *where)
    args = ("accounts", "transfer", "huaxin", "clinic", "--reason", "credit", *where)
    before = float(settled(run, data, "clinic"))
    assert run(*args, "60").status == 0
    assert float(settled(run, data, "clinic")) - before == 60
    got = run(*args, "41")
    assert (got.status, "40.00 yuan available" in got.err) == (1, True)


def test_thresholds_and_events(run: Run, data: Path) -> None:
    """Where an account counts as low, and that it came there."""
    where = ("--data", data)
    got = run("accounts", "threshold", "tea", "15", *where)
    assert got.out == "tea: low below 15.00 yuan (its own)\n"
    run("accounts", "adjust", "tea", "-6", "--reason", "x", *where)
    (event,) = run("accounts", "events", "tea", *where, "--json").json["events"]
    assert (event["event"], event["available"]["amount"]) == ("low_balance", "14.000000")
    assert "low_balance" in run("accounts", "events", *where).out
    assert "(the default)" in run("accounts", "threshold", "tea", "default", *where).out


@pytest.mark.parametrize(
    "args",
    [
        ("adjust", "tea", "0", "--reason", "x"),
        ("adjust", "tea", "five", "--reason", "x"),
        ("adjust", "tea", "5", "--reason", " "),
        ("adjust", "tea", "5"),
        ("adjust", "tea", "5", "--reasn", "x"),
        ("reverse", "tea", "x", "--reason", "x"),
        ("transfer", "huaxin", "tea", "-5", "--reason", "x"),
        ("threshold", "tea", "-5"),
        ("entries", "tea", "--kind", "gift"),
        ("entries", "tea", "--cursor", "x"),
        ("statement", "tea", "--month", "2026-13"),
        ("statement", "tea", "--month", "2026-01", "--from", "2026-01-01"),
        ("statement", "tea", "--from", "2026-01-02", "--to", "2026-01-02"),
    ],
)
def test_wrong_usage_is_said(run: Run, data: Path, args: tuple[str, ...]) -> None:
    """Exit status 2, and nothing moves."""
    assert run("accounts", *args, "--data", data).status == 2
    assert settled(run, data) == "20.000000"


def test_an_unknown_account_fails(run: Run, data: Path) -> None:
    """In the same words everywhere."""
    for args in (
        ("adjust", "nobody", "1", "--reason", "x"),
        ("entries", "nobody"),
        ("statement", "nobody"),
        ("events", "nobody"),
        ("threshold", "nobody"),
    ):
        got = run("accounts", *args, "--data", data)
        assert (got.status, got.err) == (1, "callserver: there is no account 'nobody'\n")
