"""The customers of the demo: small firms with a number each, on three tariffs."""

from dataclasses import dataclass

from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.tariff import TariffVersion

TRUNK = "carrier"
RING_S = 2

CLINIC_DID = "4008001234"
TEA_DID = "4006668888"
FREIGHT_DID = "4009005678"
FLORIST_DID = "4001002003"
TAXI_DID = "4007009009"
NIGHT_DID = "4002223333"
CROWDED_DID = "4003334444"
CLOSED_DID = "4007770000"
UNKNOWN_DID = "4000000001"
BLOCKED_CALLER = "13800890404"

TOP_UPS_MICROS = {
    "clinic": 50_000_000,
    "tea": 20_000_000,
    "florist": 100_000,  # less than a minute costs: its calls are refused
    "taxi": 30_000,  # three seconds: its call is ended by the PBX when they are over
}


@dataclass(frozen=True, slots=True)
class PlainTariff:
    """A tariff as the proof reckons with it: decimal text, none of the server's code."""

    rate: str
    first_s: int = 60
    next_s: int = 60
    connection_fee: str = "0"
    minimum: str = "0"


TARIFFS = {
    "minute": PlainTariff("0.15"),
    "six": PlainTariff("0.12", 6, 6, connection_fee="0.02"),
    "second": PlainTariff("0.09", 1, 1, minimum="0.005"),
    "fast": PlainTariff("0.60", 1, 1),
    "wholesale": PlainTariff("0.08"),
}
WHOLESALE = "wholesale"
CUSTOMER_TARIFF = {
    "clinic": "minute",
    "tea": "six",
    "freight": "second",
    "florist": "minute",
    "taxi": "fast",
}
DID_CUSTOMER = {
    CLINIC_DID: "clinic",
    TEA_DID: "tea",
    FREIGHT_DID: "freight",
    FLORIST_DID: "florist",
    TAXI_DID: "taxi",
    NIGHT_DID: "clinic",
    CROWDED_DID: "tea",
    CLOSED_DID: "clinic",
}


def _micros(yuan: str) -> int:
    whole, _, fraction = yuan.partition(".")
    return int(whole) * 1_000_000 + int(fraction.ljust(6, "0"))


def _version(name: str, plain: PlainTariff) -> TariffVersion:
    return TariffVersion(
        tariff=name,
        version=1,
        effective_from_ms=0,
        rate_micros=_micros(plain.rate),
        initial_increment_s=plain.first_s,
        increment_s=plain.next_s,
        connection_fee_micros=_micros(plain.connection_fee),
        minimum_charge_micros=_micros(plain.minimum),
    )


def _lines(customer: str, *numbers: str, calls_max: int = 0) -> tuple[Destination, ...]:
    return tuple(
        Destination(f"{customer}:{number}", number, TRUNK, RING_S, calls_max) for number in numbers
    )


def _dids() -> dict[str, Did]:
    active = NumberState.ACTIVE
    numbers = [
        Did(CLINIC_DID, "clinic", active, _lines("clinic", "02164330001", "13916880002")),
        Did(
            TEA_DID,
            "tea",
            active,
            _lines("tea", "057187650001", "057187650002", "13857120003", calls_max=2),
        ),
        Did(FREIGHT_DID, "freight", active, _lines("freight", "02483650001", "13940020002")),
        Did(FLORIST_DID, "florist", active, _lines("florist", "13608710001")),
        Did(TAXI_DID, "taxi", active, _lines("taxi", "13709910001"), calls_max=1),
        Did(NIGHT_DID, "clinic", active, _lines("clinic", "02164330003", "13916880004")),
        Did(CROWDED_DID, "tea", active, _lines("tea", "057187650005", "057187650006")),
        Did(CLOSED_DID, "clinic", NumberState.SUSPENDED, _lines("clinic", "02164330001")),
    ]
    return {did.number: did for did in numbers}


def business() -> Catalogue:
    """The whole of it."""
    customers = [
        Customer("clinic", "静安口腔诊所", "huaxin-east", "minute"),
        Customer("tea", "江南春茶业", "huaxin-east", "six"),
        Customer("freight", "北纬物流", "huaxin", "second", Billing.POSTPAID, 100_000_000),
        Customer("florist", "滇池花店", "huaxin", "minute"),
        Customer("taxi", "天山出租", "huaxin", "fast"),
    ]
    return Catalogue(
        version=0,
        providers={
            "huaxin": Provider("huaxin", "华信通信", commission="15%"),
            "huaxin-east": Provider(
                "huaxin-east", "华信通信华东", "huaxin", None, WHOLESALE, "10%"
            ),
        },
        customers={customer.id: customer for customer in customers},
        dids=_dids(),
        tariffs={name: (_version(name, plain),) for name, plain in TARIFFS.items()},
        blacklist={"tea": (BlockEntry("tea", None, BlockKind.NUMBER, BLOCKED_CALLER),)},
    )
