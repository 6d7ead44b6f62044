"""What the API and the command line show of entries, statements and events."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from callserver.adapters.http.replies import rfc3339
from callserver.domain.account_event import AccountEvent, Threshold
from callserver.domain.csv_text import cell_text
from callserver.domain.ledger import Entry
from callserver.domain.money import money_json, yuan_text
from callserver.domain.statement import Statement

COLUMNS = (
    "row", "id", "at", "kind", "amount", "minutes", "balance", "balance_minutes", "call_id",
    "reverses", "actor", "reason",
)  # fmt: skip


def ledger_entry_shape(entry: Entry, *, with_actor: bool = True) -> dict[str, Any]:
    """One entry."""
    return {
        "id": entry.id,
        "account": entry.account,
        "seq": entry.seq,
        "kind": entry.kind.value,
        "amount": money_json(entry.amount_micros),
        "minutes": entry.minutes,
        "call_id": entry.call_id,
        "reverses": entry.reverses,
        "forced": entry.forced,
        "actor": entry.actor if with_actor else None,
        "reason": entry.reason,
        "created_at": rfc3339(entry.created_ms),
    }


def statement_shape(
    statement: Statement, entries: Iterable[Entry] | None, *, with_actor: bool = True
) -> dict[str, Any]:
    """A statement; `entries` None: they were not asked for."""
    shown = None
    if entries is not None:
        shown = [ledger_entry_shape(entry, with_actor=with_actor) for entry in entries]
    return {
        "account": statement.account,
        "from": rfc3339(statement.from_ms),
        "to": rfc3339(statement.to_ms),
        "opening": _standing(statement.opening_micros, statement.opening_minutes),
        "movements": [
            {
                "kind": each.kind.value,
                "count": each.count,
                "amount": money_json(each.micros),
                "minutes": each.minutes,
            }
            for each in statement.movements
        ],
        "closing": _standing(statement.closing_micros, statement.closing_minutes),
        "entries": shown,
    }


def _standing(micros: int, minutes: int) -> dict[str, Any]:
    return {"amount": money_json(micros), "minutes": minutes}


Row = tuple[object, ...]


class StatementRows:
    """Rows of a CSV file, one after the other: nothing is kept but the balance after the last."""

    def __init__(self, *, with_actor: bool = True) -> None:
        self._with_actor = with_actor
        self._balance: tuple[int, int] | None = None

    def of_entry(self, statement: Statement, entry: Entry) -> Iterator[Row]:
        """Names and opening, if this is the first, and the entry with the balance after it."""
        yield from self._opening(statement)
        assert self._balance is not None, "opened just now"
        micros = self._balance[0] + entry.amount_micros
        minutes = self._balance[1] + entry.minutes
        self._balance = (micros, minutes)
        yield (
            "entry",
            entry.id,
            rfc3339(entry.created_ms),
            entry.kind.value,
            yuan_text(entry.amount_micros),
            entry.minutes,
            yuan_text(micros),
            minutes,
            entry.call_id or "",
            entry.reverses or "",
            cell_text(entry.actor) if self._with_actor else "",
            cell_text(entry.reason),
        )

    def end(self, statement: Statement) -> Iterator[Row]:
        """The closing, after names and opening where there was no entry."""
        yield from self._opening(statement)
        closing = statement.closing_micros, statement.closing_minutes
        yield _edge("closing", statement.to_ms, *closing)

    def _opening(self, statement: Statement) -> Iterator[Row]:
        if self._balance is None:
            self._balance = statement.opening_micros, statement.opening_minutes
            yield COLUMNS
            yield _edge("opening", statement.from_ms, *self._balance)


def _edge(row: str, at_ms: int, micros: int, minutes: int) -> Row:
    return (row, "", rfc3339(at_ms), "", "", "", yuan_text(micros), minutes, "", "", "", "")


def statement_csv(statement: Statement, entries: Iterable[Entry], *, with_actor: bool) -> bytes:
    """The whole file."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    shown = StatementRows(with_actor=with_actor)
    for entry in entries:
        rows.writerows(shown.of_entry(statement, entry))
    rows.writerows(shown.end(statement))
    return file.getvalue().encode()


def account_event_shape(event: AccountEvent) -> dict[str, Any]:
    """An account that ran low."""
    return {
        "id": event.id,
        "account": event.account,
        "event": event.event.value,
        "available": money_json(event.available_micros),
        "threshold": money_json(event.threshold_micros),
        "entry": event.entry,
        "at": rfc3339(event.at_ms),
    }


def threshold_shape(threshold: Threshold) -> dict[str, Any]:
    """Where an account counts as low."""
    return {
        "account": threshold.account,
        "low_balance": money_json(threshold.low_micros),
        "own": threshold.own,
    }
