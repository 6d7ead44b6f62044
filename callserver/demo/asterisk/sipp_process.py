"""Runs SIPp on a scenario of ours and reads the log lines that the scenario writes."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from callserver.demo.asterisk.folder import AsteriskUnavailable
from callserver.demo.asterisk.processes import GuardedProcess

_SCENARIOS = Path(__file__).parent / "sipp"


@dataclass(frozen=True, slots=True)
class SippLine:
    """One thing that happened to one call of a SIPp, as its scenario logged it."""

    call: int  # 1, 2, … within this SIPp
    event: str
    at_ms: int  # since this SIPp started
    code: int  # SIP status
    cause: str  # Q.850 cause from a Reason header, or empty
    detail: str = ""  # the From header that a destination was shown, else empty


class Sipp:
    """One SIPp process with its scenario and logs in a folder of its own."""

    def __init__(self, scenario: str, values: Mapping[str, str], work_dir: Path | None) -> None:
        """Fill in the scenario's @NAME@ places; nothing runs yet."""
        if shutil.which("sipp") is None:
            raise AsteriskUnavailable("Missing for test calls: apt install sip-tester")
        if work_dir is not None:
            work_dir.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{scenario}-", dir=work_dir))
        self._temporary = work_dir is None
        self._log = self.folder / "calls.txt"
        text = (_SCENARIOS / f"{scenario}.xml").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        (self.folder / "scenario.xml").write_text(text)
        self._process: GuardedProcess | None = None

    def run(self, *arguments: str) -> None:
        """Start SIPp with arguments beside the scenario and the logs."""
        self._process = GuardedProcess(
            [
                *("sipp", "-sf", str(self.folder / "scenario.xml"), "-i", "127.0.0.1"),
                *("-nostdin", "-trace_logs", "-log_file", str(self._log)),
                *("-trace_err", "-error_file", str(self.folder / "errors.txt")),
                *arguments,
            ],
            output=self.folder / "screen.txt",
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        )

    @property
    def pid(self) -> int:
        """Process id of the SIPp that was started."""
        if self._process is None:
            raise RuntimeError("run() first")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether SIPp runs."""
        return self._process is not None and self._process.running

    def wait(self, timeout_s: float) -> int:
        """Wait until SIPp has made its calls; its exit code (0 all as scripted, 1 some not)."""
        if self._process is None:
            raise RuntimeError("run() first")
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            said = self.errors()
            self.close()
            raise TimeoutError(f"SIPp still had calls after {timeout_s} s. {said}") from None

    def lines(self) -> list[SippLine]:
        """What the calls did so far."""
        if not self._log.exists():
            return []
        rows = self._log.read_text(errors="replace").splitlines()
        return [_line(row.split(";")) for row in rows if row.count(";") >= 5]

    def errors(self) -> str:
        """What SIPp found wrong, for a person."""
        path = self.folder / "errors.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Kill SIPp if it runs; delete its files if the folder was temporary."""
        if self._process is not None:
            self._process.kill()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def _line(fields: Sequence[str]) -> SippLine:
    call, event, at_ms, code, cause, *detail = fields
    return SippLine(int(call), event, int(at_ms), int(code), cause.strip(), ";".join(detail))
