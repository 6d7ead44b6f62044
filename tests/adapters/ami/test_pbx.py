"""An Asterisk as services see it, on the simulated PBX's real AMI."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest

from callserver.adapters.ami.errors import AmiListIncomplete, AmiRefused
from callserver.adapters.ami.pbx import AmiPbx
from callserver.adapters.ami.settings import AmiSettings
from callserver.demo.pbx.ami_server import AmiServer, described
from callserver.demo.pbx.channel import Channel
from callserver.ports import LiveChannel, Pbx, StoreUnavailable
from callserver.service.hangups import Hangups
from callserver.service.metering import Metering
from tests.adapters.ami.scripted_asterisk import ScriptedAsterisk, until
from tests.adapters.ami.test_call_events import OURS, TOKEN, Services


class Asterisk:
    """A simulated PBX, an AmiPbx that speaks with it, and what the latter told."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.ami = AmiServer("callserver", "s3cret-of-tests", self.channels)
        self.services = Services()
        self.services.gate.set()
        self.changes: list[tuple[bool, str]] = []

    def connect(self, port: int) -> AmiPbx:
        settings = AmiSettings(
            **{"name": "a", "host": "127.0.0.1", "port": port},
            **{"user": "callserver", "secret": "s3cret-of-tests"},
        )
        services = self.services
        pbx = AmiPbx("a", settings, cast(Metering, services), cast(Hangups, services))
        pbx.on_change = self._changed
        return pbx

    def _changed(self, *, ready: bool, reason: str) -> None:
        self.changes.append((ready, reason))

    def call(self, name: str = "PJSIP/carrier-1", **variables: str) -> Channel:
        """A caller's channel of ours."""
        channel = Channel(name, "1790000000.1", "4001234567", "", OURS | variables)
        self.channels[name] = channel
        return channel


@pytest.fixture
def asterisk_a() -> Asterisk:
    """One."""
    return Asterisk()


@pytest.fixture
async def pbx(asterisk_a: Asterisk) -> AsyncIterator[AmiPbx]:
    """Connected and ready."""
    port = await asterisk_a.ami.listen("127.0.0.1", {})
    connected = asterisk_a.connect(port)
    await connected.start()
    await until(lambda: (True, "") in asterisk_a.changes)
    yield connected
    await connected.stop()
    await asterisk_a.ami.close()


async def test_live_channels_are_callers_of_ours(asterisk_a: Asterisk, pbx: AmiPbx) -> None:
    """With all that the reconciler needs; other channels are left out."""
    asterisk_a.call(CS_ANSWERED="1790000000123")
    asterisk_a.call("PJSIP/out-2", CS_TOKEN="")
    assert await pbx.live_channels() == [
        LiveChannel(
            token=TOKEN,
            channel="PJSIP/carrier-1",
            uniqueid="1790000000.1",
            did="4001234567",
            line=2,
            answered_us=1_790_000_000_123_000,
        )
    ]


async def test_ringing_channel_has_no_answer(asterisk_a: Asterisk, pbx: AmiPbx) -> None:
    """CS_ANSWERED is empty until then."""
    asterisk_a.call()
    assert [channel.answered_us for channel in await pbx.live_channels()] == [0]


async def test_absolute_timeout_is_in_seconds(asterisk: ScriptedAsterisk) -> None:
    """With milliseconds, for the very channel."""
    pbx = Asterisk().connect(asterisk.port)
    await pbx.start()
    await until(lambda: len(asterisk.named("AbsoluteTimeout")) == 1)  # the look at our rights
    while True:
        try:
            await pbx.absolute_timeout("PJSIP/carrier-1", 2_007)
            break
        except StoreUnavailable:
            await asyncio.sleep(0.01)
    await pbx.stop()
    sent = asterisk.named("AbsoluteTimeout")[-1]
    assert (sent["channel"], sent["timeout"]) == ("PJSIP/carrier-1", "2.007")


async def test_timeout_of_a_channel_that_is_gone_is_no_fault(pbx: AmiPbx) -> None:
    """Its end is on its way by other means."""
    await pbx.absolute_timeout("PJSIP/gone-1", 1_000)


