"""The header block, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.adapters.agi.request import ARGS_MAX, BadHeader, parse_request
from tests.adapters.agi.asterisk import SCRIPT, header

BLOCK = header(args=("first", "", "third, with comma"))[:-2]


def test_asterisks_block_is_read_whole() -> None:
    """Script, path segments, arguments (also empty ones) and headers without their prefix."""
    request = parse_request(BLOCK)
    assert request.script == SCRIPT
    assert request.path == ("route", "4001234567", "1763826000.1")
    assert request.args == ("first", "", "third, with comma")
    assert request.headers["channel"] == "PJSIP/carrier-00000001"
    assert request.headers["accountcode"] == ""
    assert "arg_1" not in request.headers


def test_letters_of_any_language_are_kept() -> None:
    """Names in Chinese are text; bytes in another encoding lose a letter, not the call."""
    name = "agi_calleridname: 上海".encode()
    block = BLOCK.replace(b"agi_calleridname: unknown", name)
    assert parse_request(block).headers["calleridname"] == "上海"
    latin = parse_request(BLOCK.replace(b"agi_calleridname: unknown", b"agi_calleridname: \xe9"))
    assert latin.headers["calleridname"] == "\ufffd"


REJECTED = {
    "a header twice": BLOCK + b"\nagi_channel: PJSIP/other",
    "an argument twice": BLOCK + b"\nagi_arg_3: again",
    "an argument left out": BLOCK + b"\nagi_arg_5: x",
    "arguments from 0": BLOCK + b"\nagi_arg_0: x",
    "an unknown header": BLOCK + b"\nagi_evil: 1",
    "another prefix": BLOCK + b"\nevil_channel: 1",
    "no colon": BLOCK + b"\nagi_enhanced",
    "no blank after the colon": BLOCK.replace(b"agi_dnid: ", b"agi_dnid:"),
    "a carriage return": BLOCK.replace(b"4001234567", b"400\r1234567", 1),
    "a zero byte": BLOCK.replace(b"PJSIP/", b"PJSIP\0", 1),
    "a tab": BLOCK.replace(b"PJSIP/", b"PJSIP\t", 1),
    "a delete": BLOCK.replace(b"PJSIP/", b"PJSIP\x7f", 1),
    "a C1 control": BLOCK.replace(b"PJSIP/", "PJSIP\x85".encode(), 1),
    "a line separator": BLOCK.replace(b"PJSIP/", "PJSIP\u2028".encode(), 1),
    "no script": b"agi_network: yes",
    "an empty script": header(script="")[:-2],
    "an empty line": b"\n" + BLOCK,
    "nothing": b"",
}


@pytest.mark.parametrize("block", REJECTED.values(), ids=REJECTED.keys())
def test_what_asterisk_never_sends_is_rejected(block: bytes) -> None:
    """One strange line and nothing of the block is used."""
    with pytest.raises(BadHeader):
        parse_request(block)


def test_arguments_are_bounded() -> None:
    """As many arguments as the bound are read, one more is rejected."""
    assert len(parse_request(header(args=["x"] * ARGS_MAX)[:-2]).args) == ARGS_MAX
    with pytest.raises(BadHeader):
        parse_request(header(args=["x"] * (ARGS_MAX + 1))[:-2])


def test_reason_never_quotes_a_value() -> None:
    """What goes to the log holds no text of the block's values."""
    with pytest.raises(BadHeader) as caught:
        parse_request(BLOCK + b"\nagi_secret_of_mine: 1")
    assert "secret" not in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_rejected(block: bytes) -> None:
    """Garbage raises BadHeader and nothing else."""
    try:
        parse_request(block)
    except BadHeader:
        return
    assert b"agi_network_script: " in block
