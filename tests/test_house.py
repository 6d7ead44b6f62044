"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import click
import pytest
import typer.main
import yaml

from callserver.cli.main import app
from tests.house import ROOT, SOURCE, TESTS, files, imported, module, name, texts, tree

LINES_MAX = 400
TOP = {
    *("callserver", "dialplan", "config", "tests", "docs", ".github", ".ci"),
    *("Dockerfile", "pyproject.toml", "README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE"),
    *("SECURITY.md", "Makefile", "compose.yaml", "requirements.lock"),
    *(".gitignore", ".dockerignore"),
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
HOSTS = {  # what URLs in the checkout may name; a mirror or a private host may not
    *("127.0.0.1", "localhost", "deb.debian.org", "www.asterisk.org", "keepachangelog.com"),
    "json-schema.org",
}
# No test imports these; those that run them stand beside.
TESTED_BY = {
    "callserver.__main__": "tests/cli/test_main.py",
    "callserver.adapters.ami.session": "tests/adapters/ami/test_link.py",
    "callserver.adapters.http.operation": "tests/adapters/http/test_openapi.py",
    "callserver.adapters.http.outermost": "tests/adapters/http/test_problems.py",
    "callserver.adapters.http.server": "tests/adapters/http/bed.py",
    "callserver.adapters.http.services": "tests/adapters/http/bed.py",
    "callserver.adapters.redis.parent_death": "tests/adapters/redis/test_embedded.py",
    "callserver.adapters.redis.protocol": "tests/adapters/redis/test_client.py",
    "callserver.adapters.sql.migrations.env": "tests/adapters/sql/test_migrate.py",
    **{
        module(path): "tests/adapters/sql/test_schema.py"
        for path in (ROOT / "callserver/adapters/sql/migrations/versions").glob("0*.py")
    },
    "callserver.adapters.sql.month_closing": "tests/adapters/sql/test_months.py",
    "callserver.adapters.sql.month_correcting": "tests/adapters/sql/test_months.py",
    "callserver.adapters.sql.month_reading": "tests/adapters/sql/test_months.py",
    "callserver.adapters.sql.month_usage": "tests/adapters/sql/test_months.py",
    "callserver.adapters.sql.number_rates": "tests/adapters/sql/test_minimums.py",
    "callserver.cli.bill": "tests/cli/test_months.py",
    "callserver.cli.months_live": "tests/cli/test_months.py",
    "callserver.ports.months": "tests/adapters/sql/test_months.py",
    "callserver.service.minimums": "tests/cli/test_minimums.py",
    "callserver.app": "tests/cli/test_serve.py",
    "callserver.app_settings": "tests/cli/test_serve.py",
    "callserver.back_office": "tests/cli/test_serve.py",
    "callserver.service.office": "tests/cli/test_serve.py",
    "callserver.adapters.http.number_applications": "tests/adapters/http/test_numbers.py",
    "callserver.adapters.http.number_models": "tests/adapters/http/test_numbers.py",
    "callserver.adapters.sql.number_did": "tests/adapters/sql/test_number_writing.py",
    "callserver.adapters.sql.number_rows": "tests/adapters/sql/test_number_reading.py",
    "callserver.cli.number_looks": "tests/cli/test_numbers.py",
    "callserver.cli.number_steps": "tests/cli/test_numbers.py",
    "callserver.cli.number_tables": "tests/cli/test_numbers.py",
    "callserver.service.number_views": "tests/cli/test_numbers.py",
    "callserver.cli.ami_probe": "tests/cli/test_check_on_asterisk.py",
    "callserver.cli.api": "tests/cli/test_accounts.py",
    "callserver.cli.arguments": "tests/cli/test_accounts.py",
    "callserver.adapters.http.arrears_shapes": "tests/adapters/http/test_arrears.py",
    "callserver.ports.arrears": "tests/adapters/sql/test_arrears.py",
    "callserver.service.arrears": "tests/cli/test_customers_overdue.py",
    "callserver.cli.calls": "tests/cli/test_serve.py",
    "callserver.cli.demo": "tests/demo/test_run.py",
    "callserver.cli.running_redis": "tests/cli/test_ledger_check.py",
    "callserver.cli.opening": "tests/cli/test_db.py",
    "callserver.cli.options": "tests/cli/test_main.py",
    "callserver.cli.own_token": "tests/cli/test_serve.py",
    "callserver.config_fields": "tests/test_config.py",
    "callserver.config_load": "tests/test_config.py",
    "callserver.adapters.http.feature_models": "tests/adapters/http/test_features.py",
    "callserver.adapters.http.feature_shapes": "tests/adapters/http/test_features.py",
    "callserver.adapters.http.plan_models": "tests/adapters/http/test_plans.py",
    "callserver.adapters.http.plan_shapes": "tests/adapters/http/test_plans.py",
    "callserver.adapters.sql.deductions": "tests/adapters/sql/test_feature_reconciliation.py",
    "callserver.adapters.sql.feature_catalogue": "tests/adapters/sql/feature_bed.py",
    "callserver.adapters.sql.feature_rows": "tests/adapters/sql/test_feature_activations.py",
    "callserver.adapters.sql.number_owner": "tests/adapters/sql/test_feature_activations.py",
    "callserver.adapters.sql.plan_catalogue": "tests/adapters/sql/test_plan_terms.py",
    "callserver.adapters.sql.plan_money": "tests/adapters/sql/test_plan_leftovers.py",
    "callserver.adapters.sql.plan_rows": "tests/adapters/sql/test_plan_terms.py",
    "callserver.adapters.sql.plan_steps": "tests/adapters/sql/test_plan_terms.py",
    "callserver.cli.counting": "tests/cli/test_features.py",
    "callserver.cli.days": "tests/cli/test_features.py",
    "callserver.cli.feature_tables": "tests/cli/test_features.py",
    "callserver.cli.plan_tables": "tests/cli/test_plans.py",
    "callserver.cli.reconcile": "tests/cli/test_features.py",
    "callserver.adapters.http.correction_shapes": "tests/cli/test_rerate.py",
    "callserver.adapters.http.ledger_shapes": "tests/adapters/http/test_ledger.py",
    "callserver.adapters.http.provider_shapes": "tests/adapters/http/test_providers.py",
    "callserver.cli.ledger_check": "tests/service/test_ledger_drift.py",
    "callserver.domain.provider_report": "tests/adapters/sql/test_providers.py",
    "callserver.domain.statement": "tests/adapters/sql/test_ledger_reading.py",
    "callserver.ports.idempotency": "tests/adapters/http/test_idempotency.py",
    "callserver.ports.providers": "tests/adapters/sql/test_providers.py",
    "callserver.ports.retention": "tests/adapters/sql/test_retention.py",
    "callserver.service.export_cells": "tests/service/test_exporting.py",
    "callserver.service.export_offers": "tests/service/test_exporting.py",
    "callserver.service.ledger": "tests/adapters/http/test_ledger.py",
    "callserver.service.offer_kinds": "tests/service/test_import_kinds.py",
    "callserver.demo.api_client": "tests/demo/test_run.py",
    "callserver.demo.asterisk.__main__": "tests/demo/asterisk/test_folder.py",
    "callserver.demo.pbx.walk": "tests/demo/test_pbx.py",
}


def mirror(path: Path) -> Path:
    """Where the tests of a source file belong."""
    inside = path.relative_to(ROOT / "callserver")
    return ROOT / "tests" / inside.parent / f"test_{inside.name}"


def test_every_source_file_has_tests() -> None:
    """Each module is imported by a test or has its mirror under tests/; exceptions are named."""
    used = set().union(*(imported(path) for path in TESTS if "bench" not in path.parts))
    used |= {part.rpartition(".")[0] for part in used}
    bare = {
        module(path)
        for path in SOURCE
        if path.read_text(encoding="utf-8").strip() and module(path) not in used
        if not mirror(path).exists() and not only_a_docstring(path)
    }
    assert bare - TESTED_BY.keys() == set()
    assert TESTED_BY.keys() - {module(path) for path in SOURCE} == set(), "these are gone"
    assert [test for test in TESTED_BY.values() if not (ROOT / test).exists()] == []


def only_a_docstring(path: Path) -> bool:
    """Whether there is nothing in a module that could be tested."""
    return all(isinstance(node, ast.Expr) for node in tree(path).body)


def test_no_file_is_long() -> None:
    """At most 400 lines, tests too."""
    counted = {
        name(path): text.count("\n")
        for path, text in texts()
        if path.suffix in {".py", ".lua", ".conf"}
    }
    assert {path: lines for path, lines in counted.items() if lines > LINES_MAX} == {}


def test_nothing_unexpected_stands_at_the_top() -> None:
    """The house has these rooms and no others."""
    assert {path.relative_to(ROOT).parts[0] for path in files()} == TOP


def test_every_file_is_named_for_what_it_holds() -> None:
    """No drawer for odds and ends."""
    parts = {
        (name(path), part) for path in files() for part in Path(name(path)).with_suffix("").parts
    }
    assert [path for path, part in parts if part.removeprefix("test_") in NAMELESS] == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCE if "domain" in path.parts], ids=lambda path: path.stem
)
def test_the_domain_counts_in_integers(path: Path) -> None:
    """No float literal, no float(), no `/`: money and seconds are whole."""
    for node in ast.walk(tree(path)):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), node.lineno