async def test_timeout_in_the_past_is_refused(pbx: AmiPbx) -> None:
    """Asterisk would take 0 for never."""
    with pytest.raises(ValueError, match="future"):
        await pbx.absolute_timeout("PJSIP/carrier-1", 0)


async def test_boot_id_is_stable(pbx: AmiPbx) -> None:
    """The same as long as that Asterisk runs."""
    first = await pbx.boot_id()
    assert first == await pbx.boot_id()
    assert len(first) >= len("2026-11-01 08:00:00")


async def test_clock_offset_of_the_same_clock_is_small(pbx: AmiPbx) -> None:
    """Off by no more than half a round trip."""
    before = time.monotonic()
    offset_us = await pbx.clock_offset_us()
    assert abs(offset_us) < (time.monotonic() - before) * 1_000_000


async def test_events_reach_the_services(asterisk_a: Asterisk, pbx: AmiPbx) -> None:
    """An answer and a hangup of a caller's channel, from the wire to the services."""
    channel = asterisk_a.call()
    asterisk_a.ami.publish("DialEnd", *described(channel), ("DialStatus", "ANSWER"))
    asterisk_a.ami.publish("Hangup", *described(channel), ("Cause", "16"))
    await until(lambda: asterisk_a.services.answers and asterisk_a.services.ends)
    assert asterisk_a.services.answers[0][:5] == ("a", TOKEN, "4001234567", "1790000000.1", 2)
    assert asterisk_a.services.ends[0][-1] == 16


async def test_lost_link_is_told_and_comes_back(asterisk_a: Asterisk, pbx: AmiPbx) -> None:
    """Not ready with a reason, then ready; meanwhile everything raises StoreUnavailable."""
    asterisk_a.ami.drop_links()
    await until(lambda: len(asterisk_a.changes) >= 3)
    ready, reason = asterisk_a.changes[2]
    assert (ready, reason.split(":")[0]) == (False, "lost")
    await until(lambda: asterisk_a.changes[-1] == (True, ""))


async def test_shutdown_is_not_ready(asterisk_a: Asterisk, pbx: AmiPbx) -> None:
    """An Asterisk that says it shuts down is not asked any more."""
    asterisk_a.ami.publish("Shutdown", ("Shutdown", "Cleanly"), ("Restart", "False"))
    await until(lambda: (False, "lost: Asterisk shuts down") in asterisk_a.changes)


async def test_everything_raises_while_it_is_down(asterisk_a: Asterisk, pbx: AmiPbx) -> None:
    """StoreUnavailable: nothing was sent."""
    await pbx.stop()
    down: Pbx = pbx
    for asked in (
        down.absolute_timeout("PJSIP/carrier-1", 1_000),
        down.live_channels(),
        down.boot_id(),
        down.clock_offset_us(),
    ):
        with pytest.raises(StoreUnavailable):
            await asked


async def test_answers_without_what_they_promise_raise(asterisk: ScriptedAsterisk) -> None:
    """No start time, no Timestamp, a row without Uniqueid: nothing is made up."""
    ear = Asterisk()
    pbx = ear.connect(asterisk.port)
    await pbx.start()
    await until(lambda: (True, "") in ear.changes)
    bare = "Response: Success\r\nActionID: {id}\r\n"
    asterisk.replies |= {
        "CoreStatus": f"{bare}\r\n",
        "Ping": f"{bare}\r\n",
        "CoreShowChannels": f"{bare}EventList: start\r\n\r\n"
        "Event: CoreShowChannel\r\nActionID: {id}\r\nChannel: x\r\n"
        f"ChanVariable: CS_TOKEN={TOKEN}\r\n\r\n"
        "Event: E\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: 1\r\n\r\n",
    }
    try:
        with pytest.raises(AmiRefused):
            await pbx.boot_id()
        with pytest.raises(AmiRefused):
            await pbx.clock_offset_us()
        with pytest.raises(AmiListIncomplete):
            await pbx.live_channels()
    finally:
        await pbx.stop()
