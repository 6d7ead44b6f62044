"""A believable plan, end and tariff, each changed by keyword."""

from typing import Any

from hypothesis import strategies as st

from callserver.domain.business import (
    BlockEntry,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.call import Arrival, CallEnd, EndSource, HungUpBy, Line, Plan
from callserver.domain.call_tariff import CallTariff
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.price_table import PriceTable
from callserver.domain.region import Region
from callserver.domain.tariff import TariffVersion

TOKEN = "5f3e6a1c-0b7d-4e55-9f3a-1c2d3e4f5a6b"
T0_US = 1_790_000_000_123_456
SHANGHAI = Caller("02188886666", CallerKind.LANDLINE, Region("上海", "上海", "021"))
HANGZHOU_MOBILE = Caller("13800571234", CallerKind.MOBILE, Region("浙江", "杭州", "0571"))
WITHHELD = Caller("", CallerKind.UNKNOWN)

tariffs = st.builds(
    TariffVersion,
    tariff=st.just("t"),
    version=st.just(1),
    effective_from_ms=st.just(0),
    rate_micros=st.integers(0, 5_000_000),
    initial_increment_s=st.integers(1, 180),
    increment_s=st.integers(1, 120),
    connection_fee_micros=st.integers(0, 2_000_000),
    minimum_charge_micros=st.integers(0, 2_000_000),
    free_s=st.integers(0, 90),
    precision_micros=st.sampled_from([1, 1_000, 10_000]),
)


def tariff(**changed: Any) -> TariffVersion:
    """0.15 yuan a minute, 60/60, unless changed."""
    given: dict[str, Any] = {
        "tariff": "standard",
        "version": 3,
        "effective_from_ms": 0,
        "rate_micros": 150_000,
    }
    return TariffVersion(**(given | changed))


def table_of(version: TariffVersion) -> PriceTable:
    """The price table where no band fits."""
    return CallTariff.flat(version).compile("", 0)


def plan(**changed: Any) -> Plan:
    """A routed call with two lines."""
    given: dict[str, Any] = {
        "call_id": "07-" + "a" * 32,
        "token_hash": "a" * 32,
        "arrival": Arrival(
            token=TOKEN,
            pbx="pbx-1",
            uniqueid="1790000000.17",
            linkedid="1790000000.17",
            channel="PJSIP/carrier-00000011",
            did="4001234567",
            caller_raw="02188886666",
            arrived_us=T0_US,
        ),
        "caller": SHANGHAI,
        "account": "acme",
        "customer": "acme",
        "provider": "north",
        "tariff": CallTariff.flat(tariff()),
        "lines": (
            Line("desk", "13800138000", "carrier", 20, 1),
            Line("back", "057188886666", "carrier", 30, 0),
        ),
        "did_calls_max": 5,
    }
    return Plan(**(given | changed))


def end(**changed: Any) -> CallEnd:
    """Answered by the second line after two seconds, 61.9 s long, unless changed."""
    given: dict[str, Any] = {
        "ended_us": T0_US + 63_900_000,
        "answered_us": T0_US + 2_000_000,
        "rang_us": T0_US + 500_000,
        "dial_status": "ANSWER",
        "hangup_cause": 16,
        "hung_up_by": HungUpBy.CALLEE,
        "source": EndSource.REPORT,
        "line": 2,
    }
    return CallEnd(**(given | changed))


def catalogue(
    did: dict[str, Any] | None = None,
    blacklist: tuple[BlockEntry, ...] = (),
    versions: tuple[TariffVersion, ...] | None = None,
) -> Catalogue:
    """One provider, one customer, one active number with three lines."""
    number: dict[str, Any] = {
        "number": "4001234567",
        "customer": "acme",
        "state": NumberState.ACTIVE,
        "destinations": (
            Destination("desk", "13800138000", "carrier", 20, 1),
            Destination("back", "057188886666", "carrier"),
            Destination("home", "+8613900139000", "carrier"),
        ),
    }
    return Catalogue(
        version=1,
        providers={"north": Provider("north", "北方")},
        customers={"acme": Customer("acme", "艾克米", "north", "standard")},
        dids={"4001234567": Did(**(number | (did or {})))},
        tariffs={"standard": (tariff(),) if versions is None else versions},
        blacklist={"acme": blacklist} if blacklist else {},
    )
