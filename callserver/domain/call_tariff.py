"""The terms of one call, fixed at its admission: from them its price table is compiled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, Self

from callserver.domain.band import DAY_S, WEEKDAYS, Band, longest_prefix
from callserver.domain.caller import Caller
from callserver.domain.holidays import DayKind, HolidayCalendar, by_weekday
from callserver.domain.number import dialled
from callserver.domain.price_table import SECONDS_PER_MINUTE, PriceTable, Segment
from callserver.domain.tariff import PRECISION_MICROS_DEFAULT, TariffVersion

RING_S_MAX = 6_000  # 20 lines of 300 s: so long may pass between admission and answer
_DAY_MS = DAY_S * 1000
_SHANGHAI_MS = 8 * 3_600_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LETTERS = {DayKind.WORKDAY: "w", DayKind.WEEKEND: "e", DayKind.HOLIDAY: "h"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class CallBand:
    """A band that the caller of a call fits: what is left of it to look at, and how exactly.

    `number` is its place in the tariff, from 1.
    """

    number: int
    rate_micros: int
    from_s: int | None = None
    to_s: int | None = None
    days: tuple[str, ...] = ()
    destination_prefixes: tuple[str, ...] = ()
    caller_rank: tuple[int, int] = (0, 0)
    name: str = ""


class Span(NamedTuple):
    """From `from_s` after the answer on, increments of `step_s` at one band's rate."""

    from_s: int
    step_s: int
    rate_micros: int
    band: CallBand | None
    """None: no band held, the tariff's own rate."""


class Candidate(NamedTuple):
    """A band that may price a call to one destination."""

    rank: tuple[int, int, int]
    """The length of its destination's prefix, then of its caller's, then of the region."""
    band: CallBand


