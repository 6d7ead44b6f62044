"""The dialplan on a real Asterisk 22: what a hostile caller gets through, which is nothing."""

import re

import pytest

from callserver.domain.pbx_contract import AgiPath
from tests.dialplan.ami_ear import AmiEar
from tests.dialplan.conftest import DID, Stage

pytestmark = pytest.mark.e2e

FORGED = "%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%20forged%0d%0a%0d%0a"
PLAIN = "<sip:13800138000@127.0.0.1>"

CALLERS = [  # From header, more headers, what the server may see
    (f"<sip:138{FORGED}@127.0.0.1>", "", "unknown"),
    (f'"{FORGED}" <sip:138%0aagi_arg_1%3a%20x@127.0.0.1>', "", "unknown"),
    ("<sip:$%7bSHELL(id)%7d@127.0.0.1>", "", "unknown"),
    ("<sip:138%7d%22)%5d,;x@127.0.0.1>", "", "unknown"),
    ("<sip:138%00001@127.0.0.1>", "", "138"),  # Asterisk itself cuts at the zero byte
    ("<sip:1+1@127.0.0.1>", "", "1+1"),  # digits and plus pass; the server normalises
    ("<sip:anonymous@anonymous.invalid>", "", "unknown"),
    ("<sip:127.0.0.1>", "", "unknown"),
    (f'"a,b,${{SHELL(id)}}" {PLAIN}', "", "13800138000"),
    (f"\"中文，'引号'\" {PLAIN}", "", "13800138000"),
    (f'"<script>alert(1)</script>" {PLAIN}', "", "13800138000"),
    (PLAIN, f'Diversion: "d" <sip:9{FORGED}@127.0.0.1>;reason=unconditional', "13800138000"),
    (PLAIN, f'P-Asserted-Identity: "d" <sip:9{FORGED}@127.0.0.1>', "13800138000"),
    (PLAIN, f"Remote-Party-ID: <sip:9{FORGED}@127.0.0.1>;party=calling", "13800138000"),
    (PLAIN, "CS_OK: 1\nX-CS_TOKEN: x", "13800138000"),
]


@pytest.mark.parametrize(("from_header", "headers", "seen"), CALLERS)
def test_caller_data_is_clean_before_anything_leaves_asterisk(
    stage: Stage, from_header: str, headers: str, seen: str
) -> None:
    """The call goes through; AGI and AMI carry digits or nothing, and no forged line."""
    with AmiEar(stage.bed.asterisk) as ear:
        result, report = stage.call(from_header=from_header, headers=headers, talk_ms=100)
        events = ear.until_hangup_of(report.token)
    (request,) = stage.agi.of("route")
    names = [name for name, _ in request.headers]
    assert result.outcome == "answered"
    assert request.header("agi_callerid") == seen
    assert request.header("agi_calleridname") == request.header("agi_rdnis") == "unknown"
    assert AgiPath.parse(request.header("agi_network_script")).did == DID
    assert len(names) == len(set(names))
    assert b"forged" not in request.raw
    assert b"\r" not in request.raw
    assert not any("forged" in str(event) for event in events)
    (line,) = stage.cdr_lines(report.token, 1)
    assert line.caller == seen.replace("unknown", "")


def test_a_400_number_is_never_sent_as_caller_id(stage: Stage) -> None:
    """Also where the caller withheld the number, the destination does not see the DID."""
    stage.call(from_header="<sip:anonymous@anonymous.invalid>", talk_ms=100)
    stage.call(talk_ms=100)
    callers = [line.detail for line in stage.bed.destinations["answers"].lines()]
    shown = [detail for detail in callers if detail]
    assert any("13800138000" in detail for detail in shown)
    # Before the tag, which is random and may hold any three digits.
    assert [
        detail for detail in shown if re.search(r"400\d{7}", detail.partition(";tag=")[0])
    ] == []
