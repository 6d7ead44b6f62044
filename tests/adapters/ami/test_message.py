"""Reading one AMI message."""

import pytest

from callserver.adapters.ami.errors import GarbledMessage
from callserver.adapters.ami.message import (
    AmiMessage,
    action_id,
    event_name,
    number,
    parse_event,
)

DIAL_END = "\r\n".join(
    [
        *("Event: DialEnd", "Privilege: call,all", "Timestamp: 1790000000.123456"),
        *("Channel: PJSIP/carrier-00000001", "Uniqueid: 1790000000.1", "CallerIDName: 张三: 李四"),
        *("ChanVariable: CS_TOKEN=abc", "ChanVariable: CS_LINE=2", "ChanVariable: CS_OK="),
        *("DestChannel: PJSIP/out-2", "DestChanVariable: CS_TOKEN=", "DialStatus: ANSWER"),
    ]
).encode()


def test_event_is_read_whole() -> None:
    """Fields, the channel's variables and the destination's are kept apart."""
    event = parse_event(DIAL_END)
    assert (event.name, event.fields["DialStatus"]) == ("DialEnd", "ANSWER")
    assert event.fields["CallerIDName"] == "张三: 李四"
    assert event.chan_vars == {"CS_TOKEN": "abc", "CS_LINE": "2", "CS_OK": ""}
    assert event.dest_chan_vars == {"CS_TOKEN": ""}


@pytest.mark.parametrize(
    ("timestamp", "expected_us"),
    [
        ("1790000000.123456", 1_790_000_000_123_456),
        ("1790000000.000001", 1_790_000_000_000_001),
        ("1790000000.12", 0),
        ("1790000000", 0),
        ("-1.000000", 0),
        ("1_0.000000", 0),
        ("١.000000", 0),
        ("", 0),
    ],
)
def test_timestamp_is_exact_or_nothing(timestamp: str, expected_us: int) -> None:
    """Only epoch seconds with six digits count; anything else is 0."""
    event = parse_event(f"Event: X\r\nTimestamp: {timestamp}".encode())
    assert event.timestamp_us == expected_us


@pytest.mark.parametrize(
    "raw",
    [
        b"Event: A\r\nUniqueid: 1\r\nUniqueid: 2",
        b"Event: A\r\nEvent: B",
        b"Event: A\r\nChanVariable: CS_TOKEN=a\r\nChanVariable: CS_TOKEN=b",
        b"Event: A\r\nCallerIDName: x\nUniqueid: 2",
        b"Event: A\r\nCallerIDName: x\rUniqueid: 2",
        b"Event: A\r\nno header at all",
        b"Event: A\r\n: no name",
        b"Event: A\r\n",
    ],
)
def test_garbled_event_is_refused(raw: bytes) -> None:
    """Nothing is taken from a message that repeats a header or breaks a line inside a value."""
    with pytest.raises(GarbledMessage):
        parse_event(raw)


def test_bytes_of_another_encoding_lose_a_letter_only() -> None:
    """A caller name in GBK does not cost the event."""
    event = parse_event(b"Event: A\r\nCallerIDName: \xd5\xc5\r\nUniqueid: 1")
    assert event.fields["Uniqueid"] == "1"
    assert "\ufffd" in event.fields["CallerIDName"]


def test_empty_values_are_values() -> None:
    """With or without the blank after the colon."""
    assert parse_event(b"Event: A\r\nB: \r\nC:").fields == {"Event": "A", "B": "", "C": ""}


def test_response_keeps_output_in_order() -> None:
    """Output may repeat and becomes the content; other headers are found in any case."""
    message = AmiMessage.from_block(
        b"Response: Success\r\nActionID: 1\r\nOutput: one\r\nOutput: two"
    )
    assert message.success
    assert (message.header("actionid"), message.content) == ("1", "one\ntwo")
    assert message.header("Message") == ""


def test_response_with_a_header_twice_is_refused() -> None:
    """Else a forged one could speak for the real one."""
    with pytest.raises(GarbledMessage):
        AmiMessage.from_block(b"Response: Success\r\nTimestamp: 1\r\nTimestamp: 2")


def test_name_and_action_id_are_seen_without_parsing() -> None:
    """Both are read from the bytes; a header that only looks alike is not taken."""
    row = b"Event: CoreShowChannel\r\nActionID: action/7\r\nChannel: x"
    assert (event_name(row), action_id(row)) == (b"CoreShowChannel", "action/7")
    assert (event_name(b"Event: X"), action_id(b"Event: X")) == (b"X", None)
    assert (event_name(b"Response: Success"), action_id(b"A: B\r\nActionID: 9")) == (None, "9")
    assert action_id(b"Event: X\r\nDestActionID: 1") is None


@pytest.mark.parametrize(
    ("text", "expected"), [("17", 17), ("", 0), ("-1", 0), ("1.5", 0), ("²", 0), ("1" * 16, 0)]
)
def test_number_is_digits_or_zero(text: str, expected: int) -> None:
    """Nothing but up to 15 ASCII digits is a number."""
    assert number(text) == expected
