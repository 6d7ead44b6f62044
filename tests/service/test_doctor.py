"""What the doctor makes of a host."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from callserver.service.checking import Outcome
from callserver.service.doctor import GIB, FileFact, HostFacts, diagnose

HEALTHY = HostFacts(
    files=(FileFact("data", "/var/lib/callserver", 0o700),),
    disk_free_bytes=100 * GIB,
    open_files_max=65_536,
    mobile_blocks=499_527,
    calendar_days=60,
    http_host="127.0.0.1",
    fastagi_host="127.0.0.1",
    agi_allow=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
)
FAULTS = [  # what is different, the finding it makes, how bad
    ({"files": (FileFact("x", "/x", 0o640),)}, "file:x", Outcome.WARNING),
    ({"files": (FileFact("x", "/x", None),)}, "file:x", Outcome.OK),
    ({"files": (FileFact("x", "/x", None, required=True),)}, "file:x", Outcome.FAILED),
    ({"files": (FileFact("x", "/x", None, writable=False),)}, "file:x", Outcome.FAILED),
    ({"disk_free_bytes": GIB}, "disk", Outcome.WARNING),
    ({"disk_free_bytes": GIB // 8}, "disk", Outcome.FAILED),
    ({"open_files_max": 1024}, "open_files", Outcome.WARNING),
    ({"mobile_blocks": 1000}, "regions", Outcome.WARNING),
    ({"mobile_blocks": None}, "regions", Outcome.FAILED),
    ({"calendar_days": 59}, "holidays", Outcome.WARNING),
    ({"calendar_days": -3}, "holidays", Outcome.WARNING),
    ({"http_host": "0.0.0.0"}, "http", Outcome.WARNING),
    ({"fastagi_host": "10.0.0.1"}, "fastagi", Outcome.WARNING),
    ({"fastagi_host": "10.0.0.1", "agi_allow": (ip_network("10.0.0.2"),)}, "fastagi", Outcome.OK),
]


def test_a_healthy_host_has_no_faults() -> None:
    """Every point is looked at and is ok."""
    findings = diagnose(HEALTHY)
    assert {finding.outcome for finding in findings} == {Outcome.OK}
    assert [finding.name for finding in findings] == [
        "file:data",
        "disk",
        "open_files",
        "regions",
        "holidays",
        "fastagi",
        "http",
    ]


@pytest.mark.parametrize(("changed", "name", "outcome"), FAULTS)
def test_each_fault_is_found_at_its_point(
    changed: dict[str, object], name: str, outcome: Outcome
) -> None:
    """One fact out of order makes one finding, the others stay ok."""
    findings = diagnose(replace(HEALTHY, **changed))  # type: ignore[arg-type]  # by field name
    assert {found.outcome for found in findings if found.name == name} == {outcome}
    assert {found.outcome for found in findings if found.name != name} == {Outcome.OK}
