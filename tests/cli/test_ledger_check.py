"""`callserver doctor` on balances: the books by themselves, and Redis beside them."""

import sqlite3
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.serving import serving


def outcomes(run: Run, data: Path) -> dict[str, tuple[str, str]]:
    """Outcome and detail of the points about the ledger."""
    found = run("doctor", "--data", data, "--json").json["findings"]
    return {
        each["name"]: (each["outcome"], each["detail"])
        for each in found
        if each["name"].startswith("ledger")
    }


def test_sound_books_are_said_to_be(run: Run, data: Path) -> None:
    """With how many accounts were added up."""
    found = outcomes(run, data)
    assert found["ledger"][0] == found["ledger:redis"][0] == "ok"
    assert "accounts are the sums of their entries" in found["ledger"][1]


def test_a_sum_that_is_not_that_of_its_entries_fails(run: Run, data: Path) -> None:
    """Only a hand in the database could do that; the account is named."""
    with sqlite3.connect(data / "callserver.db") as connection:
        connection.execute("UPDATE account SET settled_micros = 1 WHERE id = 'tea'")
    assert outcomes(run, data)["ledger"] == (
        "failed",
        "1 accounts' sums are not those of their entries: tea",
    )
    assert run("doctor", "--data", data).status == 1


def test_a_balance_in_redis_that_differs_fails(run: Run, data: Path) -> None:
    """The books were changed behind a running server: it has another balance now."""
    with serving(data) as server:
        server.ready()
        assert outcomes(run, data)["ledger:redis"] == (
            "ok",
            "balances in Redis are those of the books",
        )
        with sqlite3.connect(data / "callserver.db") as connection:
            connection.execute("UPDATE account SET settled_micros = 1 WHERE id = 'tea'")
        outcome, detail = outcomes(run, data)["ledger:redis"]
        assert outcome == "failed"
        assert "tea by 19999999 micro-yuan" in detail
