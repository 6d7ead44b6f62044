"""A Debian folder with Asterisk 22 in it, built once and kept in a cache.

Debian 12 has no asterisk package and Debian sid has, so a minimal sid is bootstrapped into a
folder and Asterisk is installed there with chroot. The packages that worked are kept beside it,
and a folder that breaks is rebuilt from them, without the network and with the same version.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callserver.demo.asterisk.processes import GuardedProcess
from callserver.demo.asterisk.prompts import write_prompts

VERSION_TESTED = "22.10.1"
SUITE = "sid"
MIRROR_DEFAULT = "http://deb.debian.org/debian"
INSTANCE_MOUNT = "srv/callserver"  # inside the folder: where an instance's own files appear
SOUNDS = "usr/share/asterisk/sounds"
_STAMP = "callserver-built"  # written last: a folder without it is not finished
_LAYOUT = "1"  # of the folder; a change makes every cached one be rebuilt

_NEEDS = {  # command → Debian package
    "debootstrap": "debootstrap",
    "chroot": "coreutils",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}

_APT_CONF = """\
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
APT::Install-Recommends "false";
"""

# Run inside a private mount namespace: whatever kills us leaves no mount behind.
_BASE = """\
set -eu
if [ ! -s "$CACHE/base.tgz" ]; then
    rm -rf "$CACHE/base.work"
    debootstrap --variant=minbase --make-tarball="$CACHE/base.part" \
        "$SUITE" "$CACHE/base.work" "$MIRROR"
    mv "$CACHE/base.part" "$CACHE/base.tgz"
    rm -rf "$CACHE/base.work"
fi
debootstrap --variant=minbase --unpack-tarball="$CACHE/base.tgz" "$SUITE" "$ROOT" "$MIRROR"
"""

_INSTALL = """\
set -eu
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mkdir -p "$CACHE/debs/partial" "$CACHE/lists/partial"
mount --bind "$CACHE/debs" "$ROOT/var/cache/apt/archives"
mount --bind "$CACHE/lists" "$ROOT/var/lib/apt/lists"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C HOME=/root
if [ ! -e "$CACHE/complete" ]; then chroot "$ROOT" apt-get update; fi
chroot "$ROOT" apt-get install -y asterisk asterisk-core-sounds-en-gsm
touch "$CACHE/complete"
"""


class AsteriskUnavailable(Exception):
    """A real Asterisk cannot be had here; the message is one line that says what to install."""


@dataclass(frozen=True, slots=True)
class AsteriskFolder:
    """A finished folder: `root` to chroot into, `version` as Asterisk says it."""

    root: Path
    version: str

    @property
    def user(self) -> tuple[int, int]:
        """User and group id that Asterisk runs as inside the folder."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            fields = line.split(":")
            if fields[0] == "asterisk":
                return int(fields[2]), int(fields[3])
        raise AsteriskUnavailable(f"No user asterisk in {self.root}; delete that folder.")


def cache_dir_default() -> Path:
    """Where the folder is kept: $XDG_CACHE_HOME/callserver/asterisk or ~/.cache/…"""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "callserver" / "asterisk"


def ensure_asterisk_folder(
    cache_dir: Path | None = None, progress: Callable[[str], None] = lambda line: None
) -> AsteriskFolder:
    """Return the folder, building it first when it is missing or broken (about a minute).

    Two processes that ask at once share one build. progress gets a line per step.
    Raises AsteriskUnavailable, one line with what to install, when it cannot be built.
    """
    cache = cache_dir or cache_dir_default()
    _check_needs()
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / "root"
    with _locked(cache / "lock", progress):
        version = _version_of(root)
        if version is None:
            progress(f"building Asterisk's folder in {cache} (about a minute, once)")
            _build(cache, root, progress)
            version = _version_of(root)
            if version is None:
                raise AsteriskUnavailable(f"Asterisk does not run in {root}; see {cache}/build.log")
        if version != VERSION_TESTED:
            progress(f"Asterisk {version}: not the tested {VERSION_TESTED}")
        else:
            progress(f"Asterisk {version} in {root}")
    return AsteriskFolder(root, version)


