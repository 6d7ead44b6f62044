"""What the API shows of balances, entries, calls and CDRs, as plain values for JSON."""

from typing import Any

from callserver.adapters.http.replies import rfc3339, rfc3339_or_none
from callserver.domain.caller import Caller
from callserver.domain.cdr import Cdr
from callserver.domain.ledger import Entry
from callserver.domain.money import money_json, yuan_text
from callserver.domain.number import mask
from callserver.service.accounts import BalanceReading
from callserver.service.live import LiveCall


def balance_json(reading: BalanceReading) -> bytes:
    """A balance; `live` false means that holds and running calls are not in it.

    Written out by hand: back ends poll it thousands of times a second, and nothing in it needs
    escaping (an account is a slug).
    """
    balance = reading.balance
    return (
        f'{{"account":"{balance.account}"'
        f',"settled":{_money(balance.settled_micros)}'
        f',"held":{_money(balance.held_micros)}'
        f',"running":{_money(balance.running_micros)}'
        f',"credit_limit":{_money(balance.floor_micros)}'
        f',"available":{_money(balance.available_micros)}'
        f',"included_minutes":{balance.minutes}'
        f',"included_minutes_held":{balance.minutes_held}'
        f',"included_minutes_available":{balance.available_minutes}'
        f',"live_calls":{balance.live_calls}'
        f',"live":{"true" if reading.live else "false"}'
        f',"as_of":"{rfc3339(reading.as_of_us // 1000)}"}}'
    ).encode()


def _money(micros: int) -> str:
    return f'{{"amount":"{yuan_text(micros)}","currency":"CNY"}}'


def entry_shape(entry: Entry, idempotency_key: str) -> dict[str, Any]:
    """A ledger entry that the bearer has posted."""
    return {
        "account": entry.account,
        "seq": entry.seq,
        "kind": entry.kind.value,
        "amount": money_json(entry.amount_micros),
        "idempotency_key": idempotency_key,
        "actor": entry.actor,
        "reason": entry.reason,
        "created_at": rfc3339(entry.created_ms),
    }


def caller_shape(caller: Caller, *, in_full: bool) -> dict[str, Any]:
    """The caller, masked for everybody but the customer who was called."""
    region = caller.region
    return {
        "number": caller.number if in_full else mask(caller.number),
        "masked": not in_full,
        "kind": caller.kind.value,
        "region": {
            "province": region.province,
            "city": region.city,
            "area_code": region.area_code,
        }
        if region
        else None,
    }


def live_shape(call: LiveCall, *, in_full: bool) -> dict[str, Any]:
    """A call in progress."""
    return {
        "call_id": call.call_id,
        "state": call.state.value,
        "did": call.did,
        "customer": call.customer,
        "provider": call.provider,
        "pbx": call.pbx,
        "caller": caller_shape(call.caller, in_full=in_full),
        "destination": call.destination,
        "line": call.line,
        "started_at": rfc3339(call.started_us // 1000),
        "answered_at": rfc3339_or_none(call.answered_us // 1000),
        "duration_seconds": call.duration_s,
        "running_fee": money_json(call.running_micros),
        "held_seconds": call.held_s,
        "held": money_json(call.held_micros),
        "held_minutes": call.held_minutes,
    }


def cdr_shape(cdr: Cdr, *, in_full: bool, with_cost: bool) -> dict[str, Any]:
    """A finished call with its fee and the arithmetic behind it.

    What it cost the provider is no customer's business: without `with_cost` it is not there.
    """
    shape = _cdr_shape(cdr, in_full=in_full)
    if with_cost:
        shape["cost"] = _money_or_none(cdr.cost_micros)
        shape["margin"] = _money_or_none(cdr.margin_micros)
    return shape


def _money_or_none(micros: int | None) -> dict[str, str] | None:
    return None if micros is None else money_json(micros)


def _cdr_shape(cdr: Cdr, *, in_full: bool) -> dict[str, Any]:
    return {
        "call_id": cdr.call_id,
        "did": cdr.did,
        "customer": cdr.customer,
        "provider": cdr.provider,
        "caller": caller_shape(cdr.caller, in_full=in_full),
        "destination": cdr.destination,
        "attempts": [
            {
                "line": tried.line,
                "destination": tried.destination,
                "result": tried.result,
                "hangup_cause": tried.hangup_cause,
                "ring_ms": tried.ring_ms,
            }
            for tried in cdr.attempts
        ],
        "arrived_at": rfc3339(cdr.arrived_ms),
        "rang_at": rfc3339_or_none(cdr.rang_ms),
        "answered_at": rfc3339_or_none(cdr.answered_ms),
        "ended_at": rfc3339(cdr.ended_ms),
        "disposition": cdr.disposition.value,
        "refusal": cdr.refusal,
        "hangup_cause": cdr.hangup_cause,
        "hung_up_by": cdr.hung_up_by.value,
        "billsec": cdr.billsec,
        "billed_seconds": cdr.billed_s,
        "tariff": {"name": cdr.tariff, "version": cdr.tariff_version} if cdr.tariff else None,
        "fee": money_json(cdr.fee_micros),
        "charged": money_json(cdr.charged_micros),
        "written_off": money_json(cdr.written_off_micros),
        "included_minutes": cdr.included_minutes,
        "fee_lines": list(cdr.fee_lines),
        "end_source": cdr.end_source.value,
        "estimated": cdr.estimated,
        "pbx": cdr.pbx,
        "uniqueid": cdr.uniqueid,
        "linkedid": cdr.linkedid,
    }
