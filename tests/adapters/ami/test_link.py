"""The link's states and what may be asked in each."""

import asyncio
from typing import Any

import pytest

from callserver.adapters.ami.errors import AmiListIncomplete, AmiRefused, AmiUnavailable
from callserver.adapters.ami.link import AmiLink, AmiState
from callserver.ports import OutcomeUnknown
from tests.adapters.ami.clients import settings
from tests.adapters.ami.conftest import Watch
from tests.adapters.ami.scripted_asterisk import ScriptedAsterisk, event, until


async def test_ready_after_login_and_boot(watch: Watch) -> None:
    """Connecting, then ready without a reason."""
    watched = await watch()
    assert await watched.reach(AmiState.READY) == ""
    assert watched.states == [AmiState.CONNECTING, AmiState.READY]


async def test_nobody_listens_until_somebody_does(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Refused with the system's words, and ready once Asterisk is there."""
    await asterisk.close()
    watched = await watch()
    assert str(asterisk.port) in await watched.reach(AmiState.REFUSED)
    with pytest.raises(AmiUnavailable, match="refused"):
        await watched.link.action("Ping")
    await asterisk.listen()
    await watched.reach(AmiState.READY)


async def test_frozen_later_is_silent_and_comes_back(
    asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """Not one byte for `silent_s` ends the link; a thawed Asterisk gets a new one."""
    watched = await watch()
    await watched.reach(AmiState.READY)
    asterisk.frozen = True
    await watched.reach(AmiState.SILENT)
    asterisk.frozen = False
    await watched.reach(AmiState.READY)


async def test_other_service_is_not_taken_for_asterisk(
    asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """What does not greet as Asterisk's manager is left, with words."""
    asterisk.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    watched = await watch()
    assert "not Asterisk" in await watched.reach(AmiState.LOST)


async def test_cut_link_comes_back(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Lost, then ready again, each told once."""
    watched = await watch()
    await watched.reach(AmiState.READY)
    asterisk.cut()
    await until(lambda: watched.states[2:] == [AmiState.LOST, AmiState.READY])
    assert asterisk.connections == 2


async def test_overflow_drops_the_link(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """More events than the bound: lost, and a new link; those that had room are handled."""
    watched = await watch(events_max=3)
    await watched.reach(AmiState.READY)
    asterisk.send(b"".join(event("Hangup", Uniqueid=str(n)) for n in range(200)))
    await until(lambda: AmiState.LOST in watched.states)
    await watched.reach(AmiState.READY)
    numbers = [int(each.fields["Uniqueid"]) for each in watched.events]
    assert numbers == sorted(numbers)
    assert numbers[:3] == [0, 1, 2]


async def test_stopped_link_leaves_nothing(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """No connection, no task, no further state."""
    before = asyncio.all_tasks()
    watched = await watch()
    await watched.reach(AmiState.READY)
    await watched.link.stop()
    await until(lambda: asterisk.links == 0)
    await until(lambda: not [task for task in asyncio.all_tasks() - before if ours(task)])
    assert watched.states[-1] is AmiState.STOPPED
    with pytest.raises(AmiUnavailable, match="stopped"):
        await watched.link.action("Ping")


def ours(task: "asyncio.Task[Any]") -> bool:
    """Whether a task belongs to a link."""
    return task.get_name().startswith("ami_")


async def test_fault_of_the_listener_is_not_the_links(asterisk: ScriptedAsterisk) -> None:
    """A state callback that raises does not end the reconnecting."""

    def failing(state: AmiState, reason: str) -> None:
        raise RuntimeError("a bug")

    link = AmiLink(settings(asterisk.port), lambda event: None, failing)
    await link.start()
    await until(lambda: link.state is AmiState.READY)
    await link.stop()


async def test_action_is_answered(watch: Watch) -> None:
    """The response of that very action."""
    watched = await watch()
    await watched.reach(AmiState.READY)
    answers = await asyncio.gather(*(watched.link.action("Ping") for _ in range(20)))
    assert {answer.header("Ping") for answer in answers} == {"Pong"}


async def test_refused_action_raises(watch: Watch) -> None:
    """With Asterisk's words."""
    watched = await watch()
    await watched.reach(AmiState.READY)
    with pytest.raises(AmiRefused, match="No such channel"):
        await watched.link.action("AbsoluteTimeout", Channel="x", Timeout="1")


async def test_late_answer_goes_nowhere(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """An answer after the deadline neither ends another action nor the link."""
    watched = await watch()
    await watched.reach(AmiState.READY)
    with pytest.raises(OutcomeUnknown):
        await watched.link.action("Originate")
    late = asterisk.named("Originate")[0]["actionid"]
    asterisk.send(f"Response: Error\r\nActionID: {late}\r\nMessage: late\r\n\r\n".encode())
    assert (await watched.link.action("Ping")).header("Ping") == "Pong"


async def test_too_many_in_flight_are_not_sent(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Beyond the bound an action is turned away before it is sent."""
    watched = await watch(in_flight_max=1)
    await watched.reach(AmiState.READY)
    first = asyncio.create_task(watched.link.action("Originate"))
    await until(lambda: asterisk.named("Originate"))
    with pytest.raises(AmiUnavailable, match="wait for their answers"):
        await watched.link.action("Hangup")
    with pytest.raises(OutcomeUnknown):
        await first
    assert not asterisk.named("Hangup")


async def test_list_is_whole_or_raises(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """A list is given with all its rows, parsed; one cut short or garbled is not given at all."""
    watched = await watch()
    await watched.reach(AmiState.READY)
    start = "Response: Success\r\nActionID: {id}\r\nEventList: start\r\n\r\n"
    row = "Event: CoreShowChannel\r\nActionID: {id}\r\nChannel: x\r\n\r\n"
    end = "Event: E\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: 1\r\n\r\n"
    asterisk.replies["CoreShowChannels"] = start + row + end
    rows = await watched.link.list_action("CoreShowChannels")
    assert [each.fields["Channel"] for each in rows] == ["x"]
    assert watched.events == []
    asterisk.replies["CoreShowChannels"] = start + row
    with pytest.raises(OutcomeUnknown):
        await watched.link.list_action("CoreShowChannels")
    doubled = row.replace("Channel: x", "Channel: x\r\nChannel: y")
    asterisk.replies["CoreShowChannels"] = start + doubled + end
    with pytest.raises(AmiListIncomplete):
        await watched.link.list_action("CoreShowChannels")
