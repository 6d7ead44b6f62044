"""What a hold is priced by, while nobody knows yet which line will answer, and when."""

from collections.abc import Iterator, Sequence

from callserver.domain.call import Line
from callserver.domain.call_tariff import CallTariff
from callserver.domain.price_table import PriceTable, dearest

_INSTANTS_MOST = 12  # a few tables more for a hold that a later answer corrects anyway


def hold_table(tariff: CallTariff, lines: Sequence[Line], from_ms: int, seconds: int) -> PriceTable:
    """The table that makes a call of so many seconds dearest.

    Of all lines, and of the instants they may answer at: from `from_ms` (UTC) on, as long as they
    all may ring. Some of many instants are looked at: the answer's own table corrects the hold.
    """
    if not tariff.bands:
        return tariff.compile("", 0)
    numbers = dict.fromkeys(line.number for line in lines) or {"": None}
    timed = any(band.from_s is not None or band.days for band in tariff.bands)
    ring_s = sum(line.ring_s for line in lines) if timed else 0
    return dearest(
        (
            tariff.compile(number, at_s * 1000)
            for number in numbers
            for at_s in _instants(tariff, number, from_ms // 1000, ring_s, seconds)
        ),
        seconds,
    )


def _instants(
    tariff: CallTariff, number: str, from_s: int, ring_s: int, seconds: int
) -> Iterator[int]:
    """Seconds since 1970 at which the answer may change the price. Bands begin at whole seconds."""
    yield from_s
    spans = tariff.spans(number, from_s * 1000)
    reached = {span.band for span in spans if span.from_s < ring_s + seconds}
    if len(reached) == 1:
        return  # the same band all the time
    yield from_s + ring_s
    step_s = -(-max(1, ring_s) // _INSTANTS_MOST)
    # Multiples, so that calls that come one after the other look at the same ones: they are kept.
    yield from range(from_s - from_s % step_s + step_s, from_s + ring_s, step_s)
