"""`callserver check` and `callserver doctor`."""

import asyncio
import os
import resource
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import EXIT_FAILED, print_json

if TYPE_CHECKING:
    from callserver.config import AsteriskConfig, Config
    from callserver.service.checking import Check, Finding
    from callserver.service.doctor import FileFact, HostFacts

DEADLINE_S = 15.0
_MARKS = {"ok": "✓", "warning": "!", "failed": "✗"}


def check(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Check what the server depends on.

    Configuration, database, Redis, and each Asterisk's rights, dialplan and clock. Exit status 1
    if anything failed; warnings do not count.
    """
    from callserver.cli.opening import open_config
    from callserver.service.checking import run_checks

    settings = open_config(config, data)
    _report(asyncio.run(run_checks(_checks(settings, config), DEADLINE_S)), json=json)


def doctor(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Check what `check` does, the host, the server and balances."""
    from callserver.cli.ledger_check import check_ledger
    from callserver.cli.opening import open_config
    from callserver.service.checking import run_checks
    from callserver.service.doctor import diagnose

    settings = open_config(config, data)

    async def host() -> "Sequence[Finding]":
        return diagnose(await asyncio.to_thread(_facts, settings, config))

    checks = _checks(settings, config) | {
        "host": host,
        "server": partial(_server, settings),
        "ledger": partial(check_ledger, settings),
    }
    _report(asyncio.run(run_checks(checks, DEADLINE_S)), json=json)


def _report(findings: "Sequence[Finding]", *, json: bool) -> None:
    from callserver.service.checking import failed

    if json:
        shown: list[dict[str, Any]] = [
            {
                "name": finding.name,
                "outcome": finding.outcome.value,
                "detail": finding.detail,
                "hint": finding.hint or None,
            }
            for finding in findings
        ]
        print_json({"ok": not failed(findings), "findings": shown})
    else:
        for finding in findings:
            print(f"{_MARKS[finding.outcome.value]} {finding.name}: {finding.detail}")
            if finding.hint:
                print(f"    → {finding.hint}")
    if failed(findings):
        raise typer.Exit(EXIT_FAILED)


def _checks(settings: "Config", path: Path | None) -> "dict[str, Check]":
    checks: dict[str, Check] = {
        "config": partial(_config, settings, path),
        "database": partial(_database, settings),
        "redis": partial(_redis, settings),
    }
    for pbx in settings.asterisk:
        checks[f"asterisk:{pbx.name}"] = partial(_pbx, settings, pbx)
    return checks


async def _config(settings: "Config", path: Path | None) -> "Sequence[Finding]":
    from callserver.service.checking import Finding, Outcome

    found = [Finding("config", Outcome.OK, str(path) if path else "no file: the embedded default")]
    if not settings.asterisk:
        hint = "add an [[asterisk]] section"
        found.append(Finding("asterisk", Outcome.WARNING, "none is configured", hint))
    return found


async def _database(settings: "Config") -> "Sequence[Finding]":
    from callserver.adapters.sql import migrate
    from callserver.cli.opening import books, database_url
    from callserver.cli.output import Failed
    from callserver.ports import StoreUnavailable
    from callserver.service.checking import CheckFailed, Finding, Outcome

    try:
        async with books(settings) as opened:
            revision = await migrate.current(database_url(settings))
            newest = await asyncio.to_thread(migrate.head)
            if revision != newest:
                raise CheckFailed(f"at revision {revision}, not {newest}", "callserver db upgrade")
            catalogue = await opened.load_catalogue()
    except (Failed, StoreUnavailable) as fault:
        raise CheckFailed(str(fault)) from None
    counts = f"{len(catalogue.customers)} customers, {len(catalogue.dids)} numbers"
    return [Finding("database", Outcome.OK, f"at revision {revision}; {counts}")]


async def _redis(settings: "Config") -> "Sequence[Finding]":
    from callserver.adapters.redis.client import RedisLink
    from callserver.cli.running_redis import REDIS_READY_S, running_redis
    from callserver.ports import StoreUnavailable
    from callserver.service.checking import CheckFailed, Finding, Outcome

    target = running_redis(settings)
    if target is None:
        return [Finding("redis", Outcome.OK, "embedded; it starts with the server")]
    link = RedisLink(target, deadline_s=settings.redis.deadline_ms / 1000)
    await link.start()
    try:
        await link.wait_ready(REDIS_READY_S)
        server = link.server
    except StoreUnavailable:
        raise CheckFailed(f"{target}: {link.state.value}: {link.reason}") from None
    finally:
        await link.stop()
    if server is None:
        raise CheckFailed(f"{target}: the link was lost")
    found = [Finding("redis", Outcome.OK, f"version {server.version} at {target}")]
    if not server.appends_to_file:
        hint = "appendonly yes: without it a crash loses balances until they are rebuilt from SQL"
        found.append(Finding("redis:aof", Outcome.FAILED, "does not append to a file", hint))
    if server.maxmemory_policy != "noeviction":
        detail = f"maxmemory-policy is {server.maxmemory_policy}"
        hint = "maxmemory-policy noeviction: money must not be evicted"
        found.append(Finding("redis:eviction", Outcome.FAILED, detail, hint))
    return found


async def _pbx(settings: "Config", pbx: "AsteriskConfig") -> "Sequence[Finding]":
    from callserver.cli.ami_probe import ami_probe
    from callserver.cli.server_state import ServerState
    from callserver.service.checking import Finding, Outcome, PbxExpected, check_pbx

    port = settings.server.fastagi.port
    if port == 0 and (running := ServerState.read(settings.server.data)):
        port = int(running.fastagi.rpartition(":")[2])
    trunks = await _trunks(settings)
    expected = PbxExpected(pbx.name, port, settings.billing.fallback_max_s, trunks)
    found = [Finding(f"asterisk:{pbx.name}", Outcome.OK, f"logged in at {pbx.host}:{pbx.port}")]
    async with ami_probe(pbx) as probe:
        found += await check_pbx(probe, expected)
    return [*found, *await asyncio.to_thread(_cdr_file, pbx)]


async def _trunks(settings: "Config") -> frozenset[str]:
    """The trunks that numbers are forwarded by; none where SQL cannot say (`database` says why)."""
    from callserver.cli.opening import books
    from callserver.cli.output import Failed
    from callserver.ports import StoreUnavailable

    try:
        async with books(settings) as opened:
            catalogue = await opened.load_catalogue()
    except (Failed, StoreUnavailable):
        return frozenset()
    return frozenset(line.trunk for did in catalogue.dids.values() for line in did.destinations)


def _cdr_file(pbx: "AsteriskConfig") -> "list[Finding]":
    from callserver.service.checking import Finding, Outcome

    point = f"asterisk:{pbx.name}:cdr_file"
    if pbx.cdr_file is None:
        hint = "name it, or calls that end while we are down are billed by estimate"
        return [Finding(point, Outcome.WARNING, "none is configured", hint)]
    try:
        with pbx.cdr_file.open("rb"):
            return [Finding(point, Outcome.OK, f"{pbx.cdr_file} can be read")]
    except FileNotFoundError:
        hint = "Asterisk makes it with the first call; is cdr_custom loaded?"
        return [Finding(point, Outcome.WARNING, f"{pbx.cdr_file} is not there yet", hint)]
    except OSError as fault:
        hint = "let the user who runs callserver read it"
        return [Finding(point, Outcome.FAILED, f"{pbx.cdr_file}: {fault.strerror}", hint)]


async def _server(settings: "Config") -> "Sequence[Finding]":
    from callserver.cli.api import ApiFailed, get_json
    from callserver.cli.server_state import ServerState
    from callserver.service.checking import Finding, Outcome

    state = ServerState.read(settings.server.data)
    if state is None:
        return [Finding("server", Outcome.OK, f"none runs on {settings.server.data}")]
    try:
        ready: Mapping[str, Any] = await get_json(f"{state.url}/readyz", accept=(200, 503))
    except ApiFailed as fault:
        detail = f"process {state.pid} does not answer: {fault}"
        return [Finding("server", Outcome.FAILED, detail)]
    if ready.get("ready"):
        return [Finding("server", Outcome.OK, f"process {state.pid} is ready at {state.url}")]
    reasons: Mapping[str, str] = ready.get("reasons", {})
    detail = "; ".join(f"{kind}: {why}" for kind, why in reasons.items()) or "no reason given"
    return [Finding("server", Outcome.WARNING, f"process {state.pid} is not ready: {detail}")]


def _facts(settings: "Config", path: Path | None) -> "HostFacts":
    from callserver.service.doctor import HostFacts

    data = settings.server.data.absolute()
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    files = [
        replace(_file("data", data), writable=os.access(existing, os.W_OK)),
        _file("call_id_key", data / "call_id.key"),
        _file("form_keys", settings.numbers.key_file or data / "form.keys"),
        _file("database", data / "callserver.db"),
    ]
    if path is not None and any(pbx.secret_file is None for pbx in settings.asterisk):
        files.append(_file("config", path, required=True))  # secrets stand in it
    for pbx in settings.asterisk:
        if pbx.secret_file is not None:
            files.append(_file(f"secret:{pbx.name}", pbx.secret_file, required=True))
    return HostFacts(
        files=files,
        disk_free_bytes=shutil.disk_usage(existing).free,
        open_files_max=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        mobile_blocks=_mobile_blocks(),
        calendar_days=_calendar_days(),
        http_host=settings.server.http.host,
        fastagi_host=settings.server.fastagi.host,
        agi_allow=settings.server.agi_allow,
    )


def _file(name: str, path: Path, *, required: bool = False) -> "FileFact":
    from callserver.service.doctor import FileFact

    mode = path.stat().st_mode & 0o777 if path.exists() else None
    return FileFact(name, str(path), mode, required=required)


def _mobile_blocks() -> int | None:
    from callserver.domain.region import BadRegionFile
    from callserver.start_files import load_regions

    try:
        return load_regions().mobile_blocks
    except (OSError, ImportError, BadRegionFile):
        return None


def _calendar_days() -> int:
    from callserver.domain.billing_month import shanghai_day
    from callserver.start_files import load_calendar

    today = shanghai_day(time.time_ns() // 1_000_000)
    return (date(max(load_calendar().years), 12, 31) - today).days
