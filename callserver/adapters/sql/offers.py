"""Features, plans and minimums together: read for files, and written with an import."""

from datetime import date
from itertools import groupby

from sqlalchemy import Connection, select

from callserver.adapters.sql import feature_catalogue, plan_catalogue
from callserver.adapters.sql.minimums import latest, put_minimums
from callserver.adapters.sql.schema_features import feature
from callserver.adapters.sql.schema_months import minimum_version
from callserver.adapters.sql.schema_plans import plan
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined
from callserver.domain.features import FeatureVersion
from callserver.domain.import_set import ImportChanges, RowDeclined
from callserver.domain.number import is_did
from callserver.domain.offers import Offers
from callserver.domain.plans import PlanVersion


def load(connection: Connection) -> Offers:
    """Everything, from one snapshot."""
    numbers = connection.execute(
        select(minimum_version.c.did).distinct().order_by(minimum_version.c.did)
    ).scalars()
    minimums = latest(connection, list(numbers))
    return Offers(
        {
            name: tuple(versions)
            for name, versions in groupby(
                feature_catalogue.versions(connection), key=lambda each: each.feature
            )
        },
        {
            name: tuple(versions)
            for name, versions in groupby(
                plan_catalogue.versions(connection), key=lambda each: each.plan
            )
        },
        {did: minimums[did] for did in sorted(minimums)},
    )


def write(connection: Connection, changes: ImportChanges, actor: str, now_ms: int) -> None:
    """Add the versions and grant the minimums. Raises RowDeclined."""
    today = shanghai_day(now_ms)
    if changes.features:
        known = set(connection.execute(select(feature.c.id)).scalars())
        for fee in changes.features:
            _add_feature(connection, fee, _since(fee.feature in known, today), actor, now_ms)
    if changes.plans:
        known = set(connection.execute(select(plan.c.id)).scalars())
        for terms in changes.plans:
            _add_plan(connection, terms, _since(terms.plan in known, today), actor, now_ms)
    if changes.minimums:
        try:
            put_minimums(connection, changes.minimums, actor, now_ms)
        except Declined as declined:
            did = declined.detail.partition(":")[0]
            key = did if is_did(did) else ""
            raise RowDeclined("minimums", key, declined.detail) from declined


def _since(known: bool, today: date) -> date:
    """From when on versions may begin: what is new here may bring its past along."""
    return today if known else date.min


def _add_feature(
    connection: Connection, wanted: FeatureVersion, since: date, actor: str, now_ms: int
) -> None:
    try:
        feature_catalogue.add_version(connection, wanted, since, actor, now_ms)
    except Declined as declined:
        raise RowDeclined("features", wanted.feature, declined.detail) from declined


def _add_plan(
    connection: Connection, wanted: PlanVersion, since: date, actor: str, now_ms: int
) -> None:
    try:
        plan_catalogue.add_version(connection, wanted, since, actor, now_ms)
    except Declined as declined:
        raise RowDeclined("plans", wanted.plan, declined.detail) from declined
