"""Builds the office: the services in no call's path, and the work they do in the background."""

from collections.abc import Coroutine, Iterator
from typing import Any

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.features import SqlFeatures
from callserver.adapters.sql.idempotency import SqlKeys
from callserver.adapters.sql.retention import SqlRetention
from callserver.config import Config
from callserver.service.features import FeaturePolicy, Features
from callserver.service.office import Office
from callserver.service.retention import Retention, RetentionPolicy


def build_office(books: SqlBooks, config: Config) -> Office:
    """Every service of the office over one set of books; nothing is connected or started."""
    return Office(
        keys=SqlKeys(books.database, books.clock),
        retention=Retention(
            SqlRetention(books.database, books.clock),
            books.clock,
            RetentionPolicy(
                config.retention.caller_months,
                config.retention.batch,
                look_s=config.retention.look_s,
            ),
        ),
        features=Features(
            SqlFeatures(books.database, books.clock),
            books.clock,
            FeaturePolicy(config.features.retry_days, config.features.look_s),
        ),
    )


def background_work(office: Office) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
    """What a running server does besides: (name, work for ever)."""
    yield "features", office.features.run()
    yield "retention", office.retention.run()
