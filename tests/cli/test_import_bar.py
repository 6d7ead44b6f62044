"""An import of a large file shows how far it is, on a terminal only."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from callserver.cli.import_bar import BYTES_TOLD_MIN
from tests.cli.conftest import Run

PROVIDER = '[[provider]]\nid = "big"\nname = "大"\n'


def test_a_bar_is_for_terminals(run: Run, data: Path, tmp_path: Path) -> None:
    """On standard error; standard output holds the outcome alone. A pipe gets no bar."""
    file = tmp_path / "big.toml"
    file.write_text("# much ado about a provider\n" * (BYTES_TOLD_MIN // 20) + PROVIDER)
    terminal, end = pty.openpty()
    ran = subprocess.run(
        [sys.executable, "-m", "callserver", "import", str(file), "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=end,
        env=os.environ | {"TERM": "xterm"},
        text=True,
        check=True,
    )
    os.close(end)
    shown = os.read(terminal, 100_000).decode(errors="replace")
    os.close(terminal)
    assert ran.stdout == "changed: 1 provider\n"
    assert "reading" in shown or "checking" in shown or "writing" in shown
    assert run("import", file, "--data", data).err == ""
