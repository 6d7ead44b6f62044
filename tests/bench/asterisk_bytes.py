"""What Asterisk sends of one call, as bytes: recorded from Asterisk 22.10.1 with our dialplan.

The recording (manager.conf's filter) has five events for a call answered on its first line:
DialEnd, two BridgeEnter, two Hangup. The sixth here is the Hangup of one more far end, as where a
destination rings two phones.
"""

PBX = "bench"
EVENTS_PER_CALL = 6

_VARIABLES = (
    "CS_TOKEN=%(token)s",
    "CS_DID=%(did)s",
    "CS_LINE=1",
    "CS_HELD=%(held)s",
    "CS_OK=1",
    f"CS_PBX={PBX}",
    "CS_RANG=%(rang)s",
    "CS_ANSWERED=%(answered)s",
)
_CALLER = (
    "Channel: %(channel)s",
    "ChannelState: %(state)s",
    "CallerIDNum: %(caller)s",
    "CallerIDName: <unknown>",
    "ConnectedLineNum: <unknown>",
    "ConnectedLineName: <unknown>",
    "Language: zh",
    "AccountCode: ",
    "Context: cs-lines",
    "Exten: %(did)s",
    "Priority: 5",
    "Uniqueid: %(uniqueid)s",
    "Linkedid: %(uniqueid)s",
    *(f"ChanVariable: {each}" for each in _VARIABLES),
)
_FAR = (
    "Channel: %(channel)s-far",
    "ChannelState: 6",
    "ChannelStateDesc: Up",
    "CallerIDNum: %(did)s",
    "CallerIDName: <unknown>",
    "ConnectedLineNum: %(caller)s",
    "ConnectedLineName: <unknown>",
    "Language: zh",
    "AccountCode: ",
    "Context: nowhere",
    "Exten: ",
    "Priority: 1",
    "Uniqueid: %(uniqueid)s1",
    "Linkedid: %(uniqueid)s",
    *(
        f"ChanVariable: {each.partition('=')[0]}={PBX if 'CS_PBX' in each else ''}"
        for each in _VARIABLES
    ),
)
_BRIDGE = (
    "BridgeUniqueid: d41ae2bb-478e-4b7a-8d4b-ccf8396b9375",
    "BridgeType: basic",
    "BridgeTechnology: simple_bridge",
    "BridgeCreator: <unknown>",
    "BridgeName: <unknown>",
    "BridgeNumChannels: 2",
    "BridgeVideoSourceMode: none",
)
_HANGUP = ("Cause: 16", "Cause-txt: Normal Clearing")


def _event(name: str, *lines: str) -> str:
    head = (f"Event: {name}", "Privilege: call,all", "Timestamp: %(at)s")
    return "\r\n".join((*head, *lines)) + "\r\n\r\n"


_UP = tuple(each.replace("%(state)s", "6\r\nChannelStateDesc: Up") for each in _CALLER)
_RINGING = tuple(each.replace("%(state)s", "4\r\nChannelStateDesc: Ring") for each in _CALLER)

ANSWERED = (
    _event("DialEnd", *_RINGING, *(f"Dest{line}" for line in _FAR), "DialStatus: ANSWER")
    + _event("BridgeEnter", *_BRIDGE, *_FAR)
    + _event("BridgeEnter", *_BRIDGE, *_UP)
)
"""The three events at the answer: %-format with a call's fields and `at`."""

HUNG_UP = (
    _event("Hangup", *_FAR, *_HANGUP)
    + _event("Hangup", *_FAR, *_HANGUP)
    + _event("Hangup", *_UP, *_HANGUP)
)
"""The three at the end."""

_ROW = (
    *("Event: CoreShowChannel", "ActionID: %(action)s"),
    *_UP,
    *("Application: Dial", "ApplicationData: PJSIP/02112345670@carrier,20,iIU(cs-answered^300)"),
    *("Duration: 00:00:00", "BridgeId: d41ae2bb-478e-4b7a-8d4b-ccf8396b9375"),
)
_FAR_ROW = (
    *("Event: CoreShowChannel", "ActionID: %(action)s"),
    *_FAR,
    *("Application: AppDial", "ApplicationData: (Outgoing Line)"),
    *("Duration: 00:00:00", "BridgeId: d41ae2bb-478e-4b7a-8d4b-ccf8396b9375"),
)
CHANNEL_ROWS = "\r\n".join(_ROW) + "\r\n\r\n" + "\r\n".join(_FAR_ROW) + "\r\n\r\n"
"""A live call's two rows of CoreShowChannels; also takes `action`."""


def _agi(script: str, args: tuple[str, ...]) -> str:
    path = f"{script}/%(did)s/%(uniqueid)s"
    lines = (
        "network: yes",
        f"network_script: {path}",
        f"request: agi://127.0.0.1:4573/{path}",
        "channel: %(channel)s",
        "language: zh",
        "type: PJSIP",
        "uniqueid: %(uniqueid)s",
        "version: 22.10.1~dfsg",
        "callerid: %(caller)s",
        "calleridname: unknown",
        "callingpres: 0",
        "callingani2: 0",
        "callington: 0",
        "callingtns: 0",
        "dnid: %(did)s",
        "rdnis: unknown",
        "context: from-400",
        "extension: %(did)s",
        "priority: 3",
        "enhanced: 0.0",
        "accountcode: ",
        "threadid: 139932151989952",
        *(f"arg_{number}: {each}" for number, each in enumerate(args, 1)),
    )
    return "".join(f"agi_{line}\n" for line in lines) + "\n"


ROUTE = _agi("route", ("%(token)s", "%(uniqueid)s", "%(arrived)s", PBX))
HANGUP = _agi(
    "hangup",
    (
        *("%(token)s", PBX, "%(uniqueid)s", "%(arrived)s", "%(answer)s", "%(end)s", "%(talk)s"),
        *("ANSWER", "16", "1:ANSWER:16:1503", "1", "caller", "1", "02112345670", "%(rang)s", ""),
    ),
)
