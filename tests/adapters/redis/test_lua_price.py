"""Lua, which holds and settles, and Python, which rates, price every table alike."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
from callserver.adapters.redis.script import LUA_FOLDER
from callserver.domain.call_tariff import CallTariff
from callserver.domain.price_table import PriceTable, Segment
from callserver.domain.tariff import TariffVersion
from tests.domain.tariff_reference import OFFICIAL, Call, banded, calls, reference

SECONDS_MAX = 100_000
LONGEST_S = 10_800
NUM_MAX = 2**52 - 60 * 10**6  # twice the numerator plus the rounding unit stays below 2^53
ASK = """
local price_table, out = cjson.decode(ARGV[1]), {}
for i = 2, #ARGV, 3 do
  local second, budget, minutes = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local five = {price_micros(price_table, second, minutes), billed_s(price_table, second),
    second > 0 and whole_increments(price_table, second) or 0,
    affordable_s(price_table, budget, second, minutes), minutes_needed(price_table, second)}
  for j = 1, 5 do
    out[#out + 1] = string.format('%.0f', five[j])
  end
end
return out
"""
SCRIPT = (LUA_FOLDER / "lib" / "price.lua").read_text("utf-8") + ASK

micros = st.integers(0, NUM_MAX // 60)


@st.composite
def tables(draw: st.DrawFn) -> PriceTable:
    """Up to five segments with any numerators, also where a real tariff would never go."""
    starts = draw(st.sets(st.integers(1, 20_000), max_size=4).map(sorted))
    segments = []
    for from_s in [0, *starts]:
        step_s = draw(st.integers(1, 3_600))
        second_num = draw(st.integers(0, NUM_MAX // 4 // (SECONDS_MAX + step_s)))
        start_num = draw(st.integers(0, NUM_MAX // 4))
        segments.append(Segment(from_s, step_s, start_num, second_num * step_s))
    return PriceTable(
        segments=tuple(segments),
        minimum_micros=draw(st.one_of(st.just(0), micros)),
        cap_micros=draw(st.one_of(st.none(), micros)),
        free_s=draw(st.one_of(st.just(0), st.integers(0, 200))),
        precision_micros=draw(st.sampled_from([1, 1_000, 10_000, 1_000_000])),
    )


questions = st.lists(
    st.tuples(
        st.integers(0, SECONDS_MAX),
        st.one_of(micros, st.integers(-(10**12), 10**7)),
        st.one_of(st.just(0), st.integers(0, SECONDS_MAX // 60)),
    ),
    min_size=1,
    max_size=20,
)


@pytest.fixture(scope="module")
def server(valkey_server: EmbeddedValkey) -> Iterator[EmbeddedValkey]:
    """A Valkey, whatever its data: these scripts touch none."""
    return valkey_server


EDGES = [
    (second, budget, minutes)
    for second in (0, 1, 6, 7, 59, 60, 61, 119, 120, 121, 3600)
    for budget in (-1, 0, 149_999, 150_000, 299_999, 300_000)
    for minutes in (0, 1, 2)
]


@settings(max_examples=300)
@example(PriceTable((Segment(0, 60, 0, 9_000_000),), 0, None, 0, 1_000), EDGES)
@example(PriceTable((Segment(0, 60, 0, 9_000_000),), 0, None, 6, 1_000), EDGES)
@example(PriceTable((Segment(0, 60, 0, 9_000_000),), 200_000, 250_000, 60, 10_000), EDGES)
@example(PriceTable((Segment(0, 30, 30, 30), Segment(30, 6, 60, 12)), 0, None, 0, 1), EDGES)
@given(table=tables(), asked=questions)
def test_lua_agrees_with_python(
    server: EmbeddedValkey, table: PriceTable, asked: list[tuple[int, int, int]]
) -> None:
    """Price, billed, whole and affordable seconds and minutes are the same to the digit."""
    assert in_lua(server, table, asked) == in_python(table, asked)


@settings(max_examples=80)
@given(version=banded(), call=calls(), asked=questions)
def test_lua_agrees_on_every_tariff(
    server: EmbeddedValkey, version: TariffVersion, call: Call, asked: list[tuple[int, int, int]]
) -> None:
    """Bands, caps, free seconds: what is compiled costs in Lua what it costs worked out by hand."""
    at_ms = call.answered_ms - 30_000
    terms = CallTariff.snapshot(version, call.caller, at_ms, LONGEST_S, OFFICIAL)
    table = terms.compile(call.destination, call.answered_ms)
    asked = [(call.billsec, 0, call.minutes), *asked]
    answer = in_lua(server, table, asked)
    assert answer == in_python(table, asked)
    expected = reference(version, call, OFFICIAL)
    assert answer[:2] == [expected.fee, expected.billed_s]
    assert min(call.minutes, answer[4]) == expected.minutes_used


def in_lua(
    server: EmbeddedValkey, table: PriceTable, asked: list[tuple[int, int, int]]
) -> list[int]:
    """Five answers to each question, as the scripts work them out."""
    flat = [str(number) for question in asked for number in question]
    answer = ask(server.socket_path, "EVAL", SCRIPT, "0", table.encode(), *flat)
    return [int(text) for text in answer]


def in_python(table: PriceTable, asked: list[tuple[int, int, int]]) -> list[int]:
    """The same five."""
    return [
        figure
        for second, budget, minutes in asked
        for figure in (
            table.price_micros(second, minutes),
            table.billed_s(second),
            table.whole_increments(second) if second else 0,
            table.affordable_s(budget, second, minutes),
            table.minutes_needed(second),
        )
    ]
