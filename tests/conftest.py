"""For every test: log lines are read for leaks, and in CI nothing may be skipped.

Servers that a test starts write their log (JSON) to a `*.log` file below pytest's temporary
folder; these are read at the end of the run.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from callserver import log
from tests.log_leaks import leaks, leaks_under

# A busy machine must not fail a property that holds. It stands here because settings are read when
# a test file is imported, and this file comes before every one of them.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

FAULTS = pytest.StashKey[list[str]]()


@pytest.fixture(autouse=True)
def log_text() -> Iterator[io.StringIO]:
    """The log of the test, as a server would write it; a leak in it fails the test."""
    text = io.StringIO()
    log.configure("debug", "json", text)
    yield text
    found = [leak for line in text.getvalue().splitlines() for leak in leaks(line)]
    assert not found, f"the log gives away {found}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a leak in the log of a server, and in CI for a skipped test."""
    config = session.config
    if hasattr(config, "workerinput"):
        return  # a worker of xdist: the controller sees the folders and reports of all
    faults = [f"leak: {leak}" for leak in leaks_under(_temporary_folder(config))]
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, TerminalReporter) and os.environ.get("CI"):
        faults += [f"skipped: {report.nodeid}" for report in reporter.stats.get("skipped", [])]
    config.stash[FAULTS] = faults
    if faults:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Say what made the run red although no test failed."""
    for fault in config.stash.get(FAULTS, []):
        terminalreporter.line(fault, red=True)


def _temporary_folder(config: pytest.Config) -> Path:
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]  # pytest offers it to fixtures only, and these do not run in xdist's controller
    return factory.getbasetemp()
