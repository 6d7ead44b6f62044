"""What a finished call costs by another tariff, and why some are left alone."""

from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.call_tariff import CallTariff
from callserver.domain.caller import Caller
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.rating import explain
from callserver.domain.tariff import TariffVersion


class RerateOutcome(StrEnum):
    """What became, or would become, of a call."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CORRECTED_BEFORE = "corrected_before"
    """By this very version; once is enough."""
    BELOW_LIMIT = "below_limit"
    """It would take the account below its limit, and that was not forced."""
    MONTH_CLOSING = "month_closing"
    """Its month is being closed: part of it is fixed, part is not. Once it is closed, it can be."""
    NOT_ANSWERED = "not_answered"
    NO_ACCOUNT = "no_account"
    CALLER_DELETED = "caller_deleted"
    """The tariff asks who called, and that was deleted on schedule."""
    NO_VERSION = "no_version"
    """The tariff had no version yet when the call came in."""


@dataclass(frozen=True, slots=True)
class FinishedCall:
    """A CDR as far as its price goes, and what it costs now, earlier corrections included."""

    call_id: str
    token_hash: str
    customer: str | None
    account: str | None
    did: str
    caller: Caller
    caller_known: bool
    destination: str
    arrived_ms: int
    answered_ms: int
    ended_ms: int
    billsec: int
    tariff: str | None
    tariff_version: int | None
    written_off_micros: int
    charged_micros: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Correction:
    """What a call is to cost instead; `micros` are what is charged, `minutes` what it uses."""

    call_id: str
    token_hash: str
    account: str
    ended_ms: int
    tariff: str
    tariff_version: int
    before_micros: int
    after_micros: int
    before_minutes: int
    after_minutes: int
    fee_lines: tuple[str, ...]

    @property
    def operation_id(self) -> str:
        """One for each call and version of a tariff."""
        return f"rerate:{self.call_id}:{self.tariff}:{self.tariff_version}"

    @property
    def difference_micros(self) -> int:
        """What the account gets back; negative where the call becomes dearer."""
        return self.before_micros - self.after_micros

    @property
    def difference_minutes(self) -> int:
        """Included minutes that come back."""
        return self.before_minutes - self.after_minutes


@dataclass(frozen=True, slots=True)
class PostedCorrection:
    """A correction as it was posted: the CDR's own money stays as it is."""

    id: int
    correction: Correction
    actor: str
    reason: str
    created_ms: int


def rerate(
    call: FinishedCall,
    version: TariffVersion | None,
    calendar: HolidayCalendar,
    precision_micros: int | None = None,
) -> Correction | RerateOutcome:
    """Rate the call anew by a version of a tariff. Pure.

    Included minutes that the call used cover it again, as many as it needs; it takes no others.
    What was written off stays written off. `precision_micros` is the account's.
    """
    if not call.answered_ms or not call.billsec:
        return RerateOutcome.NOT_ANSWERED
    if call.account is None:
        return RerateOutcome.NO_ACCOUNT
    if version is None:
        return RerateOutcome.NO_VERSION
    if not call.caller_known and asks_who_called(version):
        return RerateOutcome.CALLER_DELETED
    upto_s = call.billsec + version.initial_increment_s + version.increment_s
    terms = CallTariff.snapshot(
        version, call.caller, call.arrived_ms, upto_s, calendar, precision_micros
    )
    fee = explain(terms, call.destination, call.answered_ms, call.billsec, call.minutes)
    after = min(
        fee.amount_micros, max(call.charged_micros, fee.amount_micros - call.written_off_micros)
    )
    if (after, fee.minutes_used) == (call.charged_micros, call.minutes):
        return RerateOutcome.UNCHANGED
    return Correction(
        call_id=call.call_id,
        token_hash=call.token_hash,
        account=call.account,
        ended_ms=call.ended_ms,
        tariff=version.tariff,
        tariff_version=version.version,
        before_micros=call.charged_micros,
        after_micros=after,
        before_minutes=call.minutes,
        after_minutes=fee.minutes_used,
        fee_lines=fee.lines,
    )


def asks_who_called(version: TariffVersion) -> bool:
    """Whether a band of this version is for some callers only."""
    return any(
        band.provinces or band.area_codes or band.caller_kinds or band.caller_prefixes
        for band in version.bands
    )
