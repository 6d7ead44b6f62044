"""Actions: what may be sent, and when an answer is whole."""

import pytest

from callserver.adapters.ami.action import AmiAction
from callserver.adapters.ami.errors import AmiListIncomplete, AmiRefused
from callserver.adapters.ami.message import AmiMessage

ROW = b"Event: CoreShowChannel\r\nActionID: 1\r\nChannel: x"
START = AmiMessage({"Response": "Success", "EventList": "start"})


def end(listed: str = "Complete", items: str | None = None) -> bytes:
    """The event that ends a list."""
    raw = f"Event: CoreShowChannelsComplete\r\nActionID: 1\r\nEventList: {listed}"
    return (raw if items is None else f"{raw}\r\nListItems: {items}").encode()


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x1f", "\x7f", "\x85", "\u2028"])
async def test_control_characters_are_refused(character: str) -> None:
    """In a value and in a header's name: nothing that could begin another line is sent."""
    with pytest.raises(ValueError, match="control character"):
        AmiAction("Ping", {"Channel": f"x{character}y"})
    with pytest.raises(ValueError, match="control character"):
        AmiAction("Ping", {f"Channel{character}": "x"})
    with pytest.raises(ValueError, match="control character"):
        AmiAction(f"Ping{character}", {})


async def test_action_goes_out_as_one_message() -> None:
    """A line for each header, an empty line at the end, an ActionID of its own."""
    first, second = AmiAction("Ping", {"A": "中"}), AmiAction("Ping", {})
    assert first.packed() == f"A: 中\r\nAction: Ping\r\nActionID: {first.id}\r\n\r\n".encode()
    assert first.id != second.id


async def test_error_is_refused_in_asterisks_words() -> None:
    """An Error response raises with its Message."""
    action = AmiAction("Ping", {})
    action.respond(AmiMessage({"Response": "Error", "Message": "Permission denied"}))
    with pytest.raises(AmiRefused, match="Permission denied"):
        await action.future


async def test_whole_list_is_given() -> None:
    """All rows, once the end names just as many."""
    action = AmiAction("CoreShowChannels", {}, as_list=True)
    action.respond(START)
    action.add_row(ROW)
    action.add_row(ROW)
    assert not action.future.done()
    action.add_row(end(items="2"))
    assert await action.future == [ROW, ROW]


async def test_empty_list_is_whole() -> None:
    """No rows and a count of 0."""
    action = AmiAction("CoreShowChannels", {}, as_list=True)
    action.respond(START)
    action.add_row(end(items="0"))
    assert await action.future == []


@pytest.mark.parametrize(
    "last", [end(items="2"), end(items="0"), end(items=""), end(), end("cancelled", "1")]
)
async def test_list_with_another_count_is_incomplete(last: bytes) -> None:
    """A row missing, one too many, no count, or a list that was cancelled: all raise."""
    action = AmiAction("CoreShowChannels", {}, as_list=True)
    action.respond(START)
    action.add_row(ROW)
    action.add_row(last)
    with pytest.raises(AmiListIncomplete):
        await action.future


async def test_answer_that_is_no_list_is_incomplete() -> None:
    """A Success without a list never passes for an empty one."""
    action = AmiAction("CoreShowChannels", {}, as_list=True)
    action.respond(AmiMessage({"Response": "Success"}))
    with pytest.raises(AmiListIncomplete):
        await action.future


async def test_rows_before_the_response_or_after_the_end_do_nothing() -> None:
    """Only what comes within the list belongs to it."""
    action = AmiAction("CoreShowChannels", {}, as_list=True)
    action.add_row(ROW)
    action.respond(START)
    action.add_row(end(items="0"))
    action.add_row(ROW)
    action.respond(AmiMessage({"Response": "Error"}))
    assert await action.future == []


async def test_rows_that_are_not_wanted_count_but_are_not_kept() -> None:
    """So a list of which nothing is kept is whole all the same."""
    action = AmiAction("CoreShowChannels", {}, as_list=True, wanted=lambda row: b"ours" in row)
    action.respond(AmiMessage.from_block(b"Response: Success\r\nEventList: start"))
    for row in (ROW, ROW + b"ours", ROW):
        action.add_row(row)
    action.add_row(b"Event: Done\r\nEventList: Complete\r\nListItems: 3")
    assert await action.future == [ROW + b"ours"]
