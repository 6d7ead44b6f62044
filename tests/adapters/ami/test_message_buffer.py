"""Cutting bytes into messages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.adapters.ami.errors import GarbledMessage
from callserver.adapters.ami.message_buffer import MESSAGE_BYTES_MAX, MessageBuffer

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
MESSAGES = [b"Event: A\r\nName: \xe4\xb8\x8a\xe6\xb5\xb7", b"Response: Success", b"Event: B\r\nC: "]
STREAM = BANNER + b"".join(message + b"\r\n\r\n" for message in MESSAGES)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_segmentation_gives_the_same_messages(cuts: list[int]) -> None:
    """However the network cuts the stream, the messages are the same."""
    buffer = MessageBuffer()
    found: list[bytes] = []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        found += buffer.feed(STREAM[start:end])
    assert found == MESSAGES
    assert buffer.version == "11.0.0"


@pytest.mark.parametrize("raw", [b"HTTP/1.1 400 Bad\r\n", b"\x00", b"Asterisk Call Manager/" * 20])
def test_what_is_not_ami_is_refused(raw: bytes) -> None:
    """The first line must be the manager's."""
    with pytest.raises(GarbledMessage):
        MessageBuffer().feed(raw)


def test_longest_message_passes_and_a_longer_one_does_not() -> None:
    """A message may have 1 MiB; one that is longer and still not whole is given up."""
    buffer = MessageBuffer()
    assert buffer.feed(BANNER + b"x" * MESSAGE_BYTES_MAX) == []
    assert len(buffer.feed(b"\r\n\r\n")[0]) == MESSAGE_BYTES_MAX
    buffer.feed(b"x" * MESSAGE_BYTES_MAX)
    with pytest.raises(GarbledMessage):
        buffer.feed(b"xxxxx")
