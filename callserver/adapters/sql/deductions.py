"""[R2] Deductions: each beside the ledger entry that took the money, in one transaction."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, insert, select

from callserver.adapters.sql.ledger import post, post_covered
from callserver.adapters.sql.schema import AnyRow, ledger_entry
from callserver.adapters.sql.schema_features import deduction, deduction_note
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import (
    Activation,
    Deduction,
    DisputeNote,
    DisputeStep,
    FeatureVersion,
)
from callserver.domain.ledger import (
    Entry,
    EntryKind,
    NotCovered,
    OperationReused,
    provider_account,
)
from callserver.domain.money import short_yuan
from callserver.domain.periods import Period
from callserver.ports.features import DeductionQuery


def deduct(
    connection: Connection,
    activation: Activation,
    version: FeatureVersion,
    period: Period,
    actor: str,
    now_ms: int,
) -> Deduction | None:
    """Take a period's fee from the activation's provider; None where it costs nothing.

    Raises Declined (not_covered) before anything is written.
    """
    if not version.fee_micros:
        return None
    account = provider_account(activation.provider)
    told = f"feature {activation.feature} of {activation.did}, from {period.first_day}"
    try:
        entry = post_covered(
            connection,
            Entry(
                id=0,
                account=account,
                kind=EntryKind.FEATURE_FEE,
                amount_micros=-version.fee_micros,
                seq=None,
                operation_id=f"feature:{activation.id}:{period.number}",
                call_id=None,
                actor=actor,
                reason=told,
                created_ms=now_ms,
            ),
        )
    except NotCovered as short:
        raise Declined(
            Reason.NOT_COVERED,
            f"{_named(version)} costs {short_yuan(version.fee_micros)} yuan and "
            f"{account} has {short_yuan(short.available_micros)}; top it up and try again.",
        ) from short
    row = {
        "activation": activation.id,
        "provider": activation.provider,
        "customer": activation.customer,
        "did": activation.did,
        "feature": activation.feature,
        "version": version.version,
        "fee_micros": version.fee_micros,
        "day": shanghai_day(now_ms).isoformat(),
        "period": period.number,
        "period_from": period.first_day.isoformat(),
        "period_to": period.last_day.isoformat() if period.last_day else None,
        "entry": entry.id,
        "reverses": None,
        "actor": actor,
        "created_ms": now_ms,
    }
    return _written(connection, row)


def _named(version: FeatureVersion) -> str:
    """Name and id, once where they are the same."""
    same = version.name == version.feature
    return repr(version.feature) if same else f"{version.name} ({version.feature})"


def give_back(
    connection: Connection, activation: Activation, period: int, actor: str, now_ms: int
) -> Deduction | None:
    """Reverse a period's deduction by new rows, once; None where nothing was deducted."""
    first = connection.execute(
        select(*deduction.c).where(
            deduction.c.activation == activation.id,
            deduction.c.period == period,
            deduction.c.reverses.is_(None),
        )
    ).one_or_none()
    if first is None:
        return None
    entry_id, posted_ms = _taken_back(connection, first, actor, now_ms)
    row = {
        **{key: value for key, value in first._mapping.items() if key != "id"},
        "fee_micros": -first.fee_micros,
        "day": shanghai_day(posted_ms).isoformat(),
        "entry": entry_id,
        "reverses": first.id,
        "actor": actor,
        "created_ms": now_ms,
    }
    return _written(connection, row)


def _taken_back(connection: Connection, first: AnyRow, actor: str, now_ms: int) -> tuple[int, int]:
    """The entry that reverses the deduction's, and when it was posted: now, or by hand before."""
    by_hand = select(ledger_entry.c.id, ledger_entry.c.created_ms).where(
        ledger_entry.c.reverses == first.entry
    )
    found = connection.execute(by_hand).one_or_none()
    if found is not None:
        return found.id, found.created_ms
    entry = post(
        connection,
        Entry(
            id=0,
            account=provider_account(first.provider),
            kind=EntryKind.REVERSAL,
            amount_micros=first.fee_micros,
            seq=None,
            operation_id=f"feature:{first.activation}:{first.period}:reversal",
            call_id=None,
            actor=actor,
            reason=f"feature {first.feature} of {first.did} failed",
            created_ms=now_ms,
            reverses=first.entry,
        ),
    )
    return entry.id, entry.created_ms


def _written(connection: Connection, row: dict[str, object]) -> Deduction:
    return _deduction(
        connection.execute(insert(deduction).values(row).returning(*deduction.c)).one()
    )


