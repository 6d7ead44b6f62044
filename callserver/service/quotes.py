"""What a call would cost: the same answer on the command line and in the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from callserver.domain.billing_month import FIRST_YEAR, LAST_YEAR, shanghai
from callserver.domain.business import Catalogue, Customer, Did
from callserver.domain.call_tariff import CallTariff
from callserver.domain.caller import Caller, normalise
from callserver.domain.declined import Declined, Reason
from callserver.domain.holidays import Holiday, HolidayCalendar
from callserver.domain.money import money_json, yuan_text
from callserver.domain.number import is_area_code, is_destination
from callserver.domain.rating import Charged, RatedFee, explain
from callserver.domain.region import RegionTable
from callserver.domain.routing import tariff_of, version_at
from callserver.domain.tariff import TariffVersion

SECONDS_MAX = 31_536_000


class BadEnquiry(ValueError):
    """A part of an enquiry cannot be used: which, and how to write it."""

    def __init__(self, part: str, what: str) -> None:
        super().__init__(f"{part}: {what}")
        self.part = part
        self.what = what


@dataclass(frozen=True, slots=True)
class Enquiry:
    """A call that somebody thinks of: `at_ms` (UTC) is the answer, `seconds` are answered ones.

    `minutes` are the included ones that are left; `area_code` is that of a caller without one.
    """

    seconds: int
    at_ms: int
    caller: str = ""
    destination: str = ""
    area_code: str = ""
    minutes: int = 0

    def __post_init__(self) -> None:
        """Raises BadEnquiry."""
        if not 0 <= self.seconds <= SECONDS_MAX:
            raise BadEnquiry("seconds", f"at most {SECONDS_MAX}, a year")
        if self.minutes < 0:
            raise BadEnquiry("included-minutes", "at least 0")
        if self.area_code and not is_area_code(self.area_code):
            raise BadEnquiry(
                "area-code", f"{self.area_code!r} is not an area code, such as 010 or 0571"
            )
        if self.dialled and not is_destination(self.dialled):
            raise BadEnquiry(
                "to", f"{self.destination!r} can't be dialled: 3 to 20 digits, perhaps after a +"
            )

    @property
    def dialled(self) -> str:
        """The destination without what people write between digits."""
        return self.destination.replace(" ", "").replace("-", "")


@dataclass(frozen=True, slots=True)
class Terms:
    """What prices the call. `precision_micros` is the account's, `cost` the provider's tariff.

    `line` is rung where the enquiry names no destination.
    """

    version: TariffVersion
    holidays: Mapping[date, Holiday] = field(default_factory=dict)
    precision_micros: int | None = None
    cost: TariffVersion | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price with its arithmetic; `cost_micros` None where the cost is unknown."""

    tariff: CallTariff
    fee: RatedFee
    cost_micros: int | None = None


def terms_of_number(catalogue: Catalogue, number: str, at_ms: int) -> Terms:
    """What prices calls to a 400 number, in whatever state it is. Raises Declined."""
    did = catalogue.dids.get(number)
    if did is None:
        raise Declined(Reason.NUMBER_UNKNOWN, f"There is no number {number} in the books.")
    customer = catalogue.customers[did.customer]
    line = next((each.number for each in did.destinations if is_destination(each.number)), "")
    return replace(_terms(catalogue, did, customer, at_ms), line=line)


def terms_of_customer(catalogue: Catalogue, name: str, at_ms: int) -> Terms:
    """What prices a customer's calls to numbers without a tariff of their own. Raises Declined."""
    customer = catalogue.customers.get(name)
    if customer is None:
        raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {name!r}.")
    return _terms(catalogue, None, customer, at_ms)


def terms_of_tariff(catalogue: Catalogue, name: str, at_ms: int) -> Terms:
    """A tariff by its name. Raises Declined."""
    if name not in catalogue.tariffs:
        raise Declined(Reason.TARIFF_UNKNOWN, f"There is no tariff {name!r}.")
    return Terms(_version(catalogue, name, at_ms), catalogue.holidays)


