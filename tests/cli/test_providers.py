"""`callserver providers` and `callserver customers`."""

from pathlib import Path

import pytest

from callserver.adapters.http.month_shapes import minutes_text
from tests.cli.conftest import Run

TREE = """
[[provider]]
id = "huaxin"
name = "华信"
commission = "15%"
[[provider]]
id = "huaxin-east"
name = "华信东区"
parent = "huaxin"
commission = "10%"
"""
CALLS = "2026-09"  # when the sample's six calls of 0.30 yuan ended


@pytest.fixture
def tree(run: Run, data: Path, tmp_path: Path) -> Path:
    """The demo's providers with commissions."""
    file = tmp_path / "tree.toml"
    file.write_text(TREE, encoding="utf-8")
    assert run("import", file, "--data", data).status == 0
    return data


def test_providers_are_listed_under_those_above(run: Run, tree: Path) -> None:
    """Names and terms; the same as JSON."""
    told = run("providers", "list", "--data", tree).out.splitlines()
    assert told[0].split() == ["provider", "retail", "wholesale", "commission", "name"]
    assert any(line.startswith("  huaxin-east") and "10%" in line for line in told)
    listed = run("providers", "list", "--json", "--data", tree).json["providers"]
    parents = {each["provider"]: each["parent"] for each in listed}
    assert parents["huaxin-east"] == "huaxin"


def test_the_tree_names_customers(run: Run, tree: Path) -> None:
    """From a provider down, or everybody's."""
    told = run("providers", "tree", "huaxin-east", "--data", tree).out
    assert told.startswith("huaxin-east (")
    assert "clinic" in told
    whole = run("providers", "tree", "--json", "--data", tree).json["tree"]
    assert {"huaxin", "huaxin-east"} <= {each["provider"] for each in whole}
    assert run("providers", "tree", "nobody", "--data", tree).status == 1


def test_a_report_shows_the_month_of_a_tree(run: Run, tree: Path) -> None:
    """As JSON and as a table whose last line is the sum."""
    report = run("providers", "report", "huaxin", "--month", CALLS, "--json", "--data", tree).json
    assert report["total"]["usage"]["fees"]["amount"] == "1.800000"
    assert report["total"]["commission"]["amount"] == "0.270000"
    got = run("providers", "report", "huaxin", "--month", CALLS, "--data", tree)
    assert got.out.splitlines()[-1].startswith("total")
    talk_s = report["total"]["usage"]["billsec"]
    assert "talk min" in got.out.splitlines()[0]
    assert minutes_text(talk_s) in got.out.splitlines()[-1].split()
    assert got.err == "2026-09\n"
    running = run("providers", "report", "--data", tree)
    assert (running.status, "still running" in running.err) == (0, True)
    assert run("providers", "report", "--month", "2026-9", "--data", tree).status == 2
    later = run("providers", "report", "--month", "2099-01", "--data", tree)
    assert (later.status, later.err) == (1, "callserver: 2099-01 has not begun.\n")


def test_commissions_are_posted_once(run: Run, tree: Path) -> None:
    """A look posts nothing, and posting again neither."""
    looked = run("providers", "commissions", CALLS, "--json", "--data", tree).json
    amounts = {each["provider"]: each["amount"]["amount"] for each in looked["commissions"]}
    assert (amounts["huaxin"], amounts["huaxin-east"]) == ("0.090000", "0.180000")
    assert run("providers", "show", "huaxin", "--json", "--data", tree).json["commissions"] == []
    posted = run("providers", "commissions", CALLS, "--post", "--data", tree)
    assert "1.80 × 5.00 %" in posted.out
    again = run("providers", "commissions", CALLS, "--post", "--json", "--data", tree).json
    assert {each["amount"]["amount"] for each in again["commissions"]} == {"0.000000"}
    shown = run("providers", "show", "huaxin-east", "--json", "--data", tree).json
    assert shown["settled"]["amount"] == "0.180000"
    assert [each["amount"]["amount"] for each in shown["commissions"]] == ["0.180000"]
    told = run("providers", "show", "huaxin-east", "--data", tree).out
    assert "commission of 2026-09: 0.18 yuan" in told


def test_a_running_month_is_refused(run: Run, tree: Path) -> None:
    """Whoever wants to know looks at the report."""
    got = run("providers", "commissions", "2099-01", "--post", "--data", tree)
    assert (got.status, "is not over" in got.err) == (1, True)


def test_customers_are_listed_and_shown(run: Run, tree: Path) -> None:
    """Of everybody or of a tree; with numbers."""
    listed = run("customers", "list", "--json", "--data", tree).json["customers"]
    assert {"clinic", "tea"} <= {each["customer"] for each in listed}
    below = run("customers", "list", "--provider", "huaxin-east", "--data", tree).out
    assert "clinic" in below
    shown = run("customers", "show", "clinic", "--json", "--data", tree).json
    assert shown["provider"] == "huaxin-east"
    assert {"did": "4008001234", "state": "active"} in shown["dids"]
    assert "4008001234 active" in run("customers", "show", "clinic", "--data", tree).out
    for args in (["show", "nobody"], ["list", "--provider", "nobody"]):
        assert run("customers", *args, "--data", tree).status == 1