def test_no_exception_is_swallowed() -> None:
    """Whoever catches everything does something with it."""
    broad = {"Exception", "BaseException"}
    swallowed = [
        f"{name(path)}:{node.lineno}"
        for path in [*SOURCE, *TESTS]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in broad))
        and all(isinstance(done, ast.Pass) for done in node.body)
    ]
    assert swallowed == []


def test_every_ignored_warning_has_its_reason() -> None:
    """After `noqa` or `type: ignore` stands why; a line may share that of the line before."""
    ignore = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[\w,-]+\])\s*(.*)$")
    bare = []
    for path in [*SOURCE, *TESTS]:
        before = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = ignore.search(line)
            if found and not found[1].strip("# -") and not before:
                bare.append(f"{name(path)}:{number}")
            before = bool(found)
    assert bare == []


def test_nothing_is_left_to_be_done() -> None:
    """What is missing stands in the README's limits, not in the code."""
    left = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
    assert [name(path) for path, text in texts() if left.search(text)] == []


def test_every_test_says_what_it_shows() -> None:
    """One sentence each."""
    silent = [
        f"{name(path)}::{node.name}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_test_is_skipped() -> None:
    """What cannot run is a failure: nothing hides behind a skip."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "importorskip"}
    ]
    assert found == []


def commands(group: click.Command, before: str = "callserver") -> list[str]:
    """Every command with what leads to it."""
    if not isinstance(group, click.Group):
        return [before]
    return [
        found
        for word, command in group.commands.items()
        for found in commands(command, f"{before} {word}")
    ]


def test_the_documents_mention_every_command() -> None:
    """Nobody has to guess that it exists."""
    written = "\n".join(path.read_text("utf-8") for path in ROOT.glob("docs/*.md"))
    written += (ROOT / "README.md").read_text(encoding="utf-8")
    assert [c for c in commands(typer.main.get_command(app)) if c not in written] == []


def test_make_lists_its_targets() -> None:
    """`make` alone shows each of them with what it does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^\.PHONY: (\w+)$", makefile, re.M)
    told = subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory"], check=True, capture_output=True, text=True
    )
    listed = re.findall(r"^  make (\w+) +\S", told.stdout, re.M)
    assert sorted(listed) == sorted(targets)
    assert {"setup", "demo", "test", "bench", "image"} <= set(listed)


def test_ci_runs_what_people_run() -> None:
    """The workflow calls .ci/run, keeps the caches, and lets nothing be skipped."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["test"]["steps"]
    assert steps[-1] == {"run": ".ci/run", "env": {"CI": "true"}}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    (cache,) = [step["with"] for step in steps if step.get("uses", "").startswith("actions/cache@")]
    assert cache["path"] == "~/.cache/callserver"
    for pattern in re.findall(r"'([^']+)'", cache["key"]):
        assert list(ROOT.glob(pattern)), pattern


def test_nothing_names_a_private_host() -> None:
    """URLs lead to public places or examples: no mirror, no index of where it was written."""
    host = re.compile(r"https?://(?:[^\s/@\"'`]*@)?([A-Za-z0-9.-]+)")
    own = {
        f"{name(path)}: {found}"
        for path, text in texts()
        for found in host.findall(text)
        if found.lower() not in HOSTS and not found.endswith((".example", "w3.org"))
        if "." in found
    }
    assert own == set()


def test_nothing_names_where_it_was_written() -> None:
    """The checkout's own path is in no file."""
    assert [name(path) for path, text in texts() if f"{ROOT}/" in text] == []
