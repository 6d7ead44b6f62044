"""SIPp as carrier and as destinations, against each other: no PBX between."""

from pathlib import Path

import pytest

from callserver.demo.asterisk.calls import CallResult, CarrierCalls
from callserver.demo.asterisk.destinations import Destination

pytestmark = pytest.mark.e2e

DID = "4001234567"


def call(destination: Destination, tmp_path: Path, **options: object) -> CallResult:
    """One call from the carrier straight to a destination."""
    calls = CarrierCalls(destination.port, DID, work_dir=tmp_path, **options)  # type: ignore[arg-type] # a test's own
    with destination, calls:
        (result,) = calls.wait(20)
    return result


def test_the_caller_hangs_up(tmp_path: Path) -> None:
    """After talk_ms, and both sides say so."""
    destination = Destination.answers(ring_ms=50, work_dir=tmp_path)
    result = call(destination, tmp_path, talk_ms=300)
    assert (result.outcome, result.code, result.ended_by) == ("answered", 200, "caller")
    assert 250 <= result.talk_ms < 3000
    assert destination.counts() == {"rang": 1, "answered": 1, "ended_by_caller": 1}


def test_the_destination_hangs_up(tmp_path: Path) -> None:
    """After its own talk_ms."""
    destination = Destination.answers(ring_ms=50, talk_ms=300, work_dir=tmp_path)
    result = call(destination, tmp_path, talk_ms=None)
    assert (result.outcome, result.ended_by) == ("answered", "callee")
    assert 250 <= result.talk_ms < 3000


@pytest.mark.parametrize("code", [404, 480, 486, 503, 603])
def test_a_destination_rejects(tmp_path: Path, code: int) -> None:
    """With the code it was given."""
    destination = Destination.rejects(code, work_dir=tmp_path)
    result = call(destination, tmp_path)
    assert (result.outcome, result.code, result.ended_by) == ("refused", code, "nobody")
    assert destination.counts()["rejected"] == 1


def test_a_reason_header_gives_the_cause(tmp_path: Path) -> None:
    """Q.850 causes are read from the refusal."""
    destination = Destination.rejects(
        486, headers='Reason: Q.850;cause=17;text="busy"', work_dir=tmp_path
    )
    assert call(destination, tmp_path).cause == 17


def test_the_caller_gives_up(tmp_path: Path) -> None:
    """A destination that never answers is cancelled."""
    destination = Destination.never_answers(work_dir=tmp_path)
    result = call(destination, tmp_path, give_up_ms=300)
    assert (result.outcome, result.code) == ("cancelled", 487)
    assert destination.counts() == {"rang": 1, "cancelled": 1}


def test_many_calls_have_a_result_each(tmp_path: Path) -> None:
    """In the order of the callers, from the numbers given."""
    destination = Destination.answers(ring_ms=20, work_dir=tmp_path)
    callers = [f"138001380{n:02}" for n in range(20)]
    with (
        destination,
        CarrierCalls(
            destination.port, DID, callers=callers, rate=100, talk_ms=200, work_dir=tmp_path
        ) as calls,
    ):
        results = calls.wait(20)
        shown = [line.detail for line in destination.lines() if line.event == "rang"]
    assert [result.call for result in results] == list(range(1, 21))
    assert {result.outcome for result in results} == {"answered"}
    assert all(any(caller in detail for detail in shown) for caller in callers)


def test_nobody_there_is_lost(tmp_path: Path) -> None:
    """A call without any answer is lost, and waiting for it has an end."""
    port = Destination.answers(work_dir=tmp_path).port
    with (
        CarrierCalls(port, DID, work_dir=tmp_path) as calls,
        pytest.raises(TimeoutError, match="still had calls"),
    ):
        calls.wait(1)
    assert [result.outcome for result in calls.results()] == ["lost"]
