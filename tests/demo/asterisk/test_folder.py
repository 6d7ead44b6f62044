"""The folder with Asterisk in it."""

import os
import subprocess
from pathlib import Path

import pytest

from callserver.demo.asterisk import folder
from callserver.demo.asterisk.folder import AsteriskFolder, AsteriskUnavailable
from tests.e2e.bed.fixtures import asterisk_folder

__all__ = ["asterisk_folder"]


def script(path: Path, text: str) -> None:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_what_is_missing_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        AsteriskUnavailable, match=r"^Missing .*: apt install .*debootstrap"
    ) as said:
        folder.ensure_asterisk_folder(tmp_path)
    assert "\n" not in str(said.value)


def test_it_needs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """chroot and mount do; said before anything is tried."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(AsteriskUnavailable, match="root"):
        folder.ensure_asterisk_folder(tmp_path)


def test_a_build_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of the build's log, and no half a folder."""
    bin_dir, cache = tmp_path / "bin", tmp_path / "cache"
    bin_dir.mkdir()
    script(bin_dir / "debootstrap", "echo 'E: no such mirror'; exit 1")
    monkeypatch.setenv("PATH", f"{bin_dir}:{os.environ['PATH']}")
    with pytest.raises(AsteriskUnavailable, match=r"E: no such mirror"):
        folder.ensure_asterisk_folder(cache)
    assert not list(cache.glob("root*"))


MIRRORS = [  # what apt says, the mirror to use
    ("Debian bookworm http://mirror.example/debian/\n", "http://mirror.example/debian"),
    (
        "Debian bookworm-security http://s.example/debian-security/\n"
        "Debian bookworm-updates http://m.example/debian/\nDebian bookworm http://m.example/debian/",
        "http://m.example/debian",
    ),
    ("Node nodistro https://deb.example/node\n", folder.MIRROR_DEFAULT),
    ("", folder.MIRROR_DEFAULT),
]


@pytest.mark.parametrize(("listed", "mirror"), MIRRORS)
def test_the_mirror_is_the_one_apt_uses(
    listed: str, mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's own, neither its security archive nor somebody else's."""
    (tmp_path / "listed").write_text(listed)
    script(tmp_path / "apt-get", f"/bin/cat {tmp_path}/listed")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert folder.mirror_from_apt() == mirror


@pytest.mark.e2e
def test_the_folder_runs_asterisk_22(asterisk_folder: AsteriskFolder) -> None:
    """It says its version, knows its user, and is found again at once."""
    assert asterisk_folder.version.startswith("22.")
    assert asterisk_folder.user[0] > 0
    said: list[str] = []
    assert folder.ensure_asterisk_folder(progress=said.append) == asterisk_folder
    assert asterisk_folder.version in said[-1]


@pytest.mark.e2e
def test_nothing_is_mounted_in_the_folder(asterisk_folder: AsteriskFolder) -> None:
    """What it needs is mounted in namespaces of their own."""
    mounts = subprocess.run(["mount"], capture_output=True, text=True, check=True).stdout
    assert str(asterisk_folder.root) not in mounts