def _terms(catalogue: Catalogue, did: Did | None, customer: Customer, at_ms: int) -> Terms:
    named = tariff_of(catalogue, did, customer)
    if named is None:
        raise Declined(
            Reason.NO_TARIFF, "Neither the number, its customer nor a provider above has a tariff."
        )
    provider = catalogue.providers.get(customer.provider)
    cost = None if provider is None else provider.cost_tariff
    return Terms(
        _version(catalogue, named[0], at_ms),
        catalogue.holidays,
        customer.precision_micros,
        None if cost is None else version_at(catalogue.tariffs.get(cost, ()), at_ms),
    )


def _version(catalogue: Catalogue, name: str, at_ms: int) -> TariffVersion:
    version = version_at(catalogue.tariffs.get(name, ()), at_ms)
    if version is None:
        raise Declined(Reason.NO_TARIFF, f"Tariff {name!r} has no version in effect at that time.")
    return version


class Quotes:
    """Prices calls that are not made. What is slow to read is read when a band asks for it."""

    def __init__(
        self, regions: Callable[[], RegionTable], calendar: Callable[[], HolidayCalendar]
    ) -> None:
        self._load_regions = regions
        self._load_calendar = calendar

    @cached_property
    def _regions(self) -> RegionTable:
        return self._load_regions()

    @cached_property
    def _calendar(self) -> HolidayCalendar:
        return self._load_calendar()

    def price(self, terms: Terms, enquiry: Enquiry) -> Quote:
        """The price and its arithmetic. Raises BadEnquiry.

        A year's worth of bands takes a while: not for the event loop.
        """
        tariff = self._for_call(terms, terms.version, enquiry, terms.precision_micros)
        destination = enquiry.dialled or terms.line
        at_ms, seconds = enquiry.at_ms, enquiry.seconds
        fee = explain(tariff, destination, at_ms, seconds, enquiry.minutes)
        if terms.cost is None:
            return Quote(tariff, fee)
        cost = self._for_call(terms, terms.cost, enquiry, None)
        return Quote(tariff, fee, explain(cost, destination, at_ms, seconds).amount_micros)

    def _for_call(
        self, terms: Terms, version: TariffVersion, enquiry: Enquiry, precision_micros: int | None
    ) -> CallTariff:
        calendar = HolidayCalendar()
        if version.bands:
            _check_year(enquiry.at_ms)
            calendar = self._calendar.overridden(terms.holidays)
        caller = self._caller(version, enquiry)
        return CallTariff.snapshot(
            version, caller, enquiry.at_ms, enquiry.seconds, calendar, precision_micros
        )

    def _caller(self, version: TariffVersion, enquiry: Enquiry) -> Caller:
        needed = version.bands and enquiry.caller
        regions = self._regions if needed else RegionTable.empty()
        return normalise(enquiry.caller, enquiry.area_code or None, regions)


def _check_year(at_ms: int) -> None:
    """Bands need days that a calendar can have."""
    try:
        year = shanghai(at_ms).year
    except OverflowError:
        year = 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise BadEnquiry("at", f"between {FIRST_YEAR} and {LAST_YEAR}")


def quote_json(quote: Quote, *, named: bool = True, with_cost: bool = False) -> dict[str, Any]:
    """The answer for programs; `named`: the tariff is one with a name. Cost only where asked."""
    tariff, fee, cost = quote.tariff, quote.fee, quote.cost_micros
    shown: dict[str, Any] = {
        "amount": yuan_text(fee.amount_micros),
        "currency": "CNY",
        "billed_seconds": fee.billed_s,
        "included_minutes_used": fee.minutes_used,
        "tariff": tariff.tariff if named else None,
        "version": tariff.version if named else None,
        "segments": [_segment(each) for each in fee.charged],
        "lines": fee.lines,
    }
    if with_cost:
        shown["cost"] = None if cost is None else money_json(cost)
        shown["margin"] = None if cost is None else money_json(fee.amount_micros - cost)
    return shown


def _segment(charged: Charged) -> dict[str, Any]:
    """Billed seconds at one rate; `band` null where the tariff's own rate held."""
    band = charged.band
    return {
        "from_second": charged.from_s,
        "to_second": charged.to_s,
        "paid_seconds": charged.paid_s,
        "rate": yuan_text(charged.rate_micros),
        "band": None if band is None else {"number": band.number, "name": band.name or None},
    }
