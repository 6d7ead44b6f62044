"""One Asterisk over AMI, as services steer it."""

import time
from typing import Protocol

import structlog

from callserver.adapters.ami.call_events import CallEvents, of_a_call, token_in
from callserver.adapters.ami.errors import AmiListIncomplete, AmiRefused
from callserver.adapters.ami.link import AmiLink
from callserver.adapters.ami.message import AmiEvent, number, parse_event
from callserver.adapters.ami.settings import AmiSettings, AmiState
from callserver.domain.identity import is_token
from callserver.domain.pbx_cdr import instant_us
from callserver.ports import LiveChannel
from callserver.service.hangups import Hangups
from callserver.service.metering import Metering

log = structlog.get_logger()

PINGS = 3  # the quickest of them tells the time best


class OnChange(Protocol):
    """Told when the PBX can be spoken to, and when it no longer can and why."""

    def __call__(self, *, ready: bool, reason: str) -> None:
        """`reason` is empty when ready."""
        ...


def _nobody(*, ready: bool, reason: str) -> None:
    """The link logs its changes itself."""


class AmiPbx:
    """Fulfils ports.Pbx. Set `on_change` before `start`."""

    def __init__(
        self, name: str, settings: AmiSettings, metering: Metering, hangups: Hangups
    ) -> None:
        self.on_change: OnChange = _nobody
        self._name = name
        self._calls = CallEvents(name, metering, hangups)
        self._link = AmiLink(
            settings, self._event, self._state_changed, _wanted, self._calls.is_moot
        )

    @property
    def name(self) -> str:
        """As in `[[asterisk]] name`."""
        return self._name

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        await self._link.start()

    async def stop(self) -> None:
        """Close the link, then let what is in hand finish for a moment."""
        await self._link.stop()
        await self._calls.stop()

    async def absolute_timeout(self, channel: str, after_ms: int) -> None:
        """End the channel `after_ms` (more than 0) from now. A channel that is gone is no error."""
        if after_ms <= 0:  # Asterisk takes 0 as "never"
            raise ValueError(f"{after_ms} ms from now is not in the future")
        timeout = f"{after_ms // 1000}.{after_ms % 1000:03d}"
        try:
            await self._link.action("AbsoluteTimeout", Channel=channel, Timeout=timeout)
        except AmiRefused as refused:
            if "no such channel" not in str(refused).lower():
                raise
            log.info("ami.channel_gone", pbx=self._name)

    async def live_channels(self) -> list[LiveChannel]:
        """Our callers' channels; raises rather than leave one out."""
        return await self._link.list_rows(_live, _is_ours, "CoreShowChannels")

    async def boot_id(self) -> str:
        """When this Asterisk process started."""
        status = await self._link.action("CoreStatus")
        started = f"{status.header('CoreStartupDate')} {status.header('CoreStartupTime')}"
        if not started.strip():
            raise AmiRefused("CoreStatus does not say when Asterisk started")
        return started

    async def clock_offset_us(self) -> int:
        """This host's clock minus the PBX's; off by at most half the quickest round trip."""
        measured = [await self._ping() for _ in range(PINGS)]
        return min(measured)[1]

    async def _ping(self) -> tuple[int, int]:
        """(round trip, offset) in microseconds."""
        sent_us = time.time_ns() // 1000
        began_ns = time.monotonic_ns()
        pong = await self._link.action("Ping")
        trip_us = (time.monotonic_ns() - began_ns) // 1000
        try:
            theirs_us = instant_us(pong.header("Timestamp"))
        except ValueError:
            theirs_us = 0
        if theirs_us == 0:
            raise AmiRefused("Ping brings no Timestamp")
        return trip_us, sent_us + trip_us // 2 - theirs_us

    def _event(self, event: AmiEvent) -> None:
        if event.name == "Shutdown":
            self._link.drop("Asterisk shuts down")
        else:
            self._calls.take(event)

    def _state_changed(self, state: AmiState, reason: str) -> None:
        ready = state is AmiState.READY
        self.on_change(ready=ready, reason="" if ready else f"{state.value}: {reason}")


def _wanted(name: bytes, block: bytes) -> bool:
    return name == b"Shutdown" or of_a_call(name, block)


def _is_ours(row: bytes) -> bool:
    """A cheap look: half of all rows are others'."""
    return is_token(token_in(row))


def _live(row: bytes) -> LiveChannel | None:
    """A caller's channel of ours."""
    event = parse_event(row)
    fields, variables = event.fields, event.chan_vars
    token, channel = variables.get("CS_TOKEN", ""), fields.get("Channel", "")
    uniqueid = fields.get("Uniqueid", "")
    if not is_token(token):
        return None
    if not channel or not uniqueid:
        raise AmiListIncomplete("a row has no Channel or no Uniqueid")
    return LiveChannel(
        token=token,
        channel=channel,
        uniqueid=uniqueid,
        did=variables.get("CS_DID", ""),
        line=number(variables.get("CS_LINE", ""), 3),
        answered_us=number(variables.get("CS_ANSWERED", "")) * 1000,
    )
