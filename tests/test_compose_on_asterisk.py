"""What compose.yaml gives its Asterisk is read by a real one: only ports and addresses differ."""

from pathlib import Path

import pytest

from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.demo.asterisk.instance import AsteriskInstance
from tests.e2e.bed.fixtures import asterisk_folder

__all__ = ["asterisk_folder"]
pytestmark = pytest.mark.e2e

GIVEN = Path(__file__).parent.parent / "config" / "compose" / "asterisk"
NOBODY = ("127.0.0.1", 1)


class ComposedAsterisk(AsteriskInstance):
    """An Asterisk with compose's files in the place of the suite's own."""

    def _write_files(self) -> None:
        super()._write_files()
        here = {
            "port = 5038": f"port = {self.ami_port}",
            "bindaddr = 0.0.0.0": "bindaddr = 127.0.0.1",
            "bind = 0.0.0.0:5060": f"bind = 127.0.0.1:{self.sip_port}",
        }
        for given in GIVEN.glob("*.conf"):
            text = given.read_text(encoding="utf-8")
            for theirs, ours in here.items():
                text = text.replace(theirs, ours)
            (self.work_dir / "etc" / given.name).write_text(text, encoding="utf-8")


def test_asterisk_understands_the_files_of_compose(
    asterisk_folder: AsteriskFolder, tmp_path: Path
) -> None:
    """Dialplan, globals, trunks, AMI user and CDR file are there, and nothing was complained of."""
    with ComposedAsterisk(asterisk_folder, tmp_path / "a", NOBODY) as asterisk:
        shown = asterisk.cli("dialplan show globals")
        for wanted in ("CS_SERVER=callserver:4573", "CS_PBX=main", "CS_DIALPLAN_VERSION="):
            assert wanted in shown
        assert "_400XXXXXXX" in asterisk.cli("dialplan show from-400")
        carrier_in = asterisk.cli("pjsip show endpoint carrier-in")
        assert "from-400" in carrier_in
        assert "192.0.2.10" in carrier_in
        assert "192.0.2.20" in asterisk.cli("pjsip show endpoint carrier")
        user = asterisk.cli("manager show user callserver")
        assert "read perm: system,call,user,cdr" in user
        assert "write perm: call,reporting" in user
        assert "ACL: yes" in user
        assert "yes" in asterisk.cli("cdr show status").lower()
        log = asterisk.log_file.read_text(encoding="utf-8")
    assert [line for line in log.splitlines() if "ERROR" in line] == []
