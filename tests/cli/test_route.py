"""`callserver route`: the decision and each step that led to it."""

from pathlib import Path

import pytest

from callserver.demo.business import BLOCKED_CALLER, CLINIC_DID, CLOSED_DID, TEA_DID, UNKNOWN_DID
from tests.cli.conftest import Run


def test_a_routed_call_shows_its_lines_and_steps(run: Run, data: Path) -> None:
    """JSON holds caller, lines in order and every step."""
    got = run("route", CLINIC_DID, "--from", "+8613800138000", "--data", data, "--json")
    assert (got.status, got.err) == (0, "")
    shown = got.json
    assert (shown["routed"], shown["refusal"], shown["customer"]) == (True, None, "clinic")
    assert shown["caller"]["number"] == "13800138000"
    assert shown["caller"]["region"] == {"province": "北京", "city": "北京", "area_code": "010"}
    assert [line["destination"] for line in shown["lines"]] == ["02164330001", "13916880002"]
    assert [line["line"] for line in shown["lines"]] == [1, 2]
    assert [step["name"] for step in shown["steps"]][:3] == ["number", "customer", "state"]


@pytest.mark.parametrize(
    ("did", "caller", "refusal", "cause"),
    [
        (UNKNOWN_DID, "13800138000", "unknown_did", 1),
        (CLOSED_DID, "13800138000", "suspended", 21),
        (TEA_DID, BLOCKED_CALLER, "blocked", 21),
    ],
)
def test_a_refusal_is_an_answer(
    run: Run, data: Path, did: str, caller: str, refusal: str, cause: int
) -> None:
    """A refused call ends with 0; the last step says why."""
    got = run("route", did, "--from", caller, "--data", data, "--json")
    assert got.status == 0
    assert (got.json["refusal"], got.json["hangup_cause"]) == (refusal, cause)
    assert (got.json["lines"], got.json["steps"][-1]["outcome"]) == ([], "refused")


def test_people_see_the_same(run: Run, data: Path) -> None:
    """Without --json: the caller, a line a step, the outcome."""
    routed = run("route", CLINIC_DID, "--from", "021-6433 0009", "--data", data).out
    assert routed.startswith(f"{CLINIC_DID} from 02164330009 (landline, 上海)\n  ✓ number: ")
    assert "line 2: 13916880002 by carrier, rings 2 s" in routed
    refused = run("route", CLOSED_DID, "--data", data).out
    assert "from withheld (unknown)" in refused
    assert refused.endswith("refused: suspended, hangup cause 21\n")


def test_a_bare_local_number_takes_the_trunk_s_area_code(run: Run, data: Path) -> None:
    """From the option, or from the only [[asterisk]] section."""
    args = ["route", CLINIC_DID, "--from", "64330009", "--data", data, "--json"]
    env = {
        "CALLSERVER_ASTERISK__0__NAME": "main",
        "CALLSERVER_ASTERISK__0__SECRET": "s",
        "CALLSERVER_ASTERISK__0__AREA_CODE": "021",
    }
    assert run(*args).json["caller"]["number"] == "64330009"
    assert run(*args, **env).json["caller"]["number"] == "02164330009"
    assert run(*args, "--area-code", "010", **env).json["caller"]["number"] == "01064330009"


def test_the_tariff_is_that_of_the_given_time(run: Run, data: Path) -> None:
    """`--at` moves the decision in time; before the tariff's first version there is none."""
    args = ["route", CLINIC_DID, "--data", data, "--json", "--at"]
    assert run(*args, "2026-11-22T10:00").json["at"] == "2026-11-22T02:00:00.000Z"
    assert run(*args, "1960-01-01T00:00:00Z").json["refusal"] == "fault"


def test_an_area_code_without_its_0_is_wrong_usage(run: Run, data: Path) -> None:
    """571 before a local number would make a number that nobody has."""
    got = run("route", CLINIC_DID, "--from", "64330009", "--area-code", "571", "--data", data)
    assert (got.status, "'571' is not an area code" in got.err) == (2, True)


@pytest.mark.parametrize("did", ["400123456", "40012345678", "13800138000", "４００1234567"])
def test_only_400_numbers_are_asked_for(run: Run, data: Path, did: str) -> None:
    """Anything else is wrong usage."""
    assert run("route", did, "--data", data).status == 2
