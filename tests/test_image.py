"""The container image: built, then its server started as a container engine would start it.

No engine is needed: the image's root is mounted read-only in a mount namespace of its own, with a
fresh data folder, and its entry point runs there as the image's user.
"""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.house import ROOT, files

CACHE = Path(
    os.environ.get("CALLSERVER_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callserver"
)
BUILD_S = 900
END_S = 60
UID = 10400
# Everything the server may write to is made here; the namespace ends with the process.
START = """
set -eu
root=$1 user=$2 folder=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=0700,uid=10400,gid=10400 tmpfs "$root$folder"
exec chroot --userspec="$user:$user" "$root" "$@"
"""
pytestmark = [pytest.mark.image, pytest.mark.xdist_group("image")]


def buildah(*args: str) -> str:
    """One buildah command on the image's own storage; what it printed."""
    storage = [f"--root={CACHE / 'image' / 'storage'}", f"--runroot={CACHE / 'image' / 'run'}"]
    env = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(
        ["buildah", *storage, *args], env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@dataclass(frozen=True)
class Image:
    """The image's root file system, and its settings as Docker reads them."""

    root: Path
    config: dict[str, Any]

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        return dict(entry.split("=", 1) for entry in self.config["Env"])

    @property
    def argv(self) -> list[str]:
        """What a container of it runs, inside."""
        return [*self.config["Entrypoint"], *self.config["Cmd"]]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image as `make image` builds it from this checkout; its container is removed."""
    env = os.environ | {"CALLSERVER_IMAGE_BUILDER": "buildah"}
    built = subprocess.run(
        [ROOT / "tests" / "setup" / "image.sh"],
        cwd=ROOT,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
    )
    assert built.returncode == 0, built.stderr
    container = buildah("from", "--pull-never", "callserver:dev")
    try:
        about = json.loads(buildah("inspect", "--type", "image", "callserver:dev"))
        yield Image(Path(buildah("mount", container)), about["Docker"]["config"])
    finally:
        buildah("rm", container)


@dataclass(frozen=True)
class Started:
    """The server, running in the image's root."""

    process: subprocess.Popen[str]
    image: Image
    url: str


@pytest.fixture
def started(image: Image, tmp_path: Path) -> Iterator[Started]:
    """The server on free ports, started as the image says; ended whatever happens."""
    free = {"CALLSERVER_SERVER__HTTP": "127.0.0.1:0", "CALLSERVER_SERVER__FASTAGI": "127.0.0.1:0"}
    folder, user = image.config["WorkingDir"], image.config["User"]
    with (tmp_path / "image.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", START, "sh", image.root, user, folder, *image.argv],
            env=image.env | free,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "ready: HTTP" in line, (tmp_path / "image.log").read_text(encoding="utf-8")
        yield Started(process, image, line.split("HTTP ")[1].split()[0].rstrip(",;"))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(END_S)
        process.stdout.close()


def children(pid: int) -> list[int]:
    """A process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_server_runs_as_its_own_user_on_a_read_only_root(started: Started) -> None:
    """Healthy as uid 10400, nothing to write to but its data and /tmp; SIGTERM ends it with 0."""
    pid = started.process.pid
    with urllib.request.urlopen(f"{started.url}/healthz", timeout=30) as answer:
        assert answer.status == 200
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    assert status["Uid"].split() == [str(UID)] * 4
    assert int(status["CapEff"], 16) == 0
    mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    assert [options.split(",")[0] for _, point, _, options, *_ in mounts if point == "/"] == ["ro"]
    helpers = children(pid)
    assert helpers, "the embedded Valkey is a process of its own"
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(END_S) == 0
    deadline = time.monotonic() + END_S
    while any(Path(f"/proc/{helper}").exists() for helper in helpers):
        assert time.monotonic() < deadline, "it left a process behind"
        time.sleep(0.05)


def test_its_health_check_tells_well_from_ill(started: Started) -> None:
    """The command in the image, on this server's port: 0 while it lives, else not."""
    port = started.url.rpartition(":")[2]
    kind, *command = started.image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    here = [word.replace("8400", port) for word in command]
    inside = ["chroot", f"--userspec={UID}:{UID}", started.image.root, *here]

    def status() -> int:
        return subprocess.run(
            inside, env=started.image.env, check=False, capture_output=True
        ).returncode

    assert status() == 0
    started.process.send_signal(signal.SIGTERM)
    started.process.wait(END_S)
    assert status() != 0


def test_nothing_of_the_builder_is_in_the_image(image: Image) -> None:
    """No index, certificate or credential that pip was lent; no tests, no cache of pip."""
    assert [
        name
        for name in image.env
        if name.startswith(("PIP_", "SSL_")) and name not in {"PIP_NO_CACHE_DIR"}
    ] == []
    for leftover in ("etc/pip.conf", "root/.config/pip/pip.conf", "root/.cache/pip"):
        path = image.root / leftover
        assert not path.exists() or path.stat().st_size == 0, leftover
    package = next((image.root / "opt/callserver/lib").glob("python3.*/site-packages"))
    assert not (package / "tests").exists()


def test_the_whole_package_is_in_the_image(image: Image) -> None:
    """Modules, Redis scripts, migrations: an editable install would hide that one is missing."""
    package = next((image.root / "opt/callserver/lib").glob("python3.*/site-packages/callserver"))
    missing = [
        path
        for path in files(ROOT / "callserver")
        if not (package / path.relative_to(ROOT / "callserver")).exists()
    ]
    assert missing == []


def test_the_image_has_the_dialplan_of_the_checkout(image: Image) -> None:
    """What Asterisk includes, and the commented settings, are at hand in it."""
    share = image.root / "usr/share/callserver"
    for path in (ROOT / "dialplan").iterdir():
        assert (share / "dialplan" / path.name).read_bytes() == path.read_bytes()
    example = ROOT / "config" / "callserver.toml"
    assert (share / "callserver.toml").read_bytes() == example.read_bytes()
