"""The catalogue of plans: versions are added, never changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.schema import AnyRow, tariff
from callserver.adapters.sql.schema_plans import plan, plan_version
from callserver.domain.declined import Declined, Reason
from callserver.domain.near_word import did_you_mean
from callserver.domain.plans import PlanVersion, Rhythm, version_on


def add_version(
    connection: Connection, wanted: PlanVersion, today: date, actor: str, now_ms: int
) -> PlanVersion:
    """Add a plan, or new terms of one; `version` is given here. The same again: the first.

    Raises Declined: tariff_unknown, version_exists (other terms from that day), version_backdated
    (a later version may not begin before today).
    """
    if wanted.tariff is not None and not _has_tariff(connection, wanted.tariff):
        raise Declined(Reason.TARIFF_UNKNOWN, f"There is no tariff {wanted.tariff!r}.")
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"id": wanted.plan, "name": wanted.name}
    connection.execute(dialect.insert(plan).values(row).on_conflict_do_nothing())
    connection.execute(  # whoever adds a version of this plan at the same time waits here
        select(plan.c.id).where(plan.c.id == wanted.plan).with_for_update(key_share=True)
    )
    known = versions(connection, wanted.plan)
    for version in known:
        if version.effective_from == wanted.effective_from:
            return _same(version, wanted)
    if known and wanted.effective_from < today:
        raise Declined(
            Reason.VERSION_BACKDATED, "New terms begin today or later: what runs keeps its own."
        )
    added = replace(wanted, version=len(known) + 1)
    connection.execute(
        insert(plan_version).values(
            plan=added.plan,
            version=added.version,
            effective_from=added.effective_from.isoformat(),
            annual_fee_micros=added.annual_fee_micros,
            credit_micros=added.credit_micros,
            minutes=added.minutes,
            rhythm=added.rhythm.value,
            tariff=added.tariff,
            actor=actor,
            created_ms=now_ms,
        )
    )
    return one(connection, added.plan, added.version)


def _has_tariff(connection: Connection, name: str) -> bool:
    query = select(tariff.c.id).where(tariff.c.id == name)
    return connection.execute(query).scalar_one_or_none() is not None


def _same(version: PlanVersion, wanted: PlanVersion) -> PlanVersion:
    if version != replace(wanted, version=version.version, name=version.name):
        raise Declined(
            Reason.VERSION_EXISTS,
            f"{version.plan!r} has other terms from {version.effective_from} on already; "
            "choose another day.",
        )
    return version


def versions(connection: Connection, name: str | None = None) -> list[PlanVersion]:
    """Versions in order of plan and day; None: of every plan."""
    query = (
        select(plan.c.name, *plan_version.c)
        .join(plan_version, plan_version.c.plan == plan.c.id)
        .order_by(plan.c.id, plan_version.c.effective_from)
    )
    if name is not None:
        query = query.where(plan.c.id == name)
    return [_version(row) for row in connection.execute(query)]


def one(connection: Connection, name: str, number: int) -> PlanVersion:
    """One version, which exists."""
    return next(each for each in versions(connection, name) if each.version == number)


def in_force(connection: Connection, name: str, day: date) -> PlanVersion:
    """The version of a day. Raises Declined (plan_unknown)."""
    known = versions(connection, name)
    found = version_on(known, day)
    if found is None:
        raise Declined(Reason.PLAN_UNKNOWN, _not_on_offer(connection, name, day, known))
    return found


def _not_on_offer(
    connection: Connection, name: str, day: date, known: Sequence[PlanVersion]
) -> str:
    if known:
        begins = min(version.effective_from for version in known)
        return f"There is no plan {name!r} on {day}: it is on offer from {begins} on."
    on_offer = {each.plan for each in versions(connection) if each.effective_from <= day}
    return f"There is no plan {name!r} on {day}{did_you_mean(name, sorted(on_offer)) or '.'}"


def _version(row: AnyRow) -> PlanVersion:
    return PlanVersion(
        plan=row.plan,
        name=row.name,
        version=row.version,
        effective_from=date.fromisoformat(row.effective_from),
        annual_fee_micros=row.annual_fee_micros,
        credit_micros=row.credit_micros,
        minutes=row.minutes,
        rhythm=Rhythm(row.rhythm),
        tariff=row.tariff,
    )
