"""The files around dialplan/ that an operator would write."""

from pathlib import Path

import pytest

from callserver.demo.asterisk.configuration import InstanceSettings, write_configuration
from callserver.demo.asterisk.instance import DIALPLAN
from callserver.domain.pbx_contract import GLOBAL_TRUNK_PREFIX, GLOBALS_REQUIRED


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A written configuration."""
    settings = InstanceSettings(
        agi_host="127.0.0.1",
        agi_port=4573,
        pbx="pbx7",
        ami_port=5038,
        sip_port=5060,
        ami_user="callserver",
        ami_secret="hush",
        trunks={"carrier": 5070, "spare-2": 5071},
        dialplan=DIALPLAN,
        globals={"CS_FALLBACK_MAX_S": "60"},
        extensions_extra="[more]\nexten => 1,1,Hangup()\n",
    )
    write_configuration(tmp_path / "etc", settings)
    return tmp_path / "etc"


def test_the_dialplan_is_installed_verbatim(etc: Path) -> None:
    """Byte for byte what an operator copies."""
    for source in DIALPLAN.glob("*.conf"):
        assert (etc / "callserver" / source.name).read_bytes() == source.read_bytes()


def test_the_operators_globals_come_before_the_include(etc: Path) -> None:
    """Every required global, one dial string a trunk, then ours, then what else is wanted."""
    text = (etc / "extensions.conf").read_text()
    before, after = text.split("#include callserver/callserver.conf")
    for name in GLOBALS_REQUIRED:
        assert f"\n{name}=" in before
    assert f"{GLOBAL_TRUNK_PREFIX}carrier=PJSIP/NUMBER@carrier\n" in before
    assert f"{GLOBAL_TRUNK_PREFIX}spare-2=PJSIP/NUMBER@spare-2\n" in before
    assert "CS_FALLBACK_MAX_S=60\n" in before
    assert "[more]" in after


def test_everything_listens_on_loopback_alone(etc: Path) -> None:
    """SIP, AMI and media; no HTTP."""
    assert "bind = 127.0.0.1:5060\n" in (etc / "pjsip.conf").read_text()
    assert "bindaddr = 127.0.0.1\n" in (etc / "manager.conf").read_text()
    assert "enabled = no\n" in (etc / "http.conf").read_text()
    assert "0.0.0.0" not in (etc / "pjsip.conf").read_text()


def test_endpoints_are_as_the_readme_asks(etc: Path) -> None:
    """No transfers, no caller number from later messages, and a trunk leads nowhere inwards."""
    text = (etc / "pjsip.conf").read_text()
    endpoints = [part for part in text.split("\n[") if "type = endpoint" in part]
    assert len(endpoints) == 3
    for endpoint in endpoints:
        assert "allow_transfer = no" in endpoint
        assert "trust_id_inbound = no" in endpoint
        inbound = endpoint.startswith("carrier-in]")
        assert ("context = from-400" if inbound else "context = nowhere") in endpoint


def test_the_secret_stands_in_its_own_file(etc: Path) -> None:
    """And nowhere else."""
    holders = [
        path.name for path in etc.rglob("*") if path.is_file() and "hush" in path.read_text()
    ]
    assert holders == ["secret.conf"]