def one(connection: Connection, deduction_id: int) -> Deduction:
    """A deduction. Raises Declined (deduction_unknown)."""
    row = connection.execute(
        select(*deduction.c).where(deduction.c.id == deduction_id)
    ).one_or_none()
    if row is None:
        raise Declined(Reason.DEDUCTION_UNKNOWN, f"There is no deduction {deduction_id}.")
    [found] = _with_disputes(connection, [row])
    return found


def page(connection: Connection, query: DeductionQuery) -> list[Deduction]:
    """The newest first, at most `query.limit`."""
    wanted = select(*deduction.c).order_by(deduction.c.id.desc()).limit(query.limit)
    for column, value in (
        (deduction.c.did, query.did),
        (deduction.c.customer, query.customer),
        (deduction.c.activation, query.activation),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.providers is not None:
        wanted = wanted.where(deduction.c.provider.in_(sorted(query.providers)))
    if query.from_day is not None:
        wanted = wanted.where(deduction.c.day >= query.from_day.isoformat())
    if query.to_day is not None:
        wanted = wanted.where(deduction.c.day <= query.to_day.isoformat())
    if query.before_id is not None:
        wanted = wanted.where(deduction.c.id < query.before_id)
    return _with_disputes(connection, connection.execute(wanted).all())


def _with_disputes(connection: Connection, rows: Sequence[AnyRow]) -> list[Deduction]:
    ids = [row.id for row in rows]
    steps = connection.execute(
        select(deduction_note.c.deduction, deduction_note.c.step)
        .where(deduction_note.c.deduction.in_(ids))
        .order_by(deduction_note.c.id)
    )
    states: dict[int, str] = {}
    for deduction_id, step in steps:
        if step != DisputeStep.NOTED:
            states[deduction_id] = "open" if step == DisputeStep.OPENED else "resolved"
    return [_deduction(row, states.get(row.id)) for row in rows]


def note(
    connection: Connection,
    deduction_id: int,
    text: str,
    operation_id: str,
    actor: str,
    now_ms: int,
    *,
    resolves: bool,
) -> DisputeNote:
    """Write into a deduction's dispute: its first note opens it, later ones are added.

    The same operation: the first note. Raises Declined (deduction_unknown, dispute_not_open when
    there is nothing to resolve) and OperationReused.
    """
    again = connection.execute(
        select(*deduction_note.c).where(deduction_note.c.operation_id == operation_id)
    ).one_or_none()
    if again is not None:
        if (again.deduction, again.text) != (deduction_id, text):
            raise OperationReused(operation_id)
        return _note(again)
    found = connection.execute(  # notes on one deduction take turns
        select(deduction.c.id).where(deduction.c.id == deduction_id).with_for_update()
    ).one_or_none()
    is_open = found is not None and one(connection, deduction_id).dispute == "open"
    if found is None:
        raise Declined(Reason.DEDUCTION_UNKNOWN, f"There is no deduction {deduction_id}.")
    if resolves and not is_open:
        raise Declined(Reason.DISPUTE_NOT_OPEN, f"Deduction {deduction_id} is not disputed.")
    step = DisputeStep.NOTED if is_open else DisputeStep.OPENED
    row = {
        "deduction": deduction_id,
        "step": (DisputeStep.RESOLVED if resolves else step).value,
        "text": text,
        "actor": actor,
        "operation_id": operation_id,
        "created_ms": now_ms,
    }
    statement = insert(deduction_note).values(row).returning(*deduction_note.c)
    return _note(connection.execute(statement).one())


def notes(connection: Connection, deduction_id: int) -> list[DisputeNote]:
    """A dispute's history, oldest first. Raises Declined (deduction_unknown)."""
    one(connection, deduction_id)
    query = (
        select(*deduction_note.c)
        .where(deduction_note.c.deduction == deduction_id)
        .order_by(deduction_note.c.id)
    )
    return [_note(row) for row in connection.execute(query)]


def _note(row: AnyRow) -> DisputeNote:
    return DisputeNote(
        row.id, row.deduction, DisputeStep(row.step), row.text, row.actor, row.created_ms
    )


def _deduction(row: AnyRow, dispute: str | None = None) -> Deduction:
    told = dict(row._mapping)
    for name in ("day", "period_from"):
        told[name] = date.fromisoformat(told[name])
    told["period_to"] = date.fromisoformat(row.period_to) if row.period_to else None
    return Deduction(**told, dispute=dispute)
