"""Judges the host the server runs on; what was seen comes as facts, so this only judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from callserver.service.checking import Finding, Outcome

GIB = 1024**3
DISK_FREE_BYTES_LEAST = GIB // 4
DISK_FREE_BYTES_GOOD = 2 * GIB
OPEN_FILES_GOOD = 8192
MOBILE_BLOCKS_GOOD = 400_000
OTHERS = 0o077
NETWORK_ADDRESSES_MAX = 2**16
CALENDAR_DAYS_GOOD = 60


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file or folder that should be its owner's alone; `mode` None: it is not there.

    `writable`: whether this user may write it, or make it where it is not there.
    """

    name: str
    path: str
    mode: int | None
    required: bool = False
    writable: bool = True


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What was seen on this host. `mobile_blocks` None: the region table cannot be read.

    `calendar_days`: how many days from today on the official calendar of holidays knows.
    """

    files: Sequence[FileFact]
    disk_free_bytes: int
    open_files_max: int
    mobile_blocks: int | None
    calendar_days: int
    http_host: str
    fastagi_host: str
    agi_allow: Sequence[IPv4Network | IPv6Network]
    loopback_hosts: frozenset[str] = frozenset({"127.0.0.1", "::1", "localhost"})


def diagnose(facts: HostFacts) -> list[Finding]:
    """One finding per point, the faults with what to do about them."""
    return [
        *(_private(fact) for fact in facts.files),
        _disk(facts.disk_free_bytes),
        _open_files(facts.open_files_max),
        _regions(facts.mobile_blocks),
        _holidays(facts.calendar_days),
        _fastagi(facts),
        _http(facts),
    ]


def _private(fact: FileFact) -> Finding:
    point = f"file:{fact.name}"
    if not fact.writable:
        hint = "run callserver as its owner, on a file system that is not read-only"
        return Finding(point, Outcome.FAILED, f"{fact.path} cannot be written", hint)
    if fact.mode is None:
        if fact.required:
            return Finding(point, Outcome.FAILED, f"{fact.path} is missing")
        return Finding(point, Outcome.OK, f"{fact.path} is made at the first start")
    if fact.mode & OTHERS:
        detail = f"{fact.path} is open to others (mode {fact.mode & 0o777:o})"
        return Finding(point, Outcome.WARNING, detail, f"chmod go= {fact.path}")
    return Finding(point, Outcome.OK, f"{fact.path} is the owner's alone")


def _disk(free_bytes: int) -> Finding:
    detail = f"{free_bytes / GIB:.1f} GiB free for the data folder"
    if free_bytes < DISK_FREE_BYTES_LEAST:
        return Finding("disk", Outcome.FAILED, detail, "make room: CDRs could not be written")
    if free_bytes < DISK_FREE_BYTES_GOOD:
        return Finding("disk", Outcome.WARNING, detail, "make room soon")
    return Finding("disk", Outcome.OK, detail)


def _open_files(most: int) -> Finding:
    detail = f"{most} open files allowed"
    if most < OPEN_FILES_GOOD:
        hint = f"raise it to {OPEN_FILES_GOOD} (LimitNOFILE, ulimit -n) for many calls at once"
        return Finding("open_files", Outcome.WARNING, detail, hint)
    return Finding("open_files", Outcome.OK, detail)


def _regions(blocks: int | None) -> Finding:
    if blocks is None:
        hint = "install the package again: callers would have no region"
        return Finding("regions", Outcome.FAILED, "the region table cannot be read", hint)
    outcome = Outcome.OK if blocks >= MOBILE_BLOCKS_GOOD else Outcome.WARNING
    return Finding("regions", outcome, f"{blocks} blocks of mobile numbers known")


def _holidays(days: int) -> Finding:
    detail = f"official holidays are known for {max(0, days)} days more"
    if days < CALENDAR_DAYS_GOOD:
        hint = "update the package, or import [[holiday]] records: else only weekdays count"
        return Finding("holidays", Outcome.WARNING, detail, hint)
    return Finding("holidays", Outcome.OK, detail)


def _fastagi(facts: HostFacts) -> Finding:
    wide = [
        str(network) for network in facts.agi_allow if network.num_addresses > NETWORK_ADDRESSES_MAX
    ]
    outside = facts.fastagi_host not in facts.loopback_hosts
    if outside and wide:
        detail = f"listens on {facts.fastagi_host} and lets in {', '.join(wide)}"
        return Finding("fastagi", Outcome.WARNING, detail, "name only the PBXs in agi_allow")
    return Finding("fastagi", Outcome.OK, f"listens on {facts.fastagi_host}")


def _http(facts: HostFacts) -> Finding:
    if facts.http_host not in facts.loopback_hosts:
        detail = f"listens on {facts.http_host} without TLS: tokens pass in the clear"
        return Finding("http", Outcome.WARNING, detail, "put a TLS proxy in front")
    return Finding("http", Outcome.OK, f"listens on {facts.http_host}")
