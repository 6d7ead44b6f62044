"""compose.yaml agrees with itself, with callserver's settings, and with what is in the checkout.

It is read, not run: there is no container engine where the suite runs.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from callserver.config import Config, load_config

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = ROOT / "config" / "compose"
INSIDE = "/run/secrets"
each_service = pytest.mark.parametrize("name", SERVICES)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder of secrets, as an operator makes it."""
    folder = tmp_path / "secrets"
    subprocess.run([SETTINGS / "secrets.sh", folder], check=True, capture_output=True)
    return folder


@pytest.fixture
def settings(secrets: Path) -> Config:
    """What callserver runs on there: the mounted file and the environment, with these secrets."""
    own = SERVICES["callserver"]
    copy = secrets / "callserver.toml"
    text = (SETTINGS / "callserver.toml").read_text(encoding="utf-8")
    copy.write_text(text.replace(INSIDE, str(secrets)), encoding="utf-8")
    assert own["environment"]["CALLSERVER_CONFIG"] in {into for _, into in mounts("callserver")}
    return load_config(copy, own["environment"])


def mounts(name: str) -> list[tuple[str, str]]:
    """Source and target of a service's volumes."""
    found = [volume.split(":")[:2] for volume in SERVICES[name].get("volumes", [])]
    return [(source, target) for source, target in found]


def test_the_four_parts_are_there() -> None:
    """Asterisk, Valkey, PostgreSQL and callserver."""
    assert set(SERVICES) == {"callserver", "asterisk", "valkey", "postgres"}


@each_service
def test_a_service_is_closed_and_watched(name: str) -> None:
    """Read-only root, no new privileges, a health check, restarts, and loopback only."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@each_service
def test_what_a_service_names_exists(name: str) -> None:
    """Mounted files, volumes, networks, secrets and dependencies."""
    service = SERVICES[name]
    for source, _ in mounts(name):
        assert (ROOT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
    wanted = {s if isinstance(s, str) else s["source"] for s in service.get("secrets", [])}
    assert wanted <= COMPOSE["secrets"].keys()
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    for other, when in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert when == {"condition": "service_healthy"}


@each_service
def test_images_have_a_public_name_and_a_version(name: str) -> None:
    """No image is `latest`; those that are not built here name their registry."""
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"(docker\.io/[\w./-]+|callserver):[\w.-]+", image)
    assert not image.endswith(":latest")


def test_secrets_are_files_that_the_script_makes(secrets: Path) -> None:
    """Each secret is a file outside git, made once; a second run changes none."""
    named = {Path(secret["file"]) for secret in COMPOSE["secrets"].values()}
    assert {path.parent.as_posix() for path in named} == {".callserver/secrets"}
    made = {path.name: path.read_text("ascii") for path in secrets.iterdir()}
    assert {path.name for path in named} == made.keys()
    assert secrets.stat().st_mode & 0o777 == 0o700
    subprocess.run([SETTINGS / "secrets.sh", secrets], check=True, capture_output=True)
    assert {path.name: path.read_text("ascii") for path in secrets.iterdir()} == made


def test_the_secrets_fit_together(secrets: Path) -> None:
    """Both ends of each connection have the same one, and no two connections share one."""
    text = {path.name: path.read_text("ascii").strip() for path in secrets.iterdir()}
    assert text["asterisk_secret_conf"] == f"secret = {text['ami_secret']}"
    redis = text["valkey_conf"].removeprefix("requirepass ")
    assert text["redis_url"] == f"redis://:{redis}@valkey:6379"
    database = text["postgres_password"]
    assert text["database_url"] == f"postgresql://callserver:{database}@postgres:5432/callserver"
    assert len({text["ami_secret"], redis, database}) == 3
    assert all(len(secret) == 48 for secret in (text["ami_secret"], redis, database))


def test_the_settings_meet_the_services(settings: Config, secrets: Path) -> None:
    """callserver's settings load, and name the hosts and paths that compose gives."""
    assert settings.asterisk[0].host in SERVICES
    assert (
        settings.asterisk[0].secret.get_secret_value()
        == (secrets / "ami_secret").read_text().strip()
    )
    assert "@valkey:" in settings.redis.url.get_secret_value()
    assert "@postgres:" in settings.database.url.get_secret_value()
    targets = {into: source for source, into in mounts("callserver")}
    assert str(settings.server.data) in targets
    assert targets[str(Path(str(settings.asterisk[0].cdr_file)).parent)] == "asterisk-cdr"
    assert dict(mounts("asterisk"))["asterisk-cdr"] == "/var/log/asterisk/cdr-custom"
    wanted = re.findall(rf"{INSIDE}/(\w+)", (SETTINGS / "callserver.toml").read_text("utf-8"))
    assert set(wanted) == set(SERVICES["callserver"]["secrets"])


def test_the_private_network_is_the_same_everywhere(settings: Config) -> None:
    """Its subnet may reach FastAGI and AMI, and it leads nowhere else."""
    network = COMPOSE["networks"]["pbx"]
    subnet = network["ipam"]["config"][0]["subnet"]
    assert network["internal"] is True
    assert subnet in [str(allowed) for allowed in settings.server.agi_allow]
    manager = (SETTINGS / "asterisk" / "manager.conf").read_text("utf-8")
    assert f"permit = {subnet.partition('/')[0]}/255.255.255.0" in manager
    inside = {name for name, service in SERVICES.items() if "pbx" in service["networks"]}
    assert inside == {"callserver", "asterisk"}


def test_asterisk_finds_the_server_and_its_files(settings: Config) -> None:
    """Its globals name callserver's port and its own name; every file it includes is mounted."""
    extensions = (SETTINGS / "asterisk" / "extensions.conf").read_text("utf-8")
    port = settings.server.fastagi.port
    assert f"CS_SERVER=callserver:{port}\n" in extensions
    assert f"CS_PBX={settings.asterisk[0].name}\n" in extensions
    mounted = {target for _, target in mounts("asterisk")}
    mounted |= {secret["target"] for secret in SERVICES["asterisk"]["secrets"]}
    files = [*(SETTINGS / "asterisk").glob("*.conf"), *(ROOT / "dialplan").glob("*.conf")]
    for path in files:
        for included in re.findall(r"^#include (\S+)", path.read_text("utf-8"), re.M):
            assert f"/etc/asterisk/{included}" in mounted, f"{path.name} includes {included}"
    assert {f"/etc/asterisk/{path.name}" for path in (SETTINGS / "asterisk").iterdir()} <= mounted


def test_published_ports_are_those_of_the_settings(settings: Config) -> None:
    """HTTP, SIP, and as many RTP ports as Asterisk uses."""
    port = settings.server.http.port
    assert SERVICES["callserver"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    rtp = (SETTINGS / "asterisk" / "rtp.conf").read_text("utf-8")
    first, last = (re.search(rf"^{key} = (\d+)$", rtp, re.M) for key in ("rtpstart", "rtpend"))
    assert first
    assert last
    span = f"{first[1]}-{last[1]}"
    assert SERVICES["asterisk"]["ports"] == [
        "127.0.0.1:5060:5060/udp",
        f"127.0.0.1:{span}:{span}/udp",
    ]
