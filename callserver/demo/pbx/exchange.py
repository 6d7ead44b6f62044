"""The simulated PBX as a whole: it takes calls, and keeps its own log of them."""

import re
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Self

from callserver.demo.pbx.ami_server import AmiServer
from callserver.demo.pbx.channel import Channel, now_us
from callserver.demo.pbx.script import CallRecord, CallScript
from callserver.demo.pbx.walk import Walk
from callserver.domain.pbx_contract import DIALPLAN_VERSION, GLOBAL_VERSION

_DID = re.compile(r"400[0-9]{7}", re.ASCII)


class SimulatedPbx:
    """Speaks FastAGI to `agi` and AMI on `ami_port`, in real time, on the clock of this host.

    `async with` starts and stops its AMI; set `agi` before the first call.
    """

    def __init__(
        self,
        name: str,
        *,
        user: str = "callserver",
        secret: str,
        trunks: frozenset[str],
        fallback_max_s: int = 3600,
        on_end: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self.name = name
        self.agi = ("127.0.0.1", 4573)
        self.ami_port = 0
        self.records: list[CallRecord] = []
        self._channels: dict[str, Channel] = {}
        self.ami = AmiServer(user, secret, self._channels)
        self._trunks = trunks
        self._fallback_max_s = fallback_max_s
        self._on_end = on_end
        self._last_routes: dict[str, tuple[str, str, str]] = {}
        self._count = 0

    async def __aenter__(self) -> Self:
        self.ami_port = await self.ami.listen("127.0.0.1", {GLOBAL_VERSION: str(DIALPLAN_VERSION)})
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.ami.close()

    @property
    def live(self) -> tuple[Channel, ...]:
        """The callers' channels that are up now."""
        return tuple(self._channels.values())

    async def call(self, script: CallScript) -> CallRecord:
        """Bring one call in, live it to its end; what the PBX noted of it."""
        if not _DID.fullmatch(script.did):
            raise ValueError(f"{script.did} matches no extension of [from-400]")
        channel = self._channel(script)
        self._channels[channel.name] = channel
        walk = Walk(
            channel=channel,
            script=script,
            agi=self.agi,
            ami=self.ami,
            trunks=self._trunks,
            last_routes=self._last_routes,
            fallback_max_s=self._fallback_max_s,
        )
        try:
            who, cause = await walk.run()
        finally:
            del self._channels[channel.name]
        record = _record(channel, script, who, cause)
        self.records.append(record)
        if self._on_end is not None:
            self._on_end(record)
        return record

    def _channel(self, script: CallScript) -> Channel:
        """[from-400]'s first steps: the caller id cleaned, a token, the call's own variables."""
        self._count += 1
        cleaned = re.sub(r"[^0-9+]", "", script.caller)
        return Channel(
            name=f"PJSIP/carrier-{self._count:08x}",
            uniqueid=f"{now_us() // 1_000_000}.{self._count * 2}",
            did=script.did,
            caller=cleaned if cleaned == script.caller else "",
            variables={
                "CS_TOKEN": str(uuid.uuid4()),
                "CS_DID": script.did,
                "CS_PBX": self.name,
                "CS_WHO": "unknown",
            },
        )


def _record(channel: Channel, script: CallScript, who: str, cause: int) -> CallRecord:
    variables = channel.variables
    return CallRecord(
        uniqueid=channel.uniqueid,
        did=channel.did,
        trunk_caller=script.caller,
        started_us=channel.started_us,
        rang_us=channel.rang_us,
        answered_us=channel.answered_us,
        ended_us=channel.ended_us,
        dial_status=variables.get("DIALSTATUS", ""),
        refused=variables.get("CS_REFUSED", ""),
        cause=cause,
        hung_up_by=who,
        destination=variables.get("CS_TO", ""),
        tried=variables.get("CS_TRIED", ""),
    )
