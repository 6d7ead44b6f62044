"""Which band prices an increment: edges of the day, kinds of day, and who wins."""

from datetime import datetime
from typing import Any

import orjson
import pytest

from callserver.domain.band import DAY_S, Band
from callserver.domain.billing_month import SHANGHAI as ZONE
from callserver.domain.call_tariff import CallTariff
from callserver.domain.caller import Caller
from callserver.domain.tariff import TariffVersion
from callserver.start_files import load_calendar

from .samples import HANGZHOU_MOBILE, SHANGHAI, WITHHELD, tariff

CALENDAR = load_calendar()
HOUR = 3_600
NIGHT = {"from_s": 22 * HOUR, "to_s": 8 * HOUR}


def at(text: str) -> int:
    """UTC milliseconds of Shanghai's time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def bands(*conditions: dict[str, Any]) -> tuple[Band, ...]:
    """Bands whose rate is their number, in micros."""
    return tuple(Band(number, **each) for number, each in enumerate(conditions, 1))


def fixed(
    version: TariffVersion,
    caller: Caller = WITHHELD,
    moment: str = "2026-11-23",
    upto_s: int = 7200,
) -> CallTariff:
    return CallTariff.snapshot(version, caller, at(moment), upto_s, CALENDAR)


def rates(
    moment: str, *conditions: dict[str, Any], caller: Caller = WITHHELD, to: str = "", **terms: Any
) -> list[tuple[int, int]]:
    """Where each rate begins and the number of its band, 0 for none."""
    version = tariff(rate_micros=0, bands=bands(*conditions), **terms)
    spans = fixed(version, caller, moment).spans(to, at(moment))
    found: list[tuple[int, int]] = []
    for span in spans:
        if not found or found[-1][1] != span.rate_micros:
            found.append((span.from_s, span.rate_micros))
    return found


EDGES = [  # answered, conditions, where each rate begins, why
    ("2026-11-23T21:58:00", NIGHT, [(0, 0), (120, 1)], "the increment that starts at 22:00:00"),
    ("2026-11-23T21:58:01", NIGHT, [(0, 0), (120, 1)], "at 21:59:01 it started before"),
    ("2026-11-23T21:58:59", NIGHT, [(0, 0), (120, 1)], "a second before: the whole minute"),
    ("2026-11-23T21:59:59.999", NIGHT, [(0, 0), (60, 1)], "a millisecond before"),
    ("2026-11-23T22:00:00", NIGHT, [(0, 1)], "answered at the edge"),
    ("2026-11-24T07:58:00", NIGHT, [(0, 1), (120, 0)], "08:00:00 is the band's no more"),
    ("2026-11-24T07:59:59", NIGHT, [(0, 1), (60, 0)], "its last second starts a whole minute"),
    ("2026-11-24T08:00:00", NIGHT, [(0, 0)], "half-open"),
    ("2026-11-23T23:59:00", NIGHT, [(0, 1)], "over midnight nothing changes"),
    ("2026-11-23T23:59:00", {"from_s": 0, "to_s": HOUR}, [(0, 0), (60, 1), (3660, 0)], "midnight"),
    ("2026-11-23T23:59:00", {"from_s": HOUR, "to_s": DAY_S}, [(0, 1), (60, 0), (3660, 1)], "24:00"),
    ("2026-11-23T23:59:00", {"from_s": 22 * HOUR, "to_s": 0}, [(0, 1), (60, 0)], "to midnight"),
    ("2026-11-23T12:00:00", {"from_s": 0, "to_s": 0}, [(0, 1)], "a whole day"),
    ("2024-02-28T23:59:00", {"days": ("thu",)}, [(0, 0), (60, 1)], "into a leap day"),
    ("2024-02-29T23:59:00", {"days": ("thu",)}, [(0, 1), (60, 0)], "out of it"),
    ("2026-11-30T23:59:00", {"days": ("tue",)}, [(0, 0), (60, 1)], "over the month's end"),
    ("2026-12-31T23:59:00", {"days": ("fri",)}, [(0, 0), (60, 1)], "over the year's"),
    ("2026-10-07T23:59:00", {"days": ("holiday",)}, [(0, 1), (60, 0)], "a holiday ends"),
    ("2026-10-09T23:59:00", {"days": ("workday",)}, [(0, 1)], "into a Saturday that is worked"),
    ("2026-10-10T23:59:00", {"days": ("weekend",)}, [(0, 0), (60, 1)], "out of it"),
    ("2026-10-09T23:59:00", {"days": ("sat",)}, [(0, 0), (60, 1)], "which is a Saturday still"),
    ("2026-10-02T23:59:00", {"days": ("weekend",)}, [(0, 0)], "a holiday is no weekend"),
    ("2026-10-02T23:59:00", {"days": ("sat",)}, [(0, 0), (60, 1)], "but may be a Saturday"),
    ("2026-10-01T12:00:00", {"days": ("workday",)}, [(0, 0)], "nor a workday"),
    ("2027-10-01T12:00:00", {"days": ("workday",)}, [(0, 1)], "not announced: a Friday"),
    # a band over midnight belongs to the day it begins on
    ("2026-11-21T00:30:00", NIGHT | {"days": ("fri",)}, [(0, 1)], "Friday's night, on Saturday"),
    ("2026-11-20T00:30:00", NIGHT | {"days": ("fri",)}, [(0, 0)], "Thursday's night, on Friday"),
    ("2026-10-08T07:59:00", NIGHT | {"days": ("holiday",)}, [(0, 1), (60, 0)], "a holiday's"),
    ("2026-10-01T00:00:00", NIGHT | {"days": ("holiday",)}, [(0, 0)], "not its eve's"),
    ("2026-09-30T23:00:00", NIGHT | {"days": ("workday",)}, [(0, 1)], "the eve's goes on"),
]  # fmt: skip


@pytest.mark.parametrize(("moment", "conditions", "found", "why"), EDGES)
def test_edges_of_a_band(
    moment: str, conditions: dict[str, Any], found: list[tuple[int, int]], why: str
) -> None:
    """60/60: an increment has the rate of the band in which it starts."""
    assert rates(moment, conditions) == found, why


NOON = {"from_s": 11 * HOUR, "to_s": 13 * HOUR}
WINNERS = [  # conditions in order, the number of the winner, why
    ([{}, {}], 1, "the first written of two alike"),
    ([{}, NOON], 2, "with a time over without"),
    ([NOON, {"from_s": 0, "to_s": DAY_S}], 1, "times are alike, however short"),
    ([{}, {"days": ("thu",)}], 2, "a named day over none"),
    ([NOON, {"days": ("thu",)}], 2, "the day over the time"),
    ([{"days": ("thu",)}, NOON | {"days": ("thu",)}], 2, "both over one"),
    ([{"days": ("thu",)}, {"days": ("holiday",)}], 2, "the holiday over the weekday"),
    ([{"days": ("thu",)}, {"days": ("mon", "holiday")}], 2, "however it is listed"),
    ([{"days": ("thu",)}, {"days": ("sat", "workday")}], 1, "a holiday is no workday"),
    ([NOON | {"days": ("thu",)}, {"days": ("holiday",)}], 2, "even over a time"),
    ([{"days": ("holiday",)}, {"caller_kinds": ("mobile",)}], 2, "the caller over the day"),
    ([{"caller_kinds": ("mobile",)}, {"provinces": ("浙江",)}], 2, "province over kind"),
    ([{"provinces": ("浙江",)}, {"area_codes": ("0571",)}], 2, "area code over province"),
    ([{"area_codes": ("0571",)}, {"caller_prefixes": ("1",)}], 2, "prefix over area code"),
    ([{"caller_prefixes": ("1",)}, {"caller_prefixes": ("138",)}], 2, "the longer prefix"),
    ([{"caller_prefixes": ("13800571234",)}, {"destination_prefixes": ("0",)}], 2, "destination"),
    ([{"destination_prefixes": ("0",)}, {"destination_prefixes": ("02", "9")}], 2, "its longest"),
    ([{"destination_prefixes": ("02",)}, {"destination_prefixes": ("0", "021")}], 2, "of a list"),
    ([{"destination_prefixes": ("03",)}, {}], 2, "what does not match cannot win"),
]


@pytest.mark.parametrize(("conditions", "winner", "why"), WINNERS)
def test_the_more_exact_band_wins(conditions: list[dict[str, Any]], winner: int, why: str) -> None:
    """On National Day at noon, from a mobile of Hangzhou to a landline in Shanghai."""
    found = rates("2026-10-01T12:00:00", *conditions, caller=HANGZHOU_MOBILE, to="02188886666")
    assert found[0] == (0, winner), why


FORMS = ["02188886666", "+862188886666", "008602188886666", "00862188886666"]


@pytest.mark.parametrize("destination", FORMS)
def test_a_destination_is_known_in_every_form(destination: str) -> None:
    """As prefixes are written: with the area code's zero, without +86."""
    assert rates("2026-11-23T12:00", {"destination_prefixes": ("021",)}, to=destination) == [(0, 1)]


