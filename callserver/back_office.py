"""Builds the office: the services in no call's path, and the work they do in the background."""

from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

from callserver.adapters.sealing import KeyFileSealer
from callserver.adapters.sql.arrears import SqlArrears
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.features import SqlFeatures
from callserver.adapters.sql.idempotency import SqlKeys
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.adapters.sql.minimums import SqlMinimums
from callserver.adapters.sql.months import SqlMonths
from callserver.adapters.sql.numbers import SqlNumbers
from callserver.adapters.sql.openings import SqlOpenings
from callserver.adapters.sql.plans import SqlPlans
from callserver.adapters.sql.providers import SqlProviders
from callserver.adapters.sql.rerating import SqlRerating
from callserver.adapters.sql.retention import SqlRetention
from callserver.config import Config
from callserver.domain.lifecycle import Periods
from callserver.domain.money import parse_yuan
from callserver.ports import MeterStore, Pbx
from callserver.service.account_watch import AccountWatch
from callserver.service.arrears import Arrears
from callserver.service.bills import Bills
from callserver.service.features import FeaturePolicy, Features
from callserver.service.ledger import Ledger
from callserver.service.ledger_drift import LedgerDrift
from callserver.service.minimums import Minimums
from callserver.service.months import Months
from callserver.service.numbers import NumberPolicy, Numbers
from callserver.service.office import Office
from callserver.service.openings import Openings
from callserver.service.plans import PlanPolicy, Plans
from callserver.service.providers import Providers
from callserver.service.rerating import Rerating
from callserver.service.retention import Retention, RetentionPolicy
from callserver.service.sudden_fees import SuddenFees
from callserver.service.violations import Violations
from callserver.start_files import load_calendar

HOUR_MS = 3_600_000


def build_office(books: SqlBooks, config: Config) -> Office:
    """Every service of the office over one set of books; nothing is connected or started."""
    months, settings = SqlMonths(books.database, books.clock), config.months
    numbers, features, plans = (
        _numbers(books, config),
        _features(books, config),
        _plans(books, config),
    )
    return Office(
        minimums=Minimums(
            SqlMinimums(books.database, books.clock),
            settings.look_s,
            follows_rate=settings.minimum_follows_rate,
        ),
        months=Months(months, books.clock, settings.sudden_fee_factor),
        bills=Bills(months, books.clock),
        sudden_fees=SuddenFees(months, books.clock, settings.sudden_fee_factor, settings.look_s),
        keys=SqlKeys(books.database, books.clock),
        ledger=Ledger(SqlLedger(books.database, books.clock)),
        account_watch=AccountWatch(
            SqlLedger(books.database, books.clock),
            books.clock,
            parse_yuan(config.accounts.low_balance),
        ),
        rerating=Rerating(SqlRerating(books.database, books.clock), books, load_calendar),
        numbers=numbers,
        openings=Openings(SqlOpenings(books.database), numbers, features, plans),
        arrears=Arrears(SqlArrears(books.database, books.clock), config.numbers.arrears_days),
        providers=Providers(SqlProviders(books.database, books.clock), books.clock),
        retention=Retention(
            SqlRetention(books.database, books.clock),
            books.clock,
            RetentionPolicy(
                config.retention.caller_months,
                config.retention.batch,
                look_s=config.retention.look_s,
            ),
        ),
        plans=plans,
        features=features,
    )


def _numbers(books: SqlBooks, config: Config) -> Numbers:
    key_file = config.numbers.key_file or config.server.data / "form.keys"
    return Numbers(
        SqlNumbers(books.database, number_periods(config)),
        KeyFileSealer(key_file),
        books.clock,
        NumberPolicy(config.numbers.classes, config.numbers.retention_h * HOUR_MS),
    )


def _plans(books: SqlBooks, config: Config) -> Plans:
    policy = PlanPolicy(config.plans.retry_days, config.plans.look_s)
    return Plans(SqlPlans(books.database, books.clock), books.clock, policy)


def _features(books: SqlBooks, config: Config) -> Features:
    policy = FeaturePolicy(config.features.retry_days, config.features.look_s)
    return Features(SqlFeatures(books.database, books.clock), books.clock, policy)


def number_periods(config: Config) -> Periods:
    """How long reservations, freezes and locks last."""
    numbers = config.numbers
    return Periods(
        ordinary_ms=numbers.period_h * HOUR_MS,
        special_ms=numbers.special_period_h * HOUR_MS,
        freeze_ms=numbers.freeze_s * 1000,
        lock_ms=numbers.lock_h * HOUR_MS,
        long_prefixes=numbers.long_prefixes,
        arrears_days=numbers.arrears_days,
    )


def ledger_drift(books: SqlBooks, meters: MeterStore) -> LedgerDrift:
    """What compares the live copy of the money with the books."""
    return LedgerDrift(books, SqlLedger(books.database, books.clock), meters, books.clock)


def violations_work(books: SqlBooks, pbxs: Mapping[str, Pbx]) -> Coroutine[Any, Any, None]:
    """Cut calls of numbers suspended for a violation, for ever."""
    return Violations(SqlNumbers(books.database, Periods()), pbxs, books.clock).run()


def background_work(office: Office) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
    """What a running server does besides: (name, work for ever)."""
    yield "numbers", office.numbers.run()
    yield "openings", office.openings.run()
    yield "account_watch", office.account_watch.run()
    yield "sudden_fees", office.sudden_fees.run()
    if office.minimums.follows_rate:
        yield "minimums", office.minimums.run()
    yield "features", office.features.run()
    yield "plans", office.plans.run()
    yield "retention", office.retention.run()
