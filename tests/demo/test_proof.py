"""The proof: it must find what is wrong."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from callserver.demo.proof import (
    Balances,
    CallFacts,
    SqlView,
    expected_fees,
    prove,
    seen_by_api,
)
from callserver.demo.screen import proof_lines
from callserver.demo.switch import seen_by_pbx

from .records import record

FEE = Decimal("0.15")
CALLERS = {"8613800210001": "13800210001"}
PBX = seen_by_pbx([record()], CALLERS)
UNIQUEID = "1790000000.2"
API_CDR: dict[str, Any] = {
    "uniqueid": UNIQUEID,
    "did": "4008001234",
    "disposition": "answered",
    "destination": "02164330001",
    "billsec": 3,
    "answered_at": "2026-09-21T13:33:21.000Z",
    "ended_at": "2026-09-21T13:33:24.400Z",
    "fee": {"amount": "0.150000", "currency": "CNY"},
}


def api(**changed: Any) -> dict[str, CallFacts]:
    """The API's view of the one call."""
    facts = PBX[UNIQUEID]
    seen = dataclasses.replace(
        seen_by_api([API_CDR])[UNIQUEID], answered_ms=facts.answered_ms, ended_ms=facts.ended_ms
    )
    return {UNIQUEID: dataclasses.replace(seen, **changed)}


def sql(**changed: Any) -> SqlView:
    """SQL's view of the one call and its money."""
    given: dict[str, Any] = {
        "calls": dict(PBX),
        "cdrs": 1,
        "charged": FEE,
        "ledger": {"clinic": FEE},
        "settled": {"clinic": Decimal("9.85")},
    }
    return SqlView(**(given | changed))


def balances(after: str = "9.85", held: str = "0") -> dict[str, Balances]:
    """Ten yuan before."""
    zero = Decimal(0)
    return {
        "clinic": Balances(
            {"settled": Decimal(10), "held": zero},
            {"settled": Decimal(after), "held": Decimal(held)},
        )
    }


def test_views_that_agree_leave_nothing_to_say() -> None:
    """Every sum is there, and no difference."""
    proof = prove(PBX, sql(), api(), balances())
    assert proof.differences == ()
    assert proof.as_json() == {
        "calls": 1,
        "answered": 1,
        "cdrs": 1,
        "charged": "0.150000",
        "ledger_total": "0.150000",
        "balance_before": "10.000000",
        "balance_after": "9.850000",
        "mismatches": 0,
    }
    assert proof_lines(proof)[-1].endswith(": 0")


@pytest.mark.parametrize(
    "changed",
    [
        {"fee": Decimal("0.30")},
        {"billsec": 4},
        {"disposition": "busy"},
        {"ended_ms": 1},
        {"did": "4000000000"},
        {"destination": "110"},
    ],
)
def test_a_fact_told_differently_is_found(changed: dict[str, Any]) -> None:
    """In the API or in SQL, whichever it is."""
    assert len(prove(PBX, sql(), api(**changed), balances()).differences) == 1
    wrong = {UNIQUEID: dataclasses.replace(PBX[UNIQUEID], **changed)}
    assert prove(PBX, sql(calls=wrong), api(), balances()).differences


def test_a_caller_that_was_read_wrongly_is_found() -> None:
    """The API masks it, SQL has it in full."""
    wrong = {UNIQUEID: dataclasses.replace(PBX[UNIQUEID], caller="138")}
    (said,) = prove(PBX, sql(calls=wrong), api(), balances()).differences
    assert "caller" in said


def test_a_missing_or_doubled_cdr_is_found() -> None:
    """Lost, invented, or written twice."""
    assert prove(PBX, sql(), {}, balances()).differences == (
        f"call {UNIQUEID} is missing in the API",
    )
    assert prove({}, sql(), api(), balances()).differences
    assert prove(PBX, sql(cdrs=2), api(), balances()).differences == ("1 calls, but 2 CDRs",)


@pytest.mark.parametrize(
    ("seen", "view"),
    [
        (balances(after="9.84"), sql()),
        (balances(held="0.15"), sql()),
        (balances(), sql(ledger={})),
        (balances(), sql(settled={"clinic": Decimal("9.86")})),
    ],
)
def test_money_that_went_astray_is_found(seen: dict[str, Balances], view: SqlView) -> None:
    """A wrong balance, a hold left over, a missing ledger entry, Redis and SQL apart."""
    assert prove(PBX, view, api(), seen).differences


def test_a_real_pbx_may_differ_by_a_little() -> None:
    """As much as is allowed, and not a millisecond more."""
    later = PBX[UNIQUEID].ended_ms + 20
    assert prove(PBX, sql(), api(ended_ms=later), balances(), apart_ms=20).differences == ()
    assert prove(PBX, sql(), api(ended_ms=later), balances(), apart_ms=19).differences


def test_what_a_view_does_not_tell_is_no_difference() -> None:
    """A CDR file knows no reasons, and the API masks callers."""
    silent = {UNIQUEID: dataclasses.replace(PBX[UNIQUEID], disposition=None, destination=None)}
    assert prove(silent, sql(), api(), balances()).differences == ()


def test_fees_are_expected_by_account() -> None:
    """Calls to numbers of nobody are nobody's."""
    free = dataclasses.replace(PBX[UNIQUEID], did="4000000001", fee=Decimal(0))
    assert expected_fees([*PBX.values(), *PBX.values(), free]) == {"clinic": 2 * FEE}


def test_instants_of_the_api_are_read_to_the_millisecond() -> None:
    """And never is 0."""
    seen = seen_by_api([{**API_CDR, "answered_at": None}])[UNIQUEID]
    assert (seen.answered_ms, seen.ended_ms % 1000) == (0, 400)
