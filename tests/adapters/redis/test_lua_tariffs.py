"""Random tariffs with bands: Lua charges what is explained, and what a slow sum says."""

from hypothesis import given, settings

from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
from callserver.adapters.redis.script import LUA_FOLDER
from callserver.domain.call_tariff import CallTariff
from callserver.domain.price_table import PriceTable
from callserver.domain.rating import explain
from callserver.domain.tariff import TariffVersion
from tests.domain.tariff_reference import OFFICIAL, Call, banded, calls, reference

ASK = """
local price_table = cjson.decode(ARGV[1])
local second, minutes = tonumber(ARGV[2]), tonumber(ARGV[3])
return {string.format('%.0f', price_micros(price_table, second, minutes)),
  string.format('%.0f', billed_s(price_table, second))}
"""
SCRIPT = (LUA_FOLDER / "lib" / "price.lua").read_text("utf-8") + ASK
LONGEST_S = 10_800


@settings(max_examples=300)
@given(version=banded(), call=calls())
def test_lua_charges_what_is_explained(
    valkey_server: EmbeddedValkey, version: TariffVersion, call: Call
) -> None:
    """Fee and billed seconds, also where included minutes cover some."""
    terms = CallTariff.snapshot(version, call.caller, call.answered_ms, LONGEST_S, OFFICIAL)
    encoded = terms.compile(call.destination, call.answered_ms).encode()
    numbers = (str(call.billsec), str(call.minutes))
    answer = ask(valkey_server.socket_path, "EVAL", SCRIPT, "0", encoded, *numbers)
    fee, billed_s = (int(text) for text in answer)
    rated = explain(terms, call.destination, call.answered_ms, call.billsec, call.minutes)
    assert (fee, billed_s) == (rated.amount_micros, rated.billed_s)
    assert fee == reference(version, call, OFFICIAL).fee
    assert PriceTable.decode(encoded).price_micros(call.billsec, call.minutes) == fee
