"""manager.conf on a real Asterisk 22: few events, our variables in them, and least rights."""

import pytest

from callserver.domain.call import HungUpBy
from callserver.domain.pbx_contract import CHANNEL_VARIABLES, DIALPLAN_VERSION, GLOBAL_VERSION
from tests.dialplan.ami_ear import AmiEar, Message
from tests.dialplan.conftest import Stage

pytestmark = pytest.mark.e2e


def own(message: Message) -> dict[str, str]:
    """The caller's channel variables in a message."""
    pairs = [value.partition("=") for name, value in message if name == "ChanVariable"]
    return {name: value for name, _, value in pairs}


def test_an_answered_call_makes_five_events_and_the_first_tells_the_answer(stage: Stage) -> None:
    """DialEnd ANSWER within 20 ms of CDR(answer), two BridgeEnter, two Hangup, no other."""
    with AmiEar(stage.bed.asterisk) as ear:
        _, report = stage.call(talk_ms=200)
        ear.until_hangup_of(report.token)
    names = [dict(message)["Event"] for message in ear.messages if message[0][0] == "Event"]
    assert names == ["FullyBooted", "DialEnd", "BridgeEnter", "BridgeEnter", "Hangup", "Hangup"]
    (answered,) = ear.events("DialEnd")
    fields = dict(answered)
    assert fields["DialStatus"] == "ANSWER"
    assert float(fields["Timestamp"]) == pytest.approx(report.answer_us / 1e6, abs=0.02)
    assert set(own(answered)) == set(CHANNEL_VARIABLES)
    assert own(answered)["CS_TOKEN"] == report.token
    assert own(answered)["CS_HELD"] == "30"
    assert own(answered)["CS_RANG"] == str(report.rang_us // 1000)
    (ended,) = (own(hangup) for hangup in ear.events("Hangup") if own(hangup)["CS_TOKEN"])
    since_answer_ms = int(ended["CS_ANSWERED"]) - report.answer_us // 1000
    assert abs(since_answer_ms) < 1_000  # says the answer itself, should nobody have heard it
    assert ended["CS_LINE"] == "1"


def test_the_channel_list_carries_the_meter(stage: Stage) -> None:
    """CoreShowChannels is allowed and its rows have the token: a meter can be rebuilt."""
    with AmiEar(stage.bed.asterisk) as ear:
        calls = stage.bed.begin("4001234567", talk_ms=1500)
        ear.until(lambda m: ("Event", "BridgeEnter") in m and bool(own(m)["CS_TOKEN"]))
        ear.send("CoreShowChannels")
        ear.until(lambda m: ("Event", "CoreShowChannelsComplete") in m)
        rows = [row for row in ear.events("CoreShowChannel") if own(row)["CS_TOKEN"]]
        calls.wait()
    (row,) = rows
    varying = {"CS_TOKEN": "", "CS_RANG": "", "CS_ANSWERED": ""}
    assert 0 < int(own(row)["CS_ANSWERED"]) - int(own(row)["CS_RANG"]) < 5000
    assert own(row) | varying == varying | {
        "CS_DID": "4001234567",
        "CS_LINE": "1",
        "CS_HELD": "30",
        "CS_OK": "1",
        "CS_PBX": "pbx1",
    }


def test_the_time_out_is_moved_by_ami_also_by_fractions(stage: Stage) -> None:
    """AbsoluteTimeout counts from when it is set, and needs write=call alone."""
    stage.held_s = 1
    with AmiEar(stage.bed.asterisk) as ear:
        calls = stage.bed.begin("4001234567", talk_ms=None)
        entered = ear.until(lambda m: ("Event", "BridgeEnter") in m and bool(own(m)["CS_TOKEN"]))
        moved = ear.ask("AbsoluteTimeout", Channel=dict(entered)["Channel"], Timeout="2.5")
        assert moved["Response"] == "Success"
        (result,) = calls.wait()
    (report,) = stage.agi.wait_for("hangup")
    assert 2450 <= result.talk_ms < 3000
    assert report.args[11] == HungUpBy.TIMEOUT


def test_a_hang_up_by_ami_is_the_system(stage: Stage) -> None:
    """A call that the server drops is told from one that a person ends."""
    with AmiEar(stage.bed.asterisk) as ear:
        calls = stage.bed.begin("4001234567", talk_ms=None)
        entered = ear.until(lambda m: ("Event", "BridgeEnter") in m and bool(own(m)["CS_TOKEN"]))
        ear.ask("Hangup", Channel=dict(entered)["Channel"], Cause="21")
        calls.wait()
    (report,) = stage.agi.wait_for("hangup")
    assert report.args[11] == HungUpBy.SYSTEM
    assert report.args[8] == "21"


def test_the_dialplan_version_is_read_by_ami(stage: Stage) -> None:
    """What `callserver check` compares."""
    with AmiEar(stage.bed.asterisk) as ear:
        assert ear.ask("Getvar", Variable=GLOBAL_VERSION)["Value"] == str(DIALPLAN_VERSION)


FORBIDDEN = [
    ("Originate", {"Channel": "Local/4001234567@from-400", "Context": "from-400"}),
    ("Command", {"Command": "core show version"}),
    ("DBPut", {"Family": "callserver", "Key": "4001234567", "Val": "9:answers:1"}),
    ("GetConfig", {"Filename": "manager.conf"}),
    ("UpdateConfig", {"SrcFilename": "manager.conf", "DstFilename": "manager.conf"}),
    ("Getvar", {"Variable": "SHELL(id)"}),
    ("ModuleLoad", {"LoadType": "reload"}),
    ("Reload", {}),
]


@pytest.mark.parametrize(("action", "fields"), FORBIDDEN)
def test_the_ami_user_can_neither_call_nor_command(
    stage: Stage, action: str, fields: dict[str, str]
) -> None:
    """A stolen AMI secret is not a shell and dials nothing."""
    with AmiEar(stage.bed.asterisk) as ear:
        assert ear.ask(action, **fields)["Response"] == "Error"
