"""`callserver import` and `callserver export`: all or nothing, and round again to no change."""

import tomllib
from pathlib import Path

import pytest

from callserver.service.import_kinds import KINDS
from tests.cli.conftest import Run

NEW = """[[customer]]
id = "books"
name = "书店"
provider = "huaxin"
tariff = "minute"

[[did]]
number = "4001112223"
customer = "books"

[[destination]]
did = "4001112223"
number = "02188886666"
trunk = "carrier"
"""


def test_what_is_imported_is_routed_and_exported(run: Run, data: Path, tmp_path: Path) -> None:
    """A new customer with a number: said in counts, in force at once, in the export."""
    path = tmp_path / "new.toml"
    path.write_text(NEW, encoding="utf-8")
    got = run("import", path, "--data", data, "--json")
    assert (got.status, got.json["dry_run"]) == (0, False)
    assert {kind: count for kind, count in got.json["changed"].items() if count} == {
        "customers": 1,
        "dids": 1,
        "routes": 1,
    }
    assert run("route", "4001112223", "--data", data, "--json").json["routed"] is True
    assert run("accounts", "show", "books", "--data", data).status == 0
    assert run("import", path, "--data", data).out == "nothing to change\n"
    assert 'id = "books"' in run("export", "--data", data).out


def test_an_imported_number_is_of_the_configured_classes(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """The operator's own `[numbers] classes`, as for numbers that are added."""
    path, config = tmp_path / "new.toml", tmp_path / "own.toml"
    path.write_text(NEW, encoding="utf-8")
    config.write_text('[numbers]\nclasses = ["223 special 123.00"]\n', encoding="utf-8")
    assert run("import", path, "--config", config, "--data", data).status == 0
    got = run("numbers", "show", "4001112223", "--data", data, "--json").json
    assert (got["class"], got["special"]) == ("223", True)
    assert got["price"] == {"amount": "123.000000", "currency": "CNY"}


def test_a_dry_run_changes_nothing(run: Run, data: Path, tmp_path: Path) -> None:
    """It says what would change, twice the same."""
    path = tmp_path / "new.toml"
    path.write_text(NEW, encoding="utf-8")
    for _ in range(2):
        got = run("import", path, "--dry-run", "--data", data)
        assert got.out == "would change: 1 customer, 1 did, 1 route\n"


def test_one_error_keeps_everything_out_and_all_are_named(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """File, line, column and reason of each; nothing of the good rows is written."""
    path = tmp_path / "bad.toml"
    path.write_text(NEW.replace("4001112223", "400111222") + "[[nonsense]]\n", encoding="utf-8")
    got = run("import", path, "--data", data)
    assert (got.status, got.out) == (1, "")
    assert f"{path}:8:10: " in got.err
    assert "nothing was imported" in got.err
    problems = run("import", path, "--data", data, "--json").json["problems"]
    assert all(problem["file"] == str(path) and problem["reason"] for problem in problems)
    assert run("accounts", "show", "books", "--data", data).status == 1


@pytest.mark.parametrize("form", ["toml", "csv"])
def test_an_export_imports_back_to_no_change(
    run: Run, data: Path, tmp_path: Path, form: str
) -> None:
    """Both forms hold everything, in files for their owner only."""
    if form == "toml":
        assert run("export", "--data", data, "--output", tmp_path / "all.toml").status == 0
        files = [tmp_path / "all.toml"]
    else:
        assert run("export", "--data", data, "--csv", tmp_path / "csv").status == 0
        files = sorted((tmp_path / "csv").iterdir())
        assert len(files) == len(KINDS)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    got = run("import", *files, "--data", data)
    assert (got.status, got.out) == (0, "nothing to change\n"), got.err


def test_json_and_toml_hold_the_same(run: Run, data: Path) -> None:
    """`--json` is the same structure."""
    as_toml = tomllib.loads(run("export", "--data", data).out)
    assert run("export", "--data", data, "--json").json == as_toml
    assert len(as_toml["customer"]) == 5


def test_a_file_that_is_not_there_fails(run: Run, data: Path, tmp_path: Path) -> None:
    """With its name and the system's reason."""
    got = run("import", tmp_path / "none.toml", "--data", data)
    assert (got.status, "No such file" in got.err) == (1, True)