@dataclass(frozen=True, slots=True)
class CallTariff:
    """A tariff version as it holds for one caller at one time; nothing else is needed to rate.

    Kept as JSON in the call's plan. `day_kinds` are the kinds of the days from `first_day` (an
    ordinal) on that the call may touch, a letter each: w, e, h, capital where only the weekday is
    known. Beyond `upto_s` seconds a call goes on at the rate it has then.
    """

    tariff: str
    version: int
    rate_micros: int
    initial_increment_s: int = 60
    increment_s: int = 60
    connection_fee_micros: int = 0
    minimum_charge_micros: int = 0
    free_s: int = 0
    precision_micros: int = PRECISION_MICROS_DEFAULT
    cap_micros: int | None = None
    bands: tuple[CallBand, ...] = ()
    first_day: int = 0
    day_kinds: str = ""
    upto_s: int = 0

    @classmethod
    def snapshot(
        cls,
        version: TariffVersion,
        caller: Caller,
        at_ms: int,
        upto_s: int,
        calendar: HolidayCalendar,
        precision_micros: int | None = None,
    ) -> "CallTariff":
        """The terms for a caller admitted at `at_ms` (UTC) whose call lasts at most `upto_s`.

        `precision_micros` is the account's, which goes before the tariff's.
        """
        plain = _plain(version, precision_micros)
        bands = tuple(_bands_for(version.bands, caller))
        if not bands:
            return plain
        first = _ordinal(at_ms) - 1  # a band of the day before may reach over midnight
        last = _ordinal(at_ms + (upto_s + RING_S_MAX) * 1000)
        letters = (_letter(calendar, date.fromordinal(day)) for day in range(first, last + 1))
        kinds = "".join(letters)
        return replace(plain, bands=bands, first_day=first, day_kinds=kinds, upto_s=upto_s)

    @classmethod
    def flat(cls, version: TariffVersion) -> "CallTariff":
        """A version's terms without its bands: what holds where none fits."""
        return _plain(version, None)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The inverse of its JSON, also of another version of this program.

        Missing fields get their defaults, unknown ones are ignored. Raises TypeError where one
        without a default is missing.
        """
        known = {name: raw[name] for name in _FIELDS if name in raw}
        known["bands"] = tuple(_band_from_json(each) for each in raw.get("bands", ()))
        return cls(**known)

    def compile(self, destination: str, answered_ms: int) -> PriceTable:
        """The price table of a call to `destination` answered at `answered_ms` (UTC)."""
        if not self.bands:
            return _table(self, "", 0)
        return _table(self, destination, answered_ms)

    def spans(self, destination: str, answered_ms: int) -> tuple[Span, ...]:
        """The rates of a call over its elapsed seconds: each increment's is that of its start."""
        return tuple(_joined(self._walk(dialled(destination), answered_ms)))

    def day_kind(self, ordinal: int) -> tuple[DayKind, bool]:
        """A day's kind, and whether more than its weekday was known of it at admission."""
        at = ordinal - self.first_day
        if not 0 <= at < len(self.day_kinds):
            return by_weekday(date.fromordinal(ordinal)), False
        letter = self.day_kinds[at]
        return _KINDS[letter.lower()], letter.islower()

    def candidates(self, number: str) -> list[Candidate]:
        """The bands that may price a call to a number, those first that go before the others."""
        lengths = ((longest_prefix(band.destination_prefixes, number), band) for band in self.bands)
        found = [
            Candidate((length, *band.caller_rank), band)
            for length, band in lengths
            if length is not None
        ]
        return sorted(found, key=lambda each: each.rank, reverse=True)

    def _walk(self, number: str, answered_ms: int) -> Iterator[Span]:
        """Spans from one change of band to the next, not yet joined where nothing changes."""
        candidates = self.candidates(number)
        edges = _edges([each.band for each in candidates])
        start_s, step_s = 0, self.initial_increment_s
        while True:
            at_ms = answered_ms + start_s * 1000
            band = self._band_at(candidates, at_ms)
            yield Span(start_s, step_s, band.rate_micros if band else self.rate_micros, band)
            if start_s == 0:
                start_s, step_s = self.initial_increment_s, self.increment_s
            elif not edges:
                return
            else:
                change_s = -(-(_next_edge_ms(edges, at_ms) - answered_ms) // 1000)
                start_s += -(-(change_s - start_s) // step_s) * step_s
            if start_s > self.initial_increment_s and start_s >= self.upto_s:
                return

    def _band_at(self, candidates: list[Candidate], at_ms: int) -> CallBand | None:
        """The band that prices an increment starting at an instant."""
        best: tuple[int, int, int] | None = None
        winner: Candidate | None = None
        for each in candidates:
            if winner is not None and each.rank < winner.rank:
                break  # from here on they only go behind
            day_rank = self._day_rank(each.band, at_ms)
            if day_rank is None:
                continue
            rank = (day_rank, int(each.band.from_s is not None), -each.band.number)
            if best is None or rank > best:
                best, winner = rank, each
        return winner.band if winner else None

    def _day_rank(self, band: CallBand, at_ms: int) -> int | None:
        """How exactly the band names the day: 2 a holiday, 1 otherwise, 0 not; None: not then."""
        ordinal = owning_day(band, at_ms)
        if ordinal is None:
            return None
        if not band.days:
            return 0
        kind, _ = self.day_kind(ordinal)
        if kind is DayKind.HOLIDAY and DayKind.HOLIDAY in band.days:
            return 2
        weekday = WEEKDAYS[(ordinal - 1) % 7]
        return 1 if kind in band.days or weekday in band.days else None


def owning_day(band: CallBand, at_ms: int) -> int | None:
    """The day (its ordinal) that the band began on, where its time of day holds at an instant."""
    ordinal = _ordinal(at_ms)
    if band.from_s is None or band.to_s is None:
        return ordinal
    of_day_ms = (at_ms + _SHANGHAI_MS) % _DAY_MS
    if band.from_s < band.to_s:
        return ordinal if band.from_s * 1000 <= of_day_ms < band.to_s * 1000 else None
    if of_day_ms >= band.from_s * 1000:
        return ordinal
    return ordinal - 1 if of_day_ms < band.to_s * 1000 else None


def _bands_for(bands: tuple[Band, ...], caller: Caller) -> Iterator[CallBand]:
    for number, band in enumerate(bands, 1):
        rank = band.caller_rank(caller)
        if rank is not None:
            yield CallBand(
                number=number,
                rate_micros=band.rate_micros,
                from_s=band.from_s,
                to_s=band.to_s,
                days=band.days,
                destination_prefixes=band.destination_prefixes,
                caller_rank=(rank.prefix_length, rank.region),  # JSON has no named tuples
                name=band.name,
            )


@lru_cache(maxsize=1024)
def _plain(version: TariffVersion, precision_micros: int | None) -> CallTariff:
    return CallTariff(
        tariff=version.tariff,
        version=version.version,
        rate_micros=version.rate_micros,
        initial_increment_s=version.initial_increment_s,
        increment_s=version.increment_s,
        connection_fee_micros=version.connection_fee_micros,
        minimum_charge_micros=version.minimum_charge_micros,
        free_s=version.free_s,
        precision_micros=precision_micros or version.precision_micros,
        cap_micros=version.cap_micros,
    )


def _band_from_json(raw: Mapping[str, Any]) -> CallBand:
    known = {name: raw[name] for name in _BAND_FIELDS if name in raw}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    return CallBand(**(known | lists))


def _letter(calendar: HolidayCalendar, day: date) -> str:
    letter = _LETTERS[calendar.kind(day)]
    return letter if calendar.is_known(day) else letter.upper()


def _ordinal(at_ms: int) -> int:
    """The calendar day in Shanghai of an instant."""
    return (at_ms + _SHANGHAI_MS) // _DAY_MS + _EPOCH_ORDINAL


def _edges(bands: list[CallBand]) -> list[int]:
    """The seconds of the day at which the band may change, in order; none if it never does."""
    timed = {
        edge % DAY_S for band in bands for edge in (band.from_s, band.to_s) if edge is not None
    }
    if timed or any(band.days for band in bands):
        timed.add(0)
    return sorted(timed)


def _next_edge_ms(edges: list[int], at_ms: int) -> int:
    """The first instant after `at_ms` at which the band may change."""
    of_day_ms = (at_ms + _SHANGHAI_MS) % _DAY_MS
    midnight_ms = at_ms - of_day_ms
    later = (edge * 1000 for edge in edges if edge * 1000 > of_day_ms)
    return midnight_ms + next(later, _DAY_MS + edges[0] * 1000)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Without those that only go on."""
    last: Span | None = None
    for span in spans:
        if last is None or span[1:] != last[1:]:
            yield span
            last = span


@lru_cache(maxsize=4096)
def _table(tariff: CallTariff, destination: str, answered_ms: int) -> PriceTable:
    segments: list[Segment] = []
    num = tariff.connection_fee_micros * SECONDS_PER_MINUTE
    for span in tariff.spans(destination, answered_ms):
        step_num = span.rate_micros * span.step_s
        if segments:
            before = segments[-1]
            steps = (span.from_s - before.from_s) // before.step_s
            num = before.start_num + steps * before.step_num
            if (before.step_s, before.step_num) == (span.step_s, step_num):
                continue
        segments.append(Segment(span.from_s, span.step_s, num, step_num))
    return PriceTable(
        segments=tuple(segments),
        minimum_micros=tariff.minimum_charge_micros,
        cap_micros=tariff.cap_micros,
        free_s=tariff.free_s,
        precision_micros=tariff.precision_micros,
    )


_FIELDS = tuple(each.name for each in fields(CallTariff))
_BAND_FIELDS = tuple(each.name for each in fields(CallBand))
