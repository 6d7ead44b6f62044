"""The proof at the end of the demo: three independent views of the same calls.

The PBX's own log with fees reckoned in Decimal, a fresh read of SQL, and the HTTP API.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from callserver.demo.business import DID_CUSTOMER

MICROS = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What all views must agree on. Instants are UTC milliseconds, 0 for never; fees are yuan.

    None is what a view does not tell: the API masks callers, a CDR file knows no reasons.
    """

    did: str
    caller: str | None
    disposition: str | None
    destination: str | None
    billsec: int
    answered_ms: int
    ended_ms: int
    fee: Decimal


@dataclass(frozen=True, slots=True)
class SqlView:
    """SQL as read from the file, past the server: calls by Uniqueid, money by account in yuan."""

    calls: dict[str, CallFacts]
    cdrs: int
    charged: Decimal
    ledger: dict[str, Decimal]
    """Debits for calls by account, positive."""
    settled: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Balances:
    """An account as the API showed it before and after, in yuan."""

    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Proof:
    """The sums, and every difference found, each as a sentence."""

    calls: int
    answered: int
    cdrs: int
    charged: Decimal
    ledger_total: Decimal
    balance_before: Decimal
    balance_after: Decimal
    differences: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """What `callserver demo --json` prints."""
        return {
            "calls": self.calls,
            "answered": self.answered,
            "cdrs": self.cdrs,
            "charged": f"{self.charged:.6f}",
            "ledger_total": f"{self.ledger_total:.6f}",
            "balance_before": f"{self.balance_before:.6f}",
            "balance_after": f"{self.balance_after:.6f}",
            "mismatches": len(self.differences),
        }


def seen_in_sql(path: Path) -> SqlView:
    """A fresh, read-only look into the database file with plain SQL."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT c.uniqueid, c.did, p.number, c.disposition, c.destination, c.billsec,"
            " c.answered_ms, c.ended_ms, c.fee_micros"
            " FROM cdr c LEFT JOIN cdr_caller p ON p.call_id = c.call_id"
        ).fetchall()
        charged = database.execute("SELECT sum(charged_micros) FROM cdr").fetchone()[0]
        debits = database.execute(
            "SELECT account, -sum(amount_micros) FROM ledger_entry WHERE kind = 'call' GROUP BY 1"
        ).fetchall()
        sums = database.execute(
            "SELECT account, sum(amount_micros) FROM ledger_entry GROUP BY 1"
        ).fetchall()
    return SqlView(
        calls={row[0]: _facts_in_row(*row[1:]) for row in rows},
        cdrs=len(rows),
        charged=(charged or 0) / MICROS,
        ledger={account: micros / MICROS for account, micros in debits},
        settled={account: micros / MICROS for account, micros in sums},
    )


def _facts_in_row(*row: Any) -> CallFacts:
    did, caller, outcome, destination, billsec, answered_ms, ended_ms, fee_micros = row
    fee = fee_micros / MICROS
    return CallFacts(did, caller, outcome, destination, billsec, answered_ms, ended_ms, fee)


def seen_by_api(cdrs: Sequence[Mapping[str, Any]]) -> dict[str, CallFacts]:
    """The CDRs as the API gives them; callers are masked there."""
    return {
        cdr["uniqueid"]: CallFacts(
            did=cdr["did"],
            caller=None,
            disposition=cdr["disposition"],
            destination=cdr["destination"],
            billsec=cdr["billsec"],
            answered_ms=_instant_ms(cdr["answered_at"]),
            ended_ms=_instant_ms(cdr["ended_at"]),
            fee=Decimal(cdr["fee"]["amount"]),
        )
        for cdr in cdrs
    }


def _instant_ms(text: str | None) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


def differing(views: Mapping[str, Mapping[str, CallFacts]], apart_ms: int) -> list[str]:
    """Every call that a view lacks, and every fact that two views tell differently.

    Instants may lie `apart_ms` apart.
    """
    found: list[str] = []
    for uniqueid in sorted(set().union(*views.values())):
        lacking = [name for name, view in views.items() if uniqueid not in view]
        if lacking:
            found.append(f"call {uniqueid} is missing in {', '.join(lacking)}")
            continue
        for each in fields(CallFacts):
            told = {name: getattr(view[uniqueid], each.name) for name, view in views.items()}
            if _apart(each.name, [value for value in told.values() if value is not None], apart_ms):
                said = ", ".join(f"{name} {value}" for name, value in told.items())
                found.append(f"call {uniqueid}, {each.name}: {said}")
    return found


def _apart(name: str, values: Sequence[Any], apart_ms: int) -> bool:
    if name.endswith("_ms"):
        return bool(max(values) - min(values) > apart_ms)
    return len(set(values)) > 1


def expected_fees(calls: Iterable[CallFacts]) -> dict[str, Decimal]:
    """Fees by account, from the PBX's view alone."""
    fees: dict[str, Decimal] = {}
    for call in calls:
        customer = DID_CUSTOMER.get(call.did)
        if customer is not None:
            fees[customer] = fees.get(customer, Decimal(0)) + call.fee
    return fees


def money_differing(
    balances: Mapping[str, Balances], sql: SqlView, expected: Mapping[str, Decimal]
) -> list[str]:
    """Accounts whose balance did not fall by exactly the fees of their calls, or still hold."""
    found: list[str] = []
    for account, seen in balances.items():
        fell = seen.before["settled"] - seen.after["settled"]
        told = {
            "fees by the PBX's log": expected.get(account, Decimal(0)),
            "ledger": sql.ledger.get(account, Decimal(0)),
            "fall of the balance": fell,
        }
        if len(set(told.values())) > 1:
            said = ", ".join(f"{name} {value}" for name, value in told.items())
            found.append(f"account {account}: {said}")
        if seen.after["settled"] != sql.settled.get(account, Decimal(0)):
            found.append(f"account {account}: Redis and SQL disagree on what is settled")
        if seen.after["held"]:
            found.append(f"account {account}: {seen.after['held']} is still held")
    return found


def prove(
    pbx: Mapping[str, CallFacts],
    sql: SqlView,
    api: Mapping[str, CallFacts],
    balances: Mapping[str, Balances],
    apart_ms: int = 0,
) -> Proof:
    """Compare the three views call by call and account by account.

    Instants of the PBX's own log may lie `apart_ms` from those it reported.
    """
    differences = differing({"the PBX": pbx, "SQL": sql.calls, "the API": api}, apart_ms)
    if sql.cdrs != len(pbx):
        differences.append(f"{len(pbx)} calls, but {sql.cdrs} CDRs")
    differences += money_differing(balances, sql, expected_fees(pbx.values()))
    return Proof(
        calls=len(pbx),
        answered=sum(facts.billsec > 0 for facts in pbx.values()),
        cdrs=sql.cdrs,
        charged=sql.charged,
        ledger_total=sum(sql.ledger.values(), Decimal(0)),
        balance_before=sum((seen.before["settled"] for seen in balances.values()), Decimal(0)),
        balance_after=sum((seen.after["settled"] for seen in balances.values()), Decimal(0)),
        differences=tuple(differences),
    )
