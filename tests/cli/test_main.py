"""The command line as a whole: help, version, exit statuses, how quick it starts."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

COMMANDS = [
    *["serve", "demo", "check", "doctor", "route", "rate", "import", "export"],
    *["accounts topup", "accounts show", "calls list", "calls watch", "cdr list", "cdr export"],
    *["token create", "token list", "token revoke", "db upgrade", "db current"],
]
# (typer imports pydantic by itself)
HEAVY = ("sqlalchemy", "aiohttp", "alembic", "uvloop", "panoramisk", "asyncio_redis")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    """`--help` works everywhere and shows the usage."""
    shown = run(*command.split(), "--help")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith(f"Usage: callserver {command}".rstrip())


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "calls watch"])
def test_every_command_can_print_json(run: Run, command: str) -> None:
    """`--json` is there everywhere."""
    assert "--json" in run(*command.split(), "--help").out


def test_no_command_s_summary_is_cut_short(run: Run) -> None:
    """In the list of commands each stands in full on a line of 80."""
    for group in ("", "accounts", "calls", "cdr", "token", "db"):
        assert "..." not in run(*group.split(), "--help").out.partition("Commands:")[2], group


def test_help_imports_nothing_heavy() -> None:
    """Showing help does not wait for databases, servers or models to be imported."""
    code = (
        "import sys; from typer.testing import CliRunner; from callserver.cli.main import app;"
        "CliRunner().invoke(app, ['serve', '--help'], catch_exceptions=False);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("args", [["nonsense"], ["rate"], ["rate", "--nonsense"], []])
def test_wrong_usage_ends_with_2(run: Run, args: list[str]) -> None:
    """An unknown command or option, or a missing one, is wrong usage, told on standard error."""
    got = run(*args)
    assert (got.status, got.err != "" or "Usage" in got.out) == (2, True)


def test_the_version_is_the_package_s(run: Run) -> None:
    """`--version` prints name and version."""
    assert run("--version").out.startswith("callserver 0.")


@pytest.mark.parametrize("command", ["serve", "check", "doctor", "db current", "token list"])
def test_a_bad_configuration_ends_with_78(run: Run, tmp_path: Path, command: str) -> None:
    """Whatever the command, every fault is listed with file and line, and the status is 78."""
    path = tmp_path / "bad.toml"
    path.write_text("[server]\nhtpp = 'x'\n[log]\nlevel = 'inof'\n")
    got = run(*command.split(), "--config", path)
    assert (got.status, got.out) == (78, "")
    assert got.err.splitlines() == [
        f"{path}:2: server.htpp: unknown key; did you mean 'http'?",
        f"{path}:4: log.level: must be one of debug, info, warning, error; did you mean 'info'?",
    ]


def test_a_url_that_an_adapter_refuses_ends_with_78(run: Run, data: Path) -> None:
    """Faults that only the adapters know are faults of the configuration too."""
    for name, text in [("DATABASE", "sqlite://"), ("REDIS", "redis://h:0")]:
        got = run("serve", "--data", data, **{f"CALLSERVER_{name}__URL": text})
        assert (got.status, f"{name.lower()}.url: " in got.err) == (78, True), got.err


def test_the_module_runs_as_the_script_does() -> None:
    """`python -m callserver` is the same command line."""
    command = [sys.executable, "-m", "callserver", "rate", "--rate", "1", "--seconds", "0"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("0.00 yuan")