def mirror_from_apt(default: str = MIRROR_DEFAULT) -> str:
    """The Debian mirror this machine already uses, so that a local one is used for sid too."""
    if shutil.which("apt-get") is None:
        return default
    asked = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)"]
    listed = subprocess.run(  # noqa: S603 - constant words
        asked,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for line in listed.splitlines():
        origin, codename, uri = [*line.split(" "), "", "", ""][:3]
        if origin == "Debian" and "-" not in codename and uri.startswith("http"):
            return uri.rstrip("/")
    return default


def _check_needs() -> None:
    if os.geteuid() != 0:
        raise AsteriskUnavailable("A real Asterisk needs root (chroot, mount): run with sudo.")
    missing = sorted({package for command, package in _NEEDS.items() if not shutil.which(command)})
    if missing:
        raise AsteriskUnavailable(f"Missing for a real Asterisk: apt install {' '.join(missing)}")


@contextmanager
def _locked(path: Path, progress: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that uses Asterisk's folder")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _version_of(root: Path) -> str | None:
    """The version of a finished folder that runs, else None."""
    stamp = root / _STAMP
    if not stamp.is_file() or stamp.read_text().strip() != _LAYOUT:
        return None
    said = subprocess.run(  # noqa: S603 - our own folder
        ["chroot", str(root), "asterisk", "-V"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    words = said.stdout.split()
    if said.returncode != 0 or len(words) < 2 or words[0] != "Asterisk":
        return None
    return words[1].partition("+")[0].partition("~")[0]


def _build(cache: Path, root: Path, progress: Callable[[str], None]) -> None:
    if (cache / "complete").exists():
        try:
            _build_once(cache, root, progress)
        except AsteriskUnavailable:
            progress("the kept packages no longer work: fetching them anew")
            for kept in ("complete", "base.tgz"):
                (cache / kept).unlink(missing_ok=True)
        else:
            return
    _build_once(cache, root, progress)


def _build_once(cache: Path, root: Path, progress: Callable[[str], None]) -> None:
    fresh = cache / f"root.{os.getpid()}"
    for left in cache.glob("root.*"):  # of a build that was killed; we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    log = cache / "build.log"
    log.write_bytes(b"")
    env = {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        **{k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")},
        "CACHE": str(cache),
        "ROOT": str(fresh),
        "SUITE": SUITE,
        "MIRROR": mirror_from_apt(),
    }
    try:
        progress(f"debootstrap {SUITE}")
        _run_private(_BASE, env, log)
        _prepare_apt(fresh)
        progress("apt-get install asterisk, inside")
        _run_private(_INSTALL, env, log)
        _finish(fresh, progress)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if root.exists():
        shutil.rmtree(root)
    fresh.rename(root)


def _run_private(script: str, env: dict[str, str], log: Path) -> None:
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    with GuardedProcess(command, output=log, env=env) as build:  # ends with us, whatever ends us
        code = build.wait()
    if code != 0:
        said = log.read_text(errors="replace").strip().splitlines() or ["nothing was said"]
        raise AsteriskUnavailable(f"Building Asterisk's folder failed: {said[-1]} (see {log})")


def _prepare_apt(root: Path) -> None:
    (root / "etc/apt/apt.conf.d/90callserver").write_text(_APT_CONF)
    (root / "etc/dpkg/dpkg.cfg.d/90callserver").write_text("force-unsafe-io\n")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # no daemon starts inside
    policy.chmod(0o755)


def _finish(root: Path, progress: Callable[[str], None]) -> None:
    (root / INSTANCE_MOUNT).mkdir(parents=True, exist_ok=True)
    (root / "etc/hosts").touch()  # a place to bind each instance's own
    spoken = write_prompts(root / SOUNDS / "zh" / "callserver")
    progress(f"{spoken} prompts spoken by espeak-ng" if spoken else "no espeak-ng: no prompts")
    (root / _STAMP).write_text(_LAYOUT + "\n")
