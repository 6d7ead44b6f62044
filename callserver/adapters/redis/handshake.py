"""The first words on every connection, and what the answers say about the server."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from callserver.adapters.redis.errors import ScriptError, ScriptRefused
from callserver.adapters.redis.protocol import Argument, Reply
from callserver.adapters.redis.script import Script
from callserver.adapters.redis.url import RedisTarget


class LinkState(StrEnum):
    """How a link stands; everything but READY means that no command is sent."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    READY = "ready"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    LOADING = "loading"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - the name of a state
    NO_PERMISSION = "no_permission"
    WRONG_DATABASE = "wrong_database"
    REPLICA = "replica"
    CLUSTER = "cluster"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What `INFO` tells: `run_id` is new after every restart of the server."""

    run_id: str
    version: str
    maxmemory_policy: str
    appends_to_file: bool


@dataclass(frozen=True, slots=True)
class Greeting:
    """The verdict on a handshake; `server` only when READY."""

    state: LinkState
    reason: str
    server: ServerInfo | None = None


def handshake_commands(target: RedisTarget) -> list[Sequence[Argument]]:
    """AUTH and SELECT as the target asks for, then who is there; judge_greeting reads these."""
    commands: list[Sequence[Argument]] = []
    if target.password:
        user = (target.user,) if target.user else ()
        commands.append(("AUTH", *user, target.password))
    if target.db:
        commands.append(("SELECT", target.db))
    commands.append(("INFO",))
    return commands


def furnishing_commands(name: str, scripts: Iterable[Script]) -> list[Sequence[Argument]]:
    """Name the connection, and load the scripts in use before a burst of calls misses them.

    Their replies don't matter: without the right to do so the link works as well.
    """
    loads: list[Sequence[Argument]] = [("SCRIPT", "LOAD", script.source) for script in scripts]
    return [("CLIENT", "SETNAME", name), *loads]


def judge_greeting(replies: Sequence[Reply | BaseException]) -> Greeting:
    """Turn the replies to handshake_commands into a state; the first error decides."""
    for reply in replies:
        if isinstance(reply, ScriptError | ScriptRefused):
            return _refused(reply)
        if isinstance(reply, BaseException):
            return Greeting(LinkState.LOST, str(reply))
    info = _info_fields(replies[-1])
    if info.get("loading") == "1":
        return Greeting(LinkState.LOADING, "the server is loading its data")
    if info.get("role") == "slave":
        return Greeting(LinkState.REPLICA, "the server is a replica; name the primary")
    if info.get("redis_mode", info.get("server_mode")) == "cluster":
        return Greeting(LinkState.CLUSTER, "Redis Cluster is not supported yet")
    if not info.get("run_id"):
        return Greeting(LinkState.REFUSED, "INFO names no run_id")
    return Greeting(LinkState.READY, "", _server(info))


def _refused(error: ScriptError | ScriptRefused) -> Greeting:
    match error.code, error.message:
        case (("WRONGPASS" | "NOAUTH"), _):
            state = LinkState.WRONG_PASSWORD
        case "ERR", message if "AUTH" in message or "invalid password" in message:
            state = LinkState.WRONG_PASSWORD
        case "ERR", message if "DB index" in message:
            state = LinkState.WRONG_DATABASE
        case "NOPERM", _:
            state = LinkState.NO_PERMISSION
        case "LOADING", _:
            state = LinkState.LOADING
        case _:
            state = LinkState.REFUSED
    return Greeting(state, str(error))


def _info_fields(reply: Reply) -> dict[str, str]:
    if not isinstance(reply, bytes):
        return {}
    lines = reply.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _server(info: dict[str, str]) -> ServerInfo:
    return ServerInfo(
        run_id=info["run_id"],
        version=info.get("valkey_version") or info.get("redis_version", "unknown"),
        maxmemory_policy=info.get("maxmemory_policy", "unknown"),
        appends_to_file=info.get("aof_enabled") == "1",
    )
