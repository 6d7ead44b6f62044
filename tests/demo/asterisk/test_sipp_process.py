"""Running SIPp and reading what its scenario logs."""

from pathlib import Path

import pytest

from callserver.demo.asterisk.folder import AsteriskUnavailable
from callserver.demo.asterisk.free_ports import free_udp_port
from callserver.demo.asterisk.sipp_process import Sipp, SippLine

VALUES = {"RING_MS": "50", "TALK_MS": "100"}


def test_places_in_the_scenario_are_filled_in(tmp_path: Path) -> None:
    """@NAME@ becomes the value."""
    sipp = Sipp("answer", VALUES, tmp_path)
    scenario = (sipp.folder / "scenario.xml").read_text()
    assert 'timeout="50"' in scenario
    assert "@" not in scenario.replace("@[local_ip]", "")


def test_lines_are_read_with_what_the_destination_was_shown(tmp_path: Path) -> None:
    """Also a From header that has semicolons; an unfinished line is left out."""
    sipp = Sipp("answer", VALUES, tmp_path)
    assert sipp.lines() == []
    (sipp.folder / "calls.txt").write_text(
        '1;rang;12;180;;"x;y" <sip:1@h>;tag=t\n1;ended_by_callee;90;200;16;\n2;ra'
    )
    assert sipp.lines() == [
        SippLine(1, "rang", 12, 180, "", '"x;y" <sip:1@h>;tag=t'),
        SippLine(1, "ended_by_callee", 90, 200, "16"),
    ]


def test_a_temporary_folder_goes_with_it() -> None:
    """Without a work_dir nothing stays behind."""
    sipp = Sipp("answer", VALUES, None)
    sipp.run("-p", str(free_udp_port()))
    assert sipp.running
    sipp.close()
    assert not sipp.running
    assert not sipp.folder.exists()


def test_waiting_before_running_is_a_mistake(tmp_path: Path) -> None:
    """There is nothing to wait for."""
    with pytest.raises(RuntimeError, match="run"):
        Sipp("answer", VALUES, tmp_path).wait(1)


def test_without_sipp_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AsteriskUnavailable, match="apt install sip-tester"):
        Sipp("answer", VALUES, tmp_path)
