"""The dialplan, its README and the code say the same."""

import re
from pathlib import Path

import pytest

from callserver.domain import pbx_contract as contract
from callserver.domain.refusal import Refusal, hangup_cause
from tests.dialplan.conf_files import CONF, applications, contexts, steps, table

EXTENSIONS = (CONF / "callserver.conf").read_text()
MANAGER = (CONF / "manager.conf").read_text()
AGI = re.compile(r"AGI\(agi://\$\{CS_SERVER\}/(\w+)/(\$\{\w+\})/(\$\{\w+\}),(.*)\)$")

ARGS = {
    "route": contract.ROUTE_ARGS,
    "next": contract.NEXT_ARGS,
    "hangup": contract.HANGUP_ARGS,
}


def test_the_requests_of_the_dialplan_are_those_the_server_reads() -> None:
    """Script, DID and Uniqueid in the URL, then exactly the arguments of pbx_contract."""
    found = {}
    for line in applications(EXTENSIONS, "AGI"):
        match = AGI.fullmatch(line)
        assert match, line
        script, did, uniqueid, args = match.groups()
        assert did in ("${EXTEN}", "${CS_DID}")
        assert uniqueid == "${UNIQUEID}"
        found[script] = tuple(re.split(r",(?![^(]*\))", args))
    assert found == ARGS
    assert set(found) == set(contract.Script)


def test_the_readme_lists_every_argument() -> None:
    """The table PBX to server, row by row."""
    rows = [(script, what.strip("`")) for script, _, what, _ in table("PBX to server")]
    assert rows == [(script, arg) for script, args in ARGS.items() for arg in args]


def test_the_readme_lists_every_variable_the_server_sets() -> None:
    """The table Server to PBX, with the flag of each script last."""
    rows = [(script, name.strip("*`")) for script, name, _ in table("Server to PBX")]
    route = {name for script, name in rows if script == "route"}
    lines = {f"{prefix}<i>" for prefix in contract.ROUTE_LINE_PREFIXES}
    assert route == {*contract.ROUTE_VARIABLES, *contract.REFUSAL_VARIABLES, *lines}
    assert tuple(name for script, name in rows if script == "next") == contract.NEXT_VARIABLES
    assert [name for script, name in rows if script == "route"][-1] == contract.ROUTE_OK


def test_the_dialplan_reads_every_variable_the_server_sets() -> None:
    """And nothing is sent that it ignores."""
    sent = {*contract.ROUTE_VARIABLES, *contract.REFUSAL_VARIABLES, *contract.NEXT_VARIABLES}
    read = set(re.findall(r"\$\{(CS_\w+)\}", EXTENSIONS))
    assert sent <= read
    for prefix in contract.ROUTE_LINE_PREFIXES:
        assert f"${{{prefix}${{CS_LINE}}}}" in EXTENSIONS


def test_replies_of_the_server_hold_the_contracts_variables() -> None:
    """What the reply functions build is what the tables list, the flag last."""
    line = contract.DialLine("02188886666", "carrier", 20)
    route = list(contract.route_reply([line], 1, 300))
    refusal = list(contract.refusal_reply(Refusal.FAULT, 38))
    singles = [name for name in route if not name.endswith("_1")]
    assert singles == list(contract.ROUTE_VARIABLES)
    assert [n[:-1] for n in route if n.endswith("_1")] == list(contract.ROUTE_LINE_PREFIXES)
    assert refusal == list(contract.REFUSAL_VARIABLES)
    assert list(contract.next_reply(0)) == list(contract.NEXT_VARIABLES)


def test_every_variable_of_the_dialplan_is_set_somewhere() -> None:
    """A misspelt CS_ variable would be empty for ever."""
    read = set(re.findall(r"\$\{(?:GLOBAL\()?(CS_[A-Z_]*[A-Z])(?=[})])", EXTENSIONS))
    read |= set(re.findall(r"CUT\((CS_[A-Z]+),", EXTENSIONS))
    set_here = set(re.findall(r"[(,](?:MASTER_CHANNEL\()?(CS_[A-Z_]*[A-Z])[=)]", EXTENSIONS))
    outside = {
        *contract.GLOBALS_REQUIRED,
        *contract.GLOBALS_OPTIONAL,
        *contract.ROUTE_VARIABLES,
        *contract.REFUSAL_VARIABLES,
        *contract.NEXT_VARIABLES,
    }
    assert read <= set_here | outside
    assert set_here <= read | set(contract.CHANNEL_VARIABLES)


def test_globals_are_documented_and_the_version_agrees() -> None:
    """README's globals are those of the code; the version stands in three places, equal."""
    rows = {name.strip("`"): (needed, default) for name, needed, default, _ in table("Globals")}
    assert {n for n, (needed, _) in rows.items() if needed == "yes"} == set(
        contract.GLOBALS_REQUIRED
    )
    assert {n for n, (needed, _) in rows.items() if needed == "no"} == set(
        contract.GLOBALS_OPTIONAL
    )
    assert f"{contract.GLOBAL_TRUNK_PREFIX}<trunk>" in rows
    assert rows[contract.GLOBAL_VERSION][1] == str(contract.DIALPLAN_VERSION)
    assert f"{contract.GLOBAL_VERSION}={contract.DIALPLAN_VERSION}\n" in EXTENSIONS
    for name, (needed, default) in rows.items():
        if needed == "no" and default.isdigit():
            assert f"?${{{name}}}:{default})" in EXTENSIONS


