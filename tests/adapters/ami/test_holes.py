"""Every known hole of panoramisk 1.4's Manager: closed in our link, open in the bare library."""

import asyncio
from contextlib import suppress

from callserver.ports import OutcomeUnknown, StoreUnavailable
from tests.adapters.ami.clients import HANGING_S, Client, hole
from tests.adapters.ami.conftest import Opened
from tests.adapters.ami.scripted_asterisk import ScriptedAsterisk, event, until


@hole("CR/LF in a value sends a second action")
async def test_value_cannot_begin_an_action(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """A line break in a value never reaches Asterisk."""
    client = await opened(kind)
    with suppress(ValueError):
        await client.act("Ping", Channel="x\r\n\r\nAction: Originate\r\nChannel: Local/1\r\n")
    await client.act("CoreStatus")
    assert not asterisk.named("Originate")


@hole("each segment is decoded alone, and what does not decode is lost")
async def test_letters_survive_a_cut_between_segments(kind: type[Client], opened: Opened) -> None:
    """A Chinese letter whose bytes come in two segments is whole."""
    client = await opened(kind)
    raw = event("UserEvent", Uniqueid="上海")
    at = raw.index("海".encode()) + 1
    client.feed(raw[:at])
    client.feed(raw[at:])
    await until(lambda: client.seen)
    assert client.seen == ["上海"]


@hole("an exception in a callback closes the link", TimeoutError)
async def test_fault_in_a_handler_costs_one_event(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """The events after one whose handling failed are handled."""

    def handler(uniqueid: str) -> None:
        if uniqueid == "1":
            raise RuntimeError("a bug")

    client = await opened(kind, handler)
    await until(lambda: asterisk.links == 1)
    asterisk.send(event("Hangup", Uniqueid="1") + event("Hangup", Uniqueid="2"))
    await until(lambda: client.seen == ["2"], HANGING_S)


@hole("asynchronous callbacks run side by side")
async def test_events_are_handled_in_order(kind: type[Client], opened: Opened) -> None:
    """One after another, in the order in which Asterisk sent them."""
    client = await opened(kind)
    client.feed(b"".join(event("Hangup", Uniqueid=str(n)) for n in range(1, 5)))
    await until(lambda: len(client.seen) == 4)
    assert client.seen == ["1", "2", "3", "4"]


@hole("asynchronous callbacks run without a bound")
async def test_events_held_are_bounded(kind: type[Client], opened: Opened) -> None:
    """More events at once than the bound are not kept: the link is dropped instead."""
    client = await opened(kind)
    client.feed(b"".join(event("Hangup", Uniqueid="1") for _ in range(2000)))
    most = client.events_held
    for _ in range(3):
        await asyncio.sleep(0)
        most = max(most, client.events_held)
    assert most <= 50


@hole("an action in flight is sent again after a reconnect")
async def test_nothing_is_sent_twice(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """An action whose answer was lost with the link is not repeated."""
    client = await opened(kind)
    call = asyncio.create_task(client.act("Originate"))
    await until(lambda: asterisk.named("Originate"))
    asterisk.cut()
    await until(lambda: len(asterisk.named("Login")) >= 2 and client.ready)
    await asyncio.sleep(0.3)
    call.cancel()
    await asyncio.wait([call])
    if not call.cancelled():
        call.exception()
    assert len(asterisk.named("Originate")) == 1


@hole("it waits for a FullyBooted that may never come", TimeoutError)
async def test_action_ends_with_the_link(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """Losing the link ends what was asked on it, at once and as unknown."""
    client = await opened(kind)
    asterisk.booted = b""
    asyncio.get_running_loop().call_later(0.05, asterisk.cut)
    async with asyncio.timeout(HANGING_S):
        with suppress(OutcomeUnknown):
            await client.act("Originate")


@hole("some futures never end", TimeoutError)
async def test_unanswered_action_ends(kind: type[Client], opened: Opened) -> None:
    """An action Asterisk does not answer ends at its deadline, as unknown."""
    client = await opened(kind)
    async with asyncio.timeout(HANGING_S):
        with suppress(OutcomeUnknown):
            await client.act("Originate")


@hole("what was never answered is kept for ever")
async def test_unanswered_actions_are_forgotten(kind: type[Client], opened: Opened) -> None:
    """Nothing is kept of an action that has ended without an answer."""
    client = await opened(kind)
    for _ in range(3):
        with suppress(OutcomeUnknown, TimeoutError):
            async with asyncio.timeout(0.6):
                await client.act("Originate")
    assert client.unanswered == 0


@hole("pings are sent but not checked", TimeoutError)
async def test_frozen_asterisk_is_noticed(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """An Asterisk that reads and says nothing is not called ready."""
    client = await opened(kind)
    asterisk.frozen = True
    await until(lambda: not client.ready, HANGING_S)


@hole("a wrong secret is tried again at the same pace for ever")
async def test_wrong_secret_is_tried_ever_more_rarely(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """The pauses between logins grow as long as the secret is refused."""
    await opened(kind, secret="wrong")
    with suppress(TimeoutError):
        await until(lambda: len(asterisk.named("Login")) > 8, HANGING_S)
    assert len(asterisk.named("Login")) <= 8


@hole("close() does not stop a reconnect that is under way")
async def test_closed_stays_closed(
    kind: type[Client], asterisk: ScriptedAsterisk, opened: Opened
) -> None:
    """A client closed while it was about to reconnect does not come back."""
    client = await opened(kind)
    await asterisk.close()
    await until(lambda: not client.ready)
    await client.close()
    before = asterisk.connections
    await asterisk.listen()
    await asyncio.sleep(0.5)
    assert asterisk.connections == before


@hole("a header that comes twice becomes a list")
async def test_header_that_comes_twice_is_refused(kind: type[Client], opened: Opened) -> None:
    """Such a message is dropped alone, and the next one is handled."""
    client = await opened(kind)
    doubled = b"Event: Hangup\r\nUniqueid: 1\r\nUniqueid: 2\r\n\r\n"
    client.feed(doubled + event("Hangup", Uniqueid="3"))
    await until(lambda: "3" in client.seen)
    assert client.seen == ["3"]


@hole("an endless message is kept without limit")
async def test_endless_message_is_not_kept(kind: type[Client], opened: Opened) -> None:
    """A message that does not end is given up, and the link with it."""
    client = await opened(kind)
    most = 0
    with suppress(StoreUnavailable, AttributeError):
        for _ in range(64):
            client.feed(b"x" * 65_536)
            most = max(most, client.buffered)
    assert most <= (1 << 20) + 65_536
