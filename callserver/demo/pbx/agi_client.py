"""Asterisk's side of FastAGI: connect, send the header block, run what the server sends."""

import asyncio
import re
from collections.abc import Sequence

from callserver.demo.pbx.channel import Channel

CONNECT_S = 2.0  # as Asterisk's own limit
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


class AgiFailure(Exception):
    """No server, or one that did not finish in time: `AGISTATUS` is not SUCCESS."""


def words(line: str) -> list[str]:
    """A command's words as Asterisk splits them: quotes group, a backslash takes what follows."""
    return [
        re.sub(r"\\(.)", r"\1", quoted.group(1)) if quoted.group(1) is not None else quoted.group(2)
        for quoted in _QUOTED.finditer(line)
    ]


async def run_agi(
    address: tuple[str, int], script: str, args: Sequence[str], channel: Channel
) -> None:
    """`AGI(agi://…/SCRIPT/DID/UNIQUEID,ARGS)`: returns when the server closes.

    Raises AgiFailure if there is no server. Bounded by the caller.
    """
    host, port = address
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise AgiFailure(f"no FastAGI at {host}:{port}") from error
    try:
        path = f"{script}/{channel.did}/{channel.uniqueid}"
        writer.write(_header(f"agi://{host}:{port}/{path}", path, args, channel).encode())
        while line := await reader.readline():
            writer.write(f"{_run(line.decode().strip(), channel)}\n".encode())
            await writer.drain()
    except OSError as error:
        raise AgiFailure("the session broke") from error
    finally:
        writer.close()


def _header(url: str, path: str, args: Sequence[str], channel: Channel) -> str:
    unknown = "unknown"
    fields = {
        "network": "yes",
        "network_script": path,
        "request": url,
        "channel": channel.name,
        "language": "en",
        "type": "PJSIP",
        "uniqueid": channel.uniqueid,
        "version": "22.10.1",
        "callerid": channel.caller or unknown,
        "calleridname": unknown,
        "callingpres": "0",
        "callingani2": "0",
        "callington": "0",
        "callingtns": "0",
        "dnid": channel.did,
        "rdnis": unknown,
        "context": "from-400",
        "extension": channel.did,
        "priority": "12",
        "enhanced": "0.0",
        "accountcode": "",
        "threadid": "140000000000000",
        **{f"arg_{index}": arg for index, arg in enumerate(args, start=1)},
    }
    return "".join(f"agi_{name}: {value}\n" for name, value in fields.items()) + "\n"


def _run(line: str, channel: Channel) -> str:
    """Run one command of the server; its reply."""
    command = words(line)
    match [word.upper() for word in command[:2]]:
        case ["EXEC", "MSET"]:
            for pair in command[2].split(",") if len(command) > 2 else ():
                name, _, value = pair.partition("=")
                channel.variables[name.strip()] = value
            return "200 result=0"
        case ["SET", "VARIABLE"] if len(command) == 4:
            channel.variables[command[2]] = command[3]
            return "200 result=1"
        case ["GET", "VARIABLE"] if len(command) == 3:
            value = channel.evaluate(f"${{{command[2]}}}")
            return f"200 result=1 ({value})" if value else "200 result=0"
        case ["NOOP" | "VERBOSE", *_]:
            return "200 result=1"
    return "510 Invalid or unknown command"
