"""`callserver db`: make, upgrade, and say where it stands."""

import sqlite3
from pathlib import Path

from tests.cli.conftest import Run


def test_upgrade_makes_a_private_folder_and_can_be_repeated(run: Run, tmp_path: Path) -> None:
    """An empty place becomes a database at the newest revision, twice the same."""
    data = tmp_path / "new" / "data"
    first = run("db", "upgrade", "--data", data, "--json")
    assert (first.status, data.stat().st_mode & 0o777) == (0, 0o700)
    assert run("db", "upgrade", "--data", data, "--json").json == first.json
    current = run("db", "current", "--check", "--data", data, "--json")
    assert (current.status, current.json["newest"]) == (0, first.json["revision"])


def test_an_old_database_fails_the_check(run: Run, tmp_path: Path) -> None:
    """`--check` ends with 1 where the schema is behind; without it, the answer is enough."""
    sqlite3.connect(tmp_path / "callserver.db").close()
    (tmp_path / "callserver.db").touch()
    assert run("db", "current", "--data", tmp_path).status == 0
    got = run("db", "current", "--check", "--data", tmp_path)
    assert (got.status, "callserver db upgrade" in got.out) == (1, True)
    assert run("token", "list", "--data", tmp_path).status == 1


def test_a_database_that_is_away_fails(run: Run, tmp_path: Path) -> None:
    """No file, or no server at the URL: exit status 1 with the reason."""
    assert run("db", "current", "--data", tmp_path).status == 1
    url = {"CALLSERVER_DATABASE__URL": "postgresql://u:hunter2@127.0.0.1:1/none"}
    got = run("db", "current", **url)
    assert (got.status, "hunter2" in got.err) == (1, False)
