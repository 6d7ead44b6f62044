"""One call's way through the dialplan, step by step as `dialplan/callserver.conf` has it."""

import asyncio
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from callserver.demo.pbx.agi_client import AgiFailure, run_agi
from callserver.demo.pbx.ami_server import AmiServer, described
from callserver.demo.pbx.channel import Channel, HungUp, now_us
from callserver.demo.pbx.script import CallScript, Reaction
from callserver.domain.pbx_contract import HANGUP_ARGS, NEXT_ARGS, ROUTE_ARGS

DECIDE_MAX_S = 3.0
LINES_MAX = 20
_CAUSES = {Reaction.BUSY: 17, Reaction.RINGS_ON: 19, Reaction.CONGESTED: 34}
_NOBODY = {"BUSY": 17, "NOANSWER": 19}  # else 34
_SCRIPT_ARGS = {"route": ROUTE_ARGS, "next": NEXT_ARGS, "hangup": HANGUP_ARGS}
_DIALLED = re.compile(r"\+?[0-9]{3,20}", re.ASCII)


@dataclass(slots=True)
class Walk:
    """Walks `channel` through the contexts; what the world does is in `script`.

    `last_routes` is the dialplan's own database of last good routes, shared by all calls.
    """

    channel: Channel
    script: CallScript
    agi: tuple[str, int]
    ami: AmiServer
    trunks: frozenset[str]
    last_routes: MutableMapping[str, tuple[str, str, str]]
    fallback_max_s: int
    attempts: int = 0

    @property
    def _variables(self) -> MutableMapping[str, str]:
        return self.channel.variables

    async def run(self) -> tuple[str, int]:
        """From arrival to the end; who hung up, and the hang-up cause."""
        try:
            await self._arrive()
        except HungUp as end:
            who, cause = end.who, end.cause
        else:
            raise AssertionError("the dialplan always ends in a hang-up")
        await self._hang_up(who, cause)
        return who, cause

    async def _arrive(self) -> None:
        """[from-400]: ask where to, then the lines, a refusal or the fallback."""
        await self._agi("route")
        match self._variables.get("CS_OK", ""):
            case "1":
                await self._lines()
            case "0":
                raise HungUp("system", int(self._variables.get("CS_CAUSE") or 38))
            case _:
                await self._fallback()

    async def _agi(self, script: str) -> None:
        """A server that is away or slow is no reason to fail: the dialplan goes on."""
        args = [self.channel.evaluate(expression) for expression in _SCRIPT_ARGS[script]]
        try:
            async with asyncio.timeout(DECIDE_MAX_S):
                await run_agi(self.agi, script, args, self.channel)
        except (AgiFailure, TimeoutError):
            self._variables["AGISTATUS"] = "FAILURE"
        else:
            self._variables["AGISTATUS"] = "SUCCESS"

    async def _lines(self) -> None:
        """[cs-lines]: one after another, as the server answers /next."""
        self.last_routes[self.channel.did] = self._line_of("1")
        while 1 <= int(self._variables.get("CS_LINE") or 0) <= int(self._variables["CS_LINES"]):
            line = self._variables["CS_LINE"]
            await self._dial(line, self._line_of(line), int(self._variables["CS_HELD"]))
            self._variables["CS_NEXT_OK"] = ""
            await self._agi("next")
            if self._variables["CS_NEXT_OK"] != "1":
                self._variables["CS_LINE"] = str(int(line) + 1)
        self._nobody()

    def _line_of(self, line: str) -> tuple[str, str, str]:
        """Number, trunk and ring seconds of a line of the decision."""
        names = (f"CS_DEST_{line}", f"CS_TRUNK_{line}", f"CS_RING_{line}")
        number, trunk, ring_s = (self._variables.get(name, "") for name in names)
        return number, trunk, ring_s

    async def _fallback(self) -> None:
        """[cs-fallback]: the last good route, for a bounded time."""
        self._variables.update({"CS_OK": "", "CS_LINE": "0"})
        route = self.last_routes.get(self.channel.did)
        if route is None:
            raise HungUp("system", 38)
        await self._dial("0", route, self.fallback_max_s)
        self._nobody()

    def _nobody(self) -> None:
        """[cs-nobody]: the last attempt says why nobody answered."""
        raise HungUp("system", _NOBODY.get(self._variables.get("DIALSTATUS", ""), 34))

    async def _dial(self, line: str, to: tuple[str, str, str], held_s: int) -> None:
        """[cs-dial]: returns if the line does not answer; an answered call ends in HungUp."""
        number, trunk, ring = to
        self._variables.update({"CS_TO": number, "CS_VIA": trunk, "CS_RING": ring})
        if not _DIALLED.fullmatch(number) or trunk not in self.trunks:
            self._tried(line, "CHANUNAVAIL", 0, 0)
            return
        dialled_us = now_us()
        if self.attempts:
            self.channel.attempt_us = dialled_us
        if not self.channel.rang_us:
            self.channel.rang_us = dialled_us
            self._variables["CS_RANG"] = str(dialled_us // 1000)
        behaviour = self.script.line(self.attempts)
        self.attempts += 1
        try:
            reaction = await self._ring(behaviour.reaction, behaviour.after_s, float(ring))
        except HungUp as end:
            self._tried(line, "CANCEL", end.cause, (now_us() - dialled_us) // 1000)
            raise
        ring_ms = (now_us() - dialled_us) // 1000
        if reaction is Reaction.ANSWERS:
            self._tried(line, reaction.value, 16, ring_ms)
            await self._talk(number, held_s)
        self._tried(line, reaction.value, _CAUSES[reaction], ring_ms)

    async def _ring(self, reaction: Reaction, after_s: float, ring_s: float) -> Reaction:
        """Until the line reacts, its ring time is over, or the caller gives up (HungUp)."""
        rings_s = ring_s if reaction is Reaction.RINGS_ON else min(after_s, ring_s)
        patience_s = float("inf")
        if self.script.gives_up_s is not None:
            patience_s = self.script.gives_up_s - (now_us() - self.channel.rang_us) / 1e6
        await self.channel.live(max(0.0, min(rings_s, patience_s)))
        if patience_s < rings_s:
            raise HungUp("caller", 16)
        return Reaction.RINGS_ON if after_s > ring_s else reaction

    def _tried(self, line: str, status: str, cause: int, ring_ms: int) -> None:
        """[cs-tried], and the event that comes with it."""
        so_far = self._variables.get("CS_TRIED", "")
        attempt = f"{line}:{status}:{cause}:{ring_ms}"
        self._variables["CS_TRIED"] = f"{so_far};{attempt}" if so_far else attempt
        self._variables.update({"DIALSTATUS": status, "HANGUPCAUSE": str(cause)})
        if status == Reaction.ANSWERS:
            self._answer()
        self.ami.publish("DialEnd", *described(self.channel), ("DialStatus", status))

    def _answer(self) -> None:
        """Both ends are up from this instant on."""
        self.channel.answered_us = now_us()
        self._variables["CS_ANSWERED"] = str(self.channel.answered_us // 1000)
        second, _, sequence = self.channel.uniqueid.partition(".")
        self.channel.far_end = Channel(
            name=self.channel.name.replace("/carrier-", "/far-end-"),
            uniqueid=f"{second}.{int(sequence) + 1}",
            did=self.channel.did,
            caller=self._variables["CS_TO"],
            variables={"LINKEDID": self.channel.uniqueid},
            answered_us=self.channel.answered_us,
        )

    async def _talk(self, number: str, held_s: int) -> None:
        """[cs-answered]: from here the PBX itself ends the call when the money ends."""
        self.channel.end_after(held_s + 0.5)
        for end in (self.channel.far_end, self.channel):
            if end is not None:
                bridge = ("BridgeUniqueid", f"bridge-{self.channel.uniqueid}")
                self.ami.publish("BridgeEnter", bridge, ("BridgeNumChannels", "2"), *described(end))
        await self.channel.live(self.script.talk_s)
        raise HungUp("callee" if self.script.callee_hangs_up else "caller", 16)

    async def _hang_up(self, who: str, cause: int) -> None:
        """[cs-hangup]: the far end goes, the handler reports, then the channel's own event."""
        self.channel.ended_us = now_us()
        self.channel.end_after(0)
        self._variables["CS_WHO"] = who
        if self.channel.far_end is not None:
            self._gone(self.channel.far_end, cause)
        await self._agi("hangup")
        self._gone(self.channel, cause)

    def _gone(self, channel: Channel, cause: int) -> None:
        headers: Mapping[str, str] = {"Cause": str(cause), "Cause-txt": "Normal Clearing"}
        self.ami.publish("Hangup", *described(channel), *headers.items())
