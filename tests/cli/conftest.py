"""The command line in this process, and data folders with the demo's customers in them."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from callserver.adapters.sql.books import open_books
from callserver.cli.main import app
from callserver.demo.business import business
from callserver.demo.seed_books import fill_books
from callserver.service.clocks import SystemClock
from tests.adapters.sql.samples import cdr


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No configuration from outside, and nothing written where the tests were started."""
    for name in ("CALLSERVER_CONFIG", "CALLSERVER_URL", "CALLSERVER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Run:
    """Run one command: `run("rate", "--seconds", 61)`."""

    def _run(*args: object, **env: str) -> Ran:
        found = CliRunner().invoke(app, [str(arg) for arg in args], env=env)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Ran(found.exit_code, found.stdout, found.stderr)

    return _run


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "data"
    folder.mkdir(mode=0o700)
    url = f"sqlite:///{folder / 'callserver.db'}"

    async def fill() -> None:
        await fill_books(url, business(), SystemClock())
        async with open_books(url, SystemClock()) as books:
            owner = {"customer": "clinic", "account": "clinic", "provider": "huaxin-east"}
            calls = [cdr(**owner, did=did) for did in ("4008001234", "4007770000") * 3]
            await books.write_cdrs(calls)

    asyncio.run(fill())
    return folder


@pytest.fixture
def data(_filled: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own: the demo's customers, top-ups, and six calls of clinic."""
    return Path(shutil.copytree(_filled, tmp_path / "data"))
