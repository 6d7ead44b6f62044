"""The suite's own guards, tried on small suites in a process of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAK = "import structlog\ndef test_it(tmp_path):\n    (tmp_path / 'server.log').write_text({!r})\n"
CASES = [  # body of the test file, CI set, exit status, part of the output
    ("def test_it(): pass\n", True, 0, "1 passed"),
    ("import pytest\n@pytest.mark.skip\ndef test_it(): pass\n", True, 1, "skipped: "),
    ("import pytest\n@pytest.mark.skip\ndef test_it(): pass\n", False, 0, "1 skipped"),
    (LEAK.format('{"event":"x","a":"13800138000"}\n'), False, 1, "leak: "),
    (LEAK.format("asterisk: 13800138000\n"), False, 0, "1 passed"),
    ("def test_it(log_text): log_text.write('tel 02188886666')\n", False, 1, "gives away"),
]


@pytest.mark.parametrize(
    ("body", "ci", "status", "shown", "workers"),
    [(*case, []) for case in CASES] + [(*CASES[1], ["-n1"]), (*CASES[3], ["-n1"])],
)
def test_the_suite_goes_red_for_leaks_and_skips(
    tmp_path: Path, body: str, ci: bool, status: int, shown: str, workers: list[str]
) -> None:
    """A leak in a test's or a server's log, or a skip in CI, fails the run, with xdist too."""
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_small.py").write_text(body)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull]
    base = tmp_path / "base"
    folders = [f"--rootdir={suite}", f"--basetemp={base}", "-pno:cacheprovider"]
    env = {key: text for key, text in os.environ.items() if not key.startswith("PYTEST_")}
    env.pop("CI", None)
    run = subprocess.run(
        [*command, *folders, *workers, str(suite)],
        cwd=ROOT,
        env=env | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    shutil.rmtree(base)  # or the suite that runs this finds the leaks as its own
    assert (run.returncode, shown in run.stdout) == (status, True), run.stdout