def test_mobiles_and_foreign_destinations_have_one_form_too() -> None:
    """Without a leading zero; with a plus."""
    mobile = {"destination_prefixes": ("138",)}
    for written in ("13800138000", "013800138000", "+8613800138000"):
        assert rates("2026-11-23T12:00", mobile, to=written) == [(0, 1)]
    abroad = {"destination_prefixes": ("+852",)}
    for written in ("+85221234567", "0085221234567"):
        assert rates("2026-11-23T12:00", abroad, to=written) == [(0, 1)]


def test_the_first_increment_decides_where_the_others_start() -> None:
    """30/6 from 21:59:45: starts at 45, then 22:00:15, every 6 s."""
    found = rates("2026-11-23T21:59:45", NIGHT, initial_increment_s=30, increment_s=6)
    assert found == [(0, 0), (30, 1)]
    found = rates("2026-11-23T21:59:25", NIGHT, initial_increment_s=30, increment_s=6)
    assert found == [(0, 0), (36, 1)], "21:59:55 is before, 22:00:01 is after"


def test_a_tariff_without_fitting_bands_is_one_for_everybody() -> None:
    """No days are carried, and the table is the same object for every call."""
    version = tariff(bands=bands({"provinces": ("浙江",)}))
    plain = fixed(version, SHANGHAI)
    assert (plain.bands, plain.day_kinds) == ((), "")
    assert plain is fixed(version, SHANGHAI, "2026-12-01")
    assert plain.compile("a", 1) is plain.compile("b", 2)


