"""`callserver accounts`: top-ups, once per operation id, and settled balances."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_a_top_up_is_in_the_balance(run: Run, data: Path) -> None:
    """The entry is posted and the new sum shown."""
    before = run("accounts", "show", "tea", "--data", data, "--json").json
    got = run("accounts", "topup", "tea", "12.5", "--data", data, "--json", "--reason", "bank")
    assert got.status == 0
    assert got.json["amount"] == {"amount": "12.500000", "currency": "CNY"}
    assert got.json["operation_id"].startswith("cli:")
    after = run("accounts", "show", "tea", "--data", data, "--json").json
    assert before["settled"]["amount"] == "20.000000"
    assert after["settled"] == got.json["settled"] == {"amount": "32.500000", "currency": "CNY"}


def test_the_same_operation_id_tops_up_once(run: Run, data: Path) -> None:
    """Repeating a top-up whose outcome was unknown is safe."""
    args = ["accounts", "topup", "tea", "5", "--operation-id", "op-1", "--data", data, "--json"]
    assert run(*args).json == run(*args).json
    shown = run("accounts", "show", "tea", "--data", data, "--json").json
    assert shown["settled"]["amount"] == "25.000000"


def test_no_id_of_the_servers_own_can_be_taken(run: Run, data: Path) -> None:
    """Ids from the command line have a beginning of theirs, however often it is written."""
    args = ["accounts", "topup", "tea", "5", "--data", data, "--json", "--operation-id"]
    taken = run(*args, "shortfall:4008001234:2026-11").json["operation_id"]
    assert taken == "cli:shortfall:4008001234:2026-11"
    assert run(*args, taken).json["operation_id"] == taken
    shown = run("accounts", "show", "tea", "--data", data, "--json").json
    assert shown["settled"]["amount"] == "25.000000"


@pytest.mark.parametrize("given", ["", "cli:", "two words", "a\tb", "a\u202eb", "x" * 201])
def test_an_id_is_one_word(run: Run, data: Path, given: str) -> None:
    """What would break a list's columns or stand for nothing is wrong usage."""
    got = run("accounts", "topup", "tea", "5", "--data", data, "--operation-id", given)
    assert (got.status, "--operation-id" in got.err) == (2, True)


def test_an_operation_id_cannot_mean_something_else(run: Run, data: Path) -> None:
    """The same id with another amount fails and moves nothing."""
    args = ["accounts", "topup", "tea", "--operation-id", "op-1", "--data", data]
    assert run(*args, "5").status == 0
    got = run(*args, "6")
    assert (got.status, "used before" in got.err) == (1, True)
    shown = run("accounts", "show", "tea", "--data", data, "--json").json
    assert shown["settled"]["amount"] == "25.000000"


@pytest.mark.parametrize("amount", ["0", "-5", "1e2", "five", "0.0000001", "100000000.01"])
def test_only_amounts_above_zero_are_put_in(run: Run, data: Path, amount: str) -> None:
    """Anything else is wrong usage."""
    assert run("accounts", "topup", "tea", "--data", data, "--", amount).status == 2


@pytest.mark.parametrize(
    ("option", "text"),
    [("--reason", "two\nlines"), ("--reason", " "), ("--reason", "x" * 201),
     ("--operation-id", "two\nlines"), ("--operation-id", ""), ("--operation-id", "x" * 201)],
)  # fmt: skip
def test_a_top_up_keeps_one_line_of_text(run: Run, data: Path, option: str, text: str) -> None:
    """What would break the lines of a list is wrong usage, and puts nothing in."""
    got = run("accounts", "topup", "tea", "5", option, text, "--data", data)
    assert (got.status, option in got.err) == (2, True)
    shown = run("accounts", "show", "tea", "--data", data, "--json").json
    assert shown["settled"]["amount"] == "20.000000"


def test_an_unknown_account_fails(run: Run, data: Path) -> None:
    """Neither a top-up nor a look makes an account."""
    for args in (["topup", "nobody", "1"], ["show", "nobody"]):
        got = run("accounts", *args, "--data", data)
        assert (got.status, got.err) == (1, "callserver: there is no account 'nobody'\n")


def test_all_accounts_are_listed(run: Run, data: Path) -> None:
    """Without an id: every account, as JSON or as a table."""
    accounts = run("accounts", "show", "--data", data, "--json").json["accounts"]
    names = [account["account"] for account in accounts]
    assert names == sorted(names)
    assert {"clinic", "freight", "tea"} <= set(names)
    table = run("accounts", "show", "--data", data).out
    assert [line.split()[0] for line in table.splitlines()] == ["account", *names]
