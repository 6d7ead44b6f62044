"""One private Asterisk: its own configuration, database, logs and ports, in the shared folder.

The folder is mounted read-only and the instance's files are bound into it, inside a mount
namespace of its own: several run in parallel, and nothing stays mounted however it ends.
"""

import csv
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from callserver.demo.asterisk.configuration import (
    CONTEXT,
    INSIDE,
    InstanceSettings,
    write_configuration,
)
from callserver.demo.asterisk.folder import INSTANCE_MOUNT, AsteriskFolder
from callserver.demo.asterisk.free_ports import free_tcp_port, free_udp_port
from callserver.demo.asterisk.processes import GuardedProcess

DIALPLAN = Path(__file__).resolve().parents[3] / "dialplan"
AMI_USER = "callserver"  # the section in dialplan/manager.conf

_ENTER = f"""\
set -e
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mount --bind "$WORK" {INSTANCE_MOUNT}
mount --bind "$WORK/hosts" etc/hosts
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -o remount,bind,ro "$ROOT"
exec chroot --userspec="$OWNER" "$ROOT" "$@"
"""


class AsteriskFailed(Exception):
    """Asterisk did not start, or a command to it failed."""


@dataclass(frozen=True, slots=True)
class CdrLine:
    """One line of the PBX's own CDR file: one dial attempt. Instants are epoch microseconds."""

    token: str
    uniqueid: str
    linkedid: str
    did: str
    caller: str
    start_us: int
    answer_us: int  # 0 when never answered
    end_us: int
    billsec: int
    duration: int
    disposition: str
    channel: str
    dstchannel: str
    lastapp: str
    lastdata: str


