"""`make demo PBX=asterisk`: the same day on a real Asterisk 22."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.e2e
def test_the_same_day_on_a_real_asterisk(tmp_path: Path) -> None:
    """Asterisk's own CDR file, SQL and the HTTP API agree on every call."""
    demo = subprocess.run(
        [
            *(sys.executable, "-m", "callserver", "demo", "-p", "0", "--pbx", "asterisk"),
            *("--calls", "14", "--rate", "4", "--seed", "7", "--json"),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        check=False,
    )
    assert (demo.returncode, demo.stderr) == (0, "")
    figures = json.loads(demo.stdout)
    print(f"expected 14 calls, 14 CDRs, no mismatch; got {figures}")
    assert (figures["calls"], figures["cdrs"], figures["mismatches"]) == (14, 14, 0)
    assert figures["answered"] >= 4
    assert list(tmp_path.iterdir()) == []