def test_the_accounts_precision_goes_first() -> None:
    """Over the tariff's own."""
    version = tariff(precision_micros=1_000)
    fen = CallTariff.snapshot(version, WITHHELD, 0, 60, CALENDAR, precision_micros=10_000)
    assert (fen.precision_micros, fixed(version).precision_micros) == (10_000, 1_000)


def test_the_terms_survive_their_json() -> None:
    """Also where another version wrote more fields, or fewer."""
    version = tariff(
        cap_micros=5, bands=bands(NIGHT | {"days": ("fri",)}, {"destination_prefixes": ("0",)})
    )
    whole = fixed(version, moment="2026-12-31T23:00", upto_s=14_400)
    raw = orjson.loads(orjson.dumps(whole))
    assert CallTariff.from_json(raw) == whole
    assert CallTariff.from_json(raw | {"new": 1}) == whole
    old = {"tariff": "t", "version": 1, "effective_from_ms": 0, "rate_micros": 5}
    assert CallTariff.from_json(old) == CallTariff("t", 1, 5)
    with pytest.raises(TypeError):
        CallTariff.from_json({"tariff": "t"})


def test_the_snapshot_has_the_days_a_call_may_touch() -> None:
    """From the day before to the horizon; capital where only the weekday is known."""
    whole = fixed(tariff(bands=bands({"days": ("fri",)})), moment="2026-12-31T23:00", upto_s=14_400)
    assert whole.day_kinds == "wwW"
    assert fixed(tariff(bands=bands({})), moment="2026-10-08T12:00").day_kinds == "hw"


def test_an_edit_of_the_calendar_does_not_reach_a_running_call() -> None:
    """The snapshot carries the kinds of its days."""
    version = tariff(bands=bands({"days": ("holiday",)}))
    before = fixed(version, moment="2026-10-01T12:00")
    assert before.spans("", at("2026-10-01T12:00"))[0].rate_micros == 1


def test_far_beyond_its_days_the_weekday_decides() -> None:
    """A call that is rated at another time than it was admitted for still has a price."""
    version = tariff(rate_micros=0, bands=bands({"days": ("workday",)}))
    spans = fixed(version, moment="2026-11-23T12:00").spans("", at("2026-12-06T12:00"))
    assert spans[0].rate_micros == 0, "a Sunday"


def test_beyond_the_horizon_the_last_rate_goes_on() -> None:
    """There is no band change after `upto_s`: a call never lasts longer."""
    version = tariff(rate_micros=0, bands=bands(NIGHT))
    short = fixed(version, moment="2026-11-23T21:00", upto_s=1800)
    assert [span.rate_micros for span in short.spans("", at("2026-11-23T21:00"))] == [0]


def test_segments_of_one_price_are_one() -> None:
    """Bands may change while the price does not."""
    version = tariff(rate_micros=5, bands=(Band(5, 22 * HOUR, 23 * HOUR), Band(6, 0, 3600)))
    call = fixed(version, moment="2026-11-23T21:00", upto_s=18_000)
    assert [s.from_s for s in call.compile("", at("2026-11-23T21:00")).segments] == [
        0,
        10_800,
        14_400,
    ]
    assert len(call.spans("", at("2026-11-23T21:00"))) == 5
