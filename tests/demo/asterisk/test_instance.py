"""Private Asterisks: several at once, stopped, killed, frozen, restarted."""

import subprocess
from pathlib import Path

import pytest

from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.demo.asterisk.instance import AsteriskFailed, AsteriskInstance
from tests.e2e.bed.fixtures import asterisk_folder

__all__ = ["asterisk_folder"]
pytestmark = pytest.mark.e2e

NOBODY = ("127.0.0.1", 1)


def test_two_run_side_by_side_and_not_as_root(
    asterisk_folder: AsteriskFolder, tmp_path: Path
) -> None:
    """Each has its own ports, name and files; none has a capability."""
    with (
        AsteriskInstance(asterisk_folder, tmp_path / "a", NOBODY, pbx="a") as one,
        AsteriskInstance(asterisk_folder, tmp_path / "b", NOBODY, pbx="b") as two,
    ):
        for asterisk in (one, two):
            assert f"CS_PBX={asterisk.pbx}" in asterisk.cli("dialplan show globals")
            status = Path(f"/proc/{asterisk.pid}/status").read_text()
            assert "CapEff:\t0000000000000000" in status
            assert f"Uid:\t{asterisk_folder.user[0]}\t" in status
            assert asterisk.channels() == 0
        assert one.pid != two.pid
    assert not one.running
    assert not two.running


def test_the_shared_folder_is_read_only_inside(
    asterisk_folder: AsteriskFolder, tmp_path: Path
) -> None:
    """An Asterisk that went astray can change neither the folder nor its neighbours."""
    with AsteriskInstance(asterisk_folder, tmp_path / "a", NOBODY) as asterisk:
        mounts = Path(f"/proc/{asterisk.pid}/mountinfo").read_text().splitlines()
    (root,) = [line.split() for line in mounts if line.split()[4] == "/"]
    assert root[5].startswith("ro")


def test_it_starts_again_after_a_stop_and_after_a_kill(
    asterisk_folder: AsteriskFolder, tmp_path: Path
) -> None:
    """With the same ports, secret and database."""
    asterisk = AsteriskInstance(asterisk_folder, tmp_path / "a", NOBODY)
    ports = asterisk.ami_port, asterisk.sip_port
    with asterisk:
        asterisk.cli("database put callserver 4001234567 1:a:2")
        asterisk.restart()
        assert "1:a:2" in asterisk.cli("database show callserver")
        asterisk.kill9()
        assert not asterisk.running
        asterisk.start()
        assert asterisk.cli("core show uptime")
    assert ports == (asterisk.ami_port, asterisk.sip_port)


def test_a_frozen_one_says_nothing_until_it_is_thawed(
    asterisk_folder: AsteriskFolder, tmp_path: Path
) -> None:
    """Its console does not answer while it is frozen, and does again afterwards."""
    with AsteriskInstance(asterisk_folder, tmp_path / "a", NOBODY) as asterisk:
        asterisk.freeze()
        with pytest.raises(subprocess.TimeoutExpired):
            asterisk.cli("core show uptime", timeout_s=1)
        asterisk.thaw()
        assert asterisk.channels() == 0


def test_a_configuration_it_cannot_start_with_is_an_error(
    asterisk_folder: AsteriskFolder, tmp_path: Path
) -> None:
    """The message has Asterisk's own words, and nothing is left running."""
    with AsteriskInstance(asterisk_folder, tmp_path / "a", NOBODY) as one:
        taken = AsteriskInstance(
            asterisk_folder, tmp_path / "a", NOBODY, ami_port=one.ami_port, sip_port=one.sip_port
        )
        with pytest.raises(AsteriskFailed, match="did not become ready"):
            taken.start(timeout_s=5)
        assert not taken.running


def test_its_log_has_no_errors(asterisk_folder: AsteriskFolder, tmp_path: Path) -> None:
    """The configuration is whole: no ERROR, no WARNING."""
    with AsteriskInstance(asterisk_folder, tmp_path / "a", NOBODY, trunks={"t": 9}) as asterisk:
        log = asterisk.log_file.read_text()
    assert "ERROR" not in log
    assert "WARNING" not in log
    assert asterisk.cdr_lines() == []
    assert asterisk.secret_file.stat().st_mode & 0o077 == 0
