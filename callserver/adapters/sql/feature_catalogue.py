"""The catalogue of features: versions are added, never changed."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_features import feature, feature_version
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import FeatureVersion, version_on
from callserver.domain.near_word import did_you_mean
from callserver.domain.periods import Cycle


def add_version(
    connection: Connection, wanted: FeatureVersion, today: date, actor: str, now_ms: int
) -> FeatureVersion:
    """Add a feature, or a new fee of one; `version` is given here. The same again: the first.

    Raises Declined: version_exists (another fee from that day), version_backdated (a later version
    may not begin before today), feature_cycle_fixed.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"id": wanted.feature, "name": wanted.name, "cycle": wanted.cycle.value}
    connection.execute(dialect.insert(feature).values(row).on_conflict_do_nothing())
    # Whoever adds a version of this feature at the same time waits here.
    kept = connection.execute(
        select(feature.c.cycle).where(feature.c.id == wanted.feature).with_for_update()
    ).scalar_one()
    if kept != wanted.cycle.value:
        raise Declined(
            Reason.FEATURE_CYCLE_FIXED,
            f"Feature {wanted.feature!r} is paid per {kept}; make a new feature for another cycle.",
        )
    known = versions(connection, wanted.feature)
    for version in known:
        if version.effective_from == wanted.effective_from:
            return _same(version, wanted)
    if known and wanted.effective_from < today:
        raise Declined(
            Reason.VERSION_BACKDATED, "A new fee begins today or later: what was paid stays paid."
        )
    number = connection.execute(
        select(func.coalesce(func.max(feature_version.c.version), 0) + 1).where(
            feature_version.c.feature == wanted.feature
        )
    ).scalar_one()
    connection.execute(
        insert(feature_version).values(
            feature=wanted.feature,
            version=number,
            effective_from=wanted.effective_from.isoformat(),
            fee_micros=wanted.fee_micros,
            actor=actor,
            created_ms=now_ms,
        )
    )
    return version_of(connection, wanted.feature, number)


def _same(version: FeatureVersion, wanted: FeatureVersion) -> FeatureVersion:
    if version.fee_micros != wanted.fee_micros:
        raise Declined(
            Reason.VERSION_EXISTS,
            f"{version.feature!r} has another fee from {version.effective_from} on already; "
            "choose another day.",
        )
    return version


def versions(connection: Connection, name: str | None = None) -> list[FeatureVersion]:
    """Versions in order of feature and day; None: of every feature."""
    query = (
        select(
            feature.c.id,
            feature.c.name,
            feature.c.cycle,
            feature_version.c.version,
            feature_version.c.effective_from,
            feature_version.c.fee_micros,
        )
        .join(feature_version, feature_version.c.feature == feature.c.id)
        .order_by(feature.c.id, feature_version.c.effective_from)
    )
    if name is not None:
        query = query.where(feature.c.id == name)
    return [_version(row) for row in connection.execute(query)]


def version_of(connection: Connection, name: str, number: int) -> FeatureVersion:
    """One version, which exists."""
    return next(each for each in versions(connection, name) if each.version == number)


def in_force(connection: Connection, name: str, day: date) -> FeatureVersion:
    """The version of a day. Raises Declined (feature_unknown)."""
    known = versions(connection, name)
    found = version_on(known, day)
    if found is None:
        raise Declined(Reason.FEATURE_UNKNOWN, _not_on_offer(connection, name, day, known))
    return found


def _not_on_offer(
    connection: Connection, name: str, day: date, known: Sequence[FeatureVersion]
) -> str:
    if known:
        begins = min(version.effective_from for version in known)
        return f"There is no feature {name!r} on {day}: it is on offer from {begins} on."
    on_offer = {each.feature for each in versions(connection) if each.effective_from <= day}
    return f"There is no feature {name!r} on {day}{did_you_mean(name, sorted(on_offer)) or '.'}"


def _version(row: AnyRow) -> FeatureVersion:
    id_, name, cycle, version, effective_from, fee_micros = row
    return FeatureVersion(
        id_, name, Cycle(cycle), version, date.fromisoformat(effective_from), fee_micros
    )
