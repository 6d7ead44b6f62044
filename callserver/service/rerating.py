"""Re-rating: what calls of a period cost by another tariff, and the corrections of them."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from callserver.domain.business import Catalogue
from callserver.domain.declined import Declined, Reason
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.near_word import did_you_mean
from callserver.domain.rerating import (
    Correction,
    FinishedCall,
    PostedCorrection,
    RerateOutcome,
    rerate,
)
from callserver.domain.routing import version_at
from callserver.domain.tariff import TariffVersion
from callserver.ports import ImportBooks
from callserver.ports.rerating import Posting, RerateBook, RerateQuery

log = structlog.get_logger()

PAGE = 500


@dataclass(frozen=True, slots=True)
class Looked:
    """A call that was looked at; `correction` where another price came out."""

    call: FinishedCall
    outcome: RerateOutcome
    correction: Correction | None = None


@dataclass(slots=True)
class RerateSum:
    """All calls together, by outcome; money and minutes of those that changed."""

    counts: Counter[RerateOutcome] = field(default_factory=Counter)
    before_micros: int = 0
    after_micros: int = 0
    before_minutes: int = 0
    after_minutes: int = 0

    def add(self, looked: Looked) -> None:
        """Count one more."""
        self.counts[looked.outcome] += 1
        if looked.correction is not None and looked.outcome is RerateOutcome.CHANGED:
            self.before_micros += looked.correction.before_micros
            self.after_micros += looked.correction.after_micros
            self.before_minutes += looked.correction.before_minutes
            self.after_minutes += looked.correction.after_minutes


class Rerating:
    """Goes through calls a page at a time, whatever their number.

    Raises StoreUnavailable; with a posting also OutcomeUnknown: run it again, nothing is posted
    twice.
    """

    def __init__(
        self, book: RerateBook, books: ImportBooks, calendar: Callable[[], HolidayCalendar]
    ) -> None:
        self._book = book
        self._books = books
        self._calendar = calendar

    async def count(self, query: RerateQuery) -> int:
        """How many calls there are to look at."""
        return await self._book.count_calls(query)

    async def corrections(self, call_ids: Sequence[str]) -> list[PostedCorrection]:
        """What was corrected of these calls, the oldest first."""
        return await self._book.corrections(call_ids)

    async def run(
        self,
        query: RerateQuery,
        tariff: str,
        version: int | None = None,
        posting: Posting | None = None,
    ) -> AsyncIterator[Looked]:
        """Look at each call of the query, in order of their ends; with `posting`, correct it.

        By the version in effect when the call came in, or by `version` for all. Raises Declined
        for a tariff or version that is not there.
        """
        catalogue = await self._books.load_catalogue()
        versions = _versions(catalogue, tariff, version)
        rater = _Rater(catalogue, versions, self._calendar(), fixed=version is not None)
        last: FinishedCall | None = None
        while page := await self._book.calls(query, last, PAGE):
            last = page[-1]
            found = [rater.look(call) for call in page]
            for looked in await self._settled(found, posting):
                yield looked

    async def _settled(self, found: Sequence[Looked], posting: Posting | None) -> list[Looked]:
        """With what was posted before, or is posted now."""
        corrections = [each.correction for each in found if each.correction is not None]
        if not corrections:
            return list(found)
        if posting is None:
            done = await self._book.corrected([each.operation_id for each in corrections])
            outcomes = {
                each.call_id: RerateOutcome.CORRECTED_BEFORE
                for each in corrections
                if each.operation_id in done
            }
        else:
            outcomes = await self._post(corrections, posting)
        return [_with(each, outcomes) for each in found]

    async def _post(
        self, corrections: Sequence[Correction], posting: Posting
    ) -> dict[str, RerateOutcome]:
        outcomes = await self._book.post(corrections, posting)
        posted = [
            each for each in corrections if outcomes.get(each.call_id) is RerateOutcome.CHANGED
        ]
        if posted:
            log.info(
                "rerating.posted",
                calls=len(posted),
                tariff=posted[0].tariff,
                micros=sum(each.difference_micros for each in posted),
            )
        # What another posted in between is no longer what we worked out: it was corrected.
        missing = {each.call_id for each in corrections} - outcomes.keys()
        return outcomes | dict.fromkeys(missing, RerateOutcome.CORRECTED_BEFORE)


def _with(looked: Looked, outcomes: Mapping[str, RerateOutcome]) -> Looked:
    outcome = outcomes.get(looked.call.call_id)
    return looked if outcome is None else Looked(looked.call, outcome, looked.correction)


def _versions(catalogue: Catalogue, tariff: str, version: int | None) -> tuple[TariffVersion, ...]:
    """All versions, or the one asked for. Raises Declined."""
    versions = catalogue.tariffs.get(tariff)
    if not versions:
        near = did_you_mean(tariff, catalogue.tariffs) or ";"
        raise Declined(
            Reason.TARIFF_UNKNOWN,
            f"There is no tariff {tariff!r}{near} `callserver tariffs list` shows all.",
        )
    if version is None:
        return versions
    chosen = tuple(each for each in versions if each.version == version)
    if not chosen:
        raise Declined(Reason.TARIFF_UNKNOWN, f"Tariff {tariff} has no version {version}.")
    return chosen


class _Rater:
    """Rates calls by the business data as it is now."""

    def __init__(
        self,
        catalogue: Catalogue,
        versions: tuple[TariffVersion, ...],
        calendar: HolidayCalendar,
        *,
        fixed: bool,
    ) -> None:
        self._fixed = fixed
        self._catalogue = catalogue
        self._versions = versions
        self._calendar = calendar.overridden(catalogue.holidays)

    def look(self, call: FinishedCall) -> Looked:
        """The call's price by its version."""
        customer = self._catalogue.customers.get(call.customer or "")
        precision = customer.precision_micros if customer else None
        found = rerate(call, self._version(call.arrived_ms), self._calendar, precision)
        if isinstance(found, RerateOutcome):
            return Looked(call, found)
        return Looked(call, RerateOutcome.CHANGED, found)

    def _version(self, at_ms: int) -> TariffVersion | None:
        return self._versions[0] if self._fixed else version_at(self._versions, at_ms)