def test_channel_variables_agree() -> None:
    """channelvars of manager.conf, the README's table and the code."""
    (listed,) = re.findall(r"^channelvars = (.*)$", MANAGER, re.MULTILINE)
    rows = [name.strip("`") for name, _ in table("PBX to server, in every AMI event")]
    assert tuple(listed.split(",")) == tuple(rows) == contract.CHANNEL_VARIABLES


def test_refusals_are_documented_with_their_causes() -> None:
    """Every reason, its cause, and whether the last good route is forgotten."""
    rows = {reason.strip("`"): (int(cause), kept) for reason, cause, _, kept in table("Refusals")}
    assert {reason: cause for reason, (cause, _) in rows.items()} == {
        str(reason): hangup_cause(reason) for reason in Refusal
    }
    forgets = set(re.findall(r'"\$\{CS_REFUSED\}" = "(\w+)"\]\?forget', EXTENSIONS))
    assert forgets == {reason for reason, (_, kept) in rows.items() if kept == "forgotten"}


def test_the_cdr_columns_are_documented() -> None:
    """cdr_custom.conf writes the README's columns in the README's order."""
    text = (CONF / "cdr_custom.conf").read_text()
    (mapping,) = re.findall(r"^callserver\.csv => (.*)$", text, re.MULTILINE)
    fields = re.findall(r'\$\{CSV_QUOTE\(\$\{CDR\((\w+)(?:,u)?\)\}\)\}|("")', mapping)
    written = [name or "hangupcause" for name, _ in fields]
    ours = {"userfield": "token", "dst": "did", "src": "caller"}
    documented = [field.split(" ")[0] for _, field in table("CDR file")]
    assert [ours.get(name, name) for name in written] == documented


def test_the_ami_user_has_least_rights() -> None:
    """Exactly these classes, these events, by name, and from loopback."""
    assert re.findall(r"^read = (.*)$", MANAGER, re.MULTILINE) == ["call,cdr,user,system"]
    assert re.findall(r"^write = (.*)$", MANAGER, re.MULTILINE) == ["call,reporting"]
    events = re.findall(r"^eventfilter\(action\(include\),name\((\w+)\)\) =$", MANAGER, re.M)
    assert set(events) >= {"DialEnd", "BridgeEnter", "Hangup"}
    assert len(events) == MANAGER.count("\neventfilter")
    assert re.findall(r"^permit = (.*)$", MANAGER, re.MULTILINE) == [
        "127.0.0.1/255.255.255.255",
        "::1/128",
    ]


def test_only_the_exact_pattern_and_what_cannot_be_dialled_exist() -> None:
    """No context of ours matches a wildcard; T in from-400 leads nowhere without a DID."""
    found = contexts(EXTENSIONS)
    assert found["from-400"] == {"_400XXXXXXX", "T"}
    assert "exten => T,1,GotoIf($[${LEN(${CS_DID})} > 0]?cs-fallback," in EXTENSIONS
    assert {exten for extens in found.values() for exten in extens} == {"_400XXXXXXX", "s", "T"}


def test_the_time_out_of_a_paid_call_is_caught_nowhere() -> None:
    """A context that dials has no extension T, which would go on with the call."""
    for text in re.split(r"^\[", EXTENSIONS, flags=re.MULTILINE):
        assert not ("Dial(" in text and "exten => T" in text), text.partition("]")[0]


def test_caller_data_is_cleaned_before_any_request() -> None:
    """The first step cleans number, name and redirection, and reads the number through FILTER."""
    first = steps(EXTENSIONS)[0]
    for name in ("CALLERID(all)", "CALLERID(name)", "REDIRECTING(from-num,i)"):
        assert f"{name}=" in first
    rest = first.replace("${FILTER(0-9+,${CALLERID(num)})}", "").replace(
        "${LEN(${CALLERID(num)})}", ""
    )
    assert "${CALLERID" not in rest


def test_what_a_caller_sends_is_no_argument() -> None:
    """No application takes the caller's number or name, cleaned or not."""
    for name in ("AGI", "Dial", "Goto", "Gosub", "Hangup", "Playback", "NoOp"):
        for line in applications(EXTENSIONS, name):
            assert "CALLERID" not in line


@pytest.mark.parametrize("path", sorted(CONF.glob("*.conf")), ids=lambda path: path.name)
def test_no_include_file_holds_a_secret(path: Path) -> None:
    """The secret stands in a file of its own."""
    assert not re.search(r"^\s*secret\s*=", path.read_text(), re.MULTILINE)
