"""Our link on a real Asterisk 22, with the user of dialplan/manager.conf."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from callserver.adapters.ami.pbx import AmiPbx
from callserver.adapters.ami.settings import AmiSettings
from callserver.demo.asterisk.instance import AsteriskInstance
from callserver.service.hangups import Hangups
from callserver.service.metering import Metering
from tests.adapters.ami.scripted_asterisk import until
from tests.adapters.ami.test_call_events import Services
from tests.dialplan.conftest import DID, Stage, asterisk_folder, bed_and_agi, stage

__all__ = ["asterisk_folder", "bed_and_agi", "stage"]

pytestmark = pytest.mark.e2e

PATIENCE_S = 30.0


class Heard:
    """What an AmiPbx told."""

    def __init__(self, asterisk: AsteriskInstance) -> None:
        self.services = Services()
        self.services.gate.set()
        self.ready = False
        self.reasons: list[str] = []
        settings = AmiSettings(
            name=asterisk.pbx,
            host="127.0.0.1",
            port=asterisk.ami_port,
            user=asterisk.ami_user,
            secret=asterisk.ami_secret,
        )
        services = self.services
        self.pbx = AmiPbx(asterisk.pbx, settings, cast(Metering, services), cast(Hangups, services))
        self.pbx.on_change = self._changed

    def _changed(self, *, ready: bool, reason: str) -> None:
        self.ready = ready
        self.reasons.append(reason)

    async def until_ready(self) -> None:
        """Wait for it."""
        await until(lambda: self.ready, PATIENCE_S)


@pytest.fixture
async def heard(stage: Stage) -> AsyncIterator[Heard]:
    """Connected and ready."""
    made = Heard(stage.bed.asterisk)
    await made.pbx.start()
    await made.until_ready()
    yield made
    await made.pbx.stop()


async def test_call_is_answered_listed_ended_and_told(stage: Stage, heard: Heard) -> None:
    """One call from its answer, by the channel list and a moved time-out, to its hangup."""
    pbx, services = heard.pbx, heard.services
    calls = stage.bed.begin(DID, talk_ms=20_000)
    await until(lambda: services.answers, PATIENCE_S)
    name, token, did, uniqueid, line, answered_us = services.answers[0]
    (live,) = await pbx.live_channels()
    assert (name, did, line) == (stage.bed.asterisk.pbx, DID, 1)
    assert (live.token, live.did, live.uniqueid, live.line) == (token, did, uniqueid, 1)
    assert live.answered_us == pytest.approx(answered_us, abs=20_000)
    await pbx.absolute_timeout(live.channel, 700)
    await until(lambda: services.ends, PATIENCE_S)
    assert services.ends[0][:3] == (name, token, uniqueid)
    assert 0 < services.ends[0][5] - answered_us < 15_000_000
    await asyncio.to_thread(calls.wait)
    assert await pbx.live_channels() == []


async def test_clock_and_boot_are_told(heard: Heard) -> None:
    """On one host the clocks agree; the boot stays the same."""
    assert abs(await heard.pbx.clock_offset_us()) < 20_000
    assert await heard.pbx.boot_id() == await heard.pbx.boot_id()


async def test_frozen_asterisk_is_silent_until_it_thaws(stage: Stage, heard: Heard) -> None:
    """Noticed by its silence, and ready again afterwards."""
    stage.bed.asterisk.freeze()
    try:
        await until(lambda: not heard.ready, PATIENCE_S)
        assert heard.reasons[-1].startswith("silent: nothing heard")
    finally:
        stage.bed.asterisk.thaw()
    await heard.until_ready()


async def test_killed_asterisk_is_lost_and_comes_back_another(stage: Stage, heard: Heard) -> None:
    """The link comes back by itself, and the boot is another."""
    before = await heard.pbx.boot_id()
    stage.bed.asterisk.kill9()
    await until(lambda: not heard.ready, PATIENCE_S)
    await asyncio.to_thread(stage.bed.asterisk.start)
    await heard.until_ready()
    assert await heard.pbx.boot_id() != before


async def test_stopped_asterisk_says_goodbye(stage: Stage, heard: Heard) -> None:
    """`core stop now` is told as a shutdown, not found out."""
    await asyncio.to_thread(stage.bed.asterisk.restart)
    await heard.until_ready()
    assert "lost: Asterisk shuts down" in heard.reasons
