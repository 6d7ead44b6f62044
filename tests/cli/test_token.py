"""`callserver token`: shown once, kept as a digest, scoped, revocable."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SCOPES = [
    (["--customer", "tea"], "customer", "tea"),
    (["--provider", "huaxin"], "provider", "huaxin"),
    (["--noc"], "noc", None),
    (["--admin"], "admin", None),
]


@pytest.mark.parametrize(("args", "scope", "subject"), SCOPES)
def test_a_token_has_a_scope(
    run: Run, data: Path, args: list[str], scope: str, subject: str | None
) -> None:
    """Created as asked for, and listed without the secret."""
    made = run("token", "create", *args, "--label", "shop", "--data", data, "--json").json
    assert (made["scope"], made["subject"], made["label"]) == (scope, subject, "shop")
    assert made.pop("token").startswith("cs_")
    listed = run("token", "list", "--data", data, "--json").json["tokens"]
    assert listed[-1] == made


def test_the_secret_is_printed_alone_and_kept_nowhere(run: Run, data: Path) -> None:
    """Standard output is the secret, ready for a variable; the database has its digest only."""
    got = run("token", "create", "--noc", "--data", data)
    secret = got.out.strip()
    assert (secret.startswith("cs_"), "not shown again" in got.err) == (True, True)
    with sqlite3.connect(data / "callserver.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert secret not in dump


@pytest.mark.parametrize("args", [[], ["--noc", "--admin"], ["--customer", "A"]])
def test_one_scope_is_needed(run: Run, data: Path, args: list[str]) -> None:
    """None, two, or an impossible id are wrong usage."""
    assert run("token", "create", *args, "--data", data).status == 2


def test_a_subject_must_exist(run: Run, data: Path) -> None:
    """A token for nobody is refused."""
    got = run("token", "create", "--customer", "nobody", "--data", data)
    assert (got.status, got.err) == (1, "callserver: there is no customer 'nobody'\n")


def test_a_token_is_revoked_once(run: Run, data: Path) -> None:
    """Then it shows as revoked; revoking it again, or an unknown one, fails."""
    made = run("token", "create", "--noc", "--data", data, "--json").json["id"]
    assert run("token", "revoke", made, "--data", data, "--json").json == {"revoked": made}
    assert run("token", "list", "--data", data, "--json").json["tokens"][-1]["revoked"]
    assert run("token", "revoke", made, "--data", data).status == 1
    assert run("token", "revoke", 999, "--data", data).status == 1