class AsteriskInstance:
    """A private Asterisk on free ports of 127.0.0.1.

    `trunks` maps a trunk name to the SIP port of its far end; the carrier calls `sip_port`.
    Use as a context manager, or call start() and stop().
    """

    def __init__(
        self,
        folder: AsteriskFolder,
        work_dir: Path,
        agi: tuple[str, int],
        *,
        pbx: str = "pbx1",
        trunks: Mapping[str, int] | None = None,
        ami_port: int | None = None,
        sip_port: int | None = None,
        globals_extra: Mapping[str, str] | None = None,
        extensions_extra: str = "",
        from_context: str = CONTEXT,
        dialplan: Path = DIALPLAN,
    ) -> None:
        """Choose ports and a secret; nothing is written or started before start()."""
        self.folder = folder
        self.work_dir = work_dir
        self.settings = InstanceSettings(
            agi_host=agi[0],
            agi_port=agi[1],
            pbx=pbx,
            ami_port=ami_port or free_tcp_port(),
            sip_port=sip_port or free_udp_port(),
            ami_user=AMI_USER,
            ami_secret=secrets.token_urlsafe(24),
            trunks=dict(trunks or {}),
            dialplan=dialplan,
            globals=dict(globals_extra or {}),
            extensions_extra=extensions_extra,
            from_context=from_context,
        )
        self._process: GuardedProcess | None = None

    @property
    def pbx(self) -> str:
        """The PBX name that the dialplan tells the server."""
        return self.settings.pbx

    @property
    def ami_port(self) -> int:
        """TCP port of AMI."""
        return self.settings.ami_port

    @property
    def ami_user(self) -> str:
        """Name of the AMI user with least rights."""
        return self.settings.ami_user

    @property
    def ami_secret(self) -> str:
        """Its secret."""
        return self.settings.ami_secret

    @property
    def secret_file(self) -> Path:
        """A file with the AMI secret alone, as the server's `secret_file` wants it."""
        return self.work_dir / "ami.secret"

    @property
    def sip_port(self) -> int:
        """UDP port on which the carrier's calls arrive."""
        return self.settings.sip_port

    @property
    def cdr_file(self) -> Path:
        """The PBX's own CDR lines, as the server's `cdr_file` wants it."""
        return self.work_dir / "log" / "cdr-custom" / "callserver.csv"

    @property
    def log_file(self) -> Path:
        """Asterisk's log."""
        return self.work_dir / "log" / "full"

    @property
    def pid(self) -> int:
        """Process id of the running Asterisk."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether Asterisk runs."""
        return self._process is not None and self._process.running

    def start(self, timeout_s: float = 30.0) -> None:
        """Write the configuration, start, and return once calls can come in.

        Raises AsteriskFailed with the last lines of the log.
        """
        self._write_files()
        offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        self._process = GuardedProcess(
            self._command("/usr/sbin/asterisk", "-C", f"{INSIDE}/etc/asterisk.conf", "-f"),
            output=self.work_dir / "console.txt",
            env=self._environment(),
        )
        deadline = time.monotonic() + timeout_s
        while not self._ready(offset):
            if not self._process.running or time.monotonic() > deadline:
                self.kill9()
                raise AsteriskFailed(f"Asterisk did not become ready: {self._last_words()}")
            time.sleep(0.02)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Hang up all calls and end Asterisk in an orderly way; nothing if it does not run."""
        if self._process is None:
            return
        self._process.stop(timeout_s)  # SIGTERM is "core stop now"
        self._process = None

    def kill9(self) -> None:
        """End Asterisk with SIGKILL: no hang-up is sent, no CDR line written."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def freeze(self) -> None:
        """Stop the process from running (SIGSTOP): connected, and silent."""
        self._running().signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._running().signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start, with the same ports, secret and database."""
        self.stop()
        self.start()

    def cli(self, command: str, timeout_s: float = 10.0) -> str:
        """Run a console command in the running Asterisk and return what it prints."""
        said = subprocess.run(  # noqa: S603 - a command of ours
            [
                *("nsenter", "-t", str(self.pid), "--mount", "--root", "--wdns=/"),
                *("/usr/sbin/asterisk", "-C", f"{INSIDE}/etc/asterisk.conf", "-rx", command),
            ],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=self._environment(),
            check=False,
        )
        if said.returncode != 0:
            raise AsteriskFailed(f"{command!r}: {(said.stderr or said.stdout).strip()}")
        return said.stdout

    def channels(self) -> int:
        """How many channels are up now."""
        for line in self.cli("core show channels count").splitlines():
            if "active channel" in line:
                return int(line.split()[0])
        raise AsteriskFailed("core show channels count said nothing usable")

    def cdr_lines(self) -> list[CdrLine]:
        """The PBX's own CDR lines so far, oldest first."""
        if not self.cdr_file.exists():
            return []
        with self.cdr_file.open(newline="") as handle:
            return [_cdr_line(row) for row in csv.reader(handle) if row]

    def _running(self) -> GuardedProcess:
        if self._process is None or not self._process.running:
            raise AsteriskFailed(f"Asterisk {self.pbx} does not run")
        return self._process

    def _write_files(self) -> None:
        uid, gid = self.folder.user
        for name in ("etc", "lib/keys", "run", "log", "log/cdr-custom", "spool", "cache"):
            (self.work_dir / name).mkdir(parents=True, exist_ok=True)
        write_configuration(self.work_dir / "etc", self.settings)
        # Without its own name here Asterisk asks DNS on every call.
        names = f"localhost {socket.gethostname()} A.ROOT-SERVERS.NET"
        (self.work_dir / "hosts").write_text(f"127.0.0.1 {names}\n")
        self.secret_file.touch(mode=0o600)
        self.secret_file.write_text(self.ami_secret + "\n")
        self.work_dir.chmod(0o755)
        for path in self.work_dir.rglob("*"):
            os.chown(path, uid, gid)
        os.chown(self.secret_file, os.getuid(), os.getgid())

    def _command(self, *inside: str) -> list[str]:
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "enter"]
        return [*enter, *inside]

    def _environment(self) -> dict[str, str]:
        uid, gid = self.folder.user
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(self.folder.root),
            "WORK": str(self.work_dir),
            "OWNER": f"{uid}:{gid}",
            "HOME": INSIDE,
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
        }

    def _ready(self, offset: int) -> bool:
        if not self.log_file.exists():
            return False
        with self.log_file.open("rb") as log:
            log.seek(offset)
            return b"Asterisk Ready." in log.read()

    def _last_words(self) -> str:
        for path in (self.log_file, self.work_dir / "console.txt"):
            if path.exists() and path.stat().st_size:
                return " / ".join(path.read_text(errors="replace").splitlines()[-3:])
        return "it said nothing"

    def __enter__(self) -> "AsteriskInstance":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _cdr_line(row: list[str]) -> CdrLine:
    token, uniqueid, linkedid, did, caller, start, answer, end, billsec, duration = row[:10]
    return CdrLine(
        token=token,
        uniqueid=uniqueid,
        linkedid=linkedid,
        did=did,
        caller=caller,
        start_us=_micros(start),
        answer_us=_micros(answer),
        end_us=_micros(end),
        billsec=int(billsec),
        duration=int(duration),
        disposition=row[10],
        channel=row[12],
        dstchannel=row[13],
        lastapp=row[14],
        lastdata=row[15],
    )


def _micros(epoch: str) -> int:
    """`1700000000.000123` → 1700000000000123; empty → 0."""
    seconds, _, fraction = epoch.partition(".")
    return int(seconds or 0) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)
