"""The customers of the service tests: each pays by the second or minute, before or after, with
included minutes or by the time of day."""

from callserver.domain.band import Band
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

YUAN = 1_000_000
ACME, POST, LOCAL, MINUTE, QUIET, BUNDLE, NIGHT = (
    "4001000001",
    "4001000002",
    "4001000003",
    "4001000004",
    "4001000005",
    "4001000006",
    "4001000007",
)
UNKNOWN = "4009999999"
BLOCKED_CALLER = "02188886666"
CREDIT_MICROS = 1_000 * YUAN
_PREPAID = ("acme", "local", "minute", "quiet", "bundle", "night")
TOP_UPS = dict.fromkeys(_PREPAID, 10 * YUAN)
MINUTES = {"bundle": 6}
CHEAP_MICROS, DEAR_MICROS = 600_000, 1_200_000
NIGHT_FROM_S, NIGHT_TO_S = 80_060, 80_120  # 22:14:20 … 22:15:20; the tests' clock begins 22:13:20
_CUSTOMERS = (
    Customer("acme", "艾克米", "north", "second"),
    Customer(
        "post", "后付", "north", "second", Billing.POSTPAID, credit_limit_micros=CREDIT_MICROS
    ),
    Customer("local", "本地", "north", "second", local_allowance_micros=600_000),
    Customer("minute", "分钟", "north", "minute"),
    Customer("quiet", "停机", "north", "second"),
    Customer("bundle", "套餐", "north", "six"),
    Customer("night", "夜间", "north", "night"),
)
_DIDS = {
    ACME: "acme",
    POST: "post",
    LOCAL: "local",
    MINUTE: "minute",
    QUIET: "quiet",
    BUNDLE: "bundle",
    NIGHT: "night",
}
_LINES = {ACME: (1, 0, 0)}


_NIGHT = Band(DEAR_MICROS, NIGHT_FROM_S, NIGHT_TO_S)


def catalogue() -> Catalogue:
    """Prices: `second` is 0.01 yuan a second, `minute` 0.15 a started minute, `six` 0.015 each 6 s,
    `night` 0.01 a second and for a minute of the night twice that."""
    return Catalogue(
        version=1,
        providers={"north": Provider("north", "北方")},
        customers={customer.id: customer for customer in _CUSTOMERS},
        dids={did: _did(did, customer) for did, customer in _DIDS.items()},
        tariffs={
            "second": (TariffVersion("second", 1, 0, 600_000, 1, 1),),
            "minute": (TariffVersion("minute", 1, 0, 150_000),),
            "six": (TariffVersion("six", 1, 0, 150_000, 6, 6),),
            "night": (TariffVersion("night", 1, 0, CHEAP_MICROS, 1, 1, bands=(_NIGHT,)),),
        },
        blacklist={"acme": (BlockEntry("acme", None, BlockKind.NUMBER, BLOCKED_CALLER),)},
    )


def _did(number: str, customer: str) -> Did:
    return Did(
        number=number,
        customer=customer,
        state=NumberState.SUSPENDED if customer == "quiet" else NumberState.ACTIVE,
        destinations=tuple(
            Destination(
                f"{customer}-{index}", f"0218888{number[-2:]}{index:02d}", "carrier", 20, most
            )
            for index, most in enumerate(_LINES.get(number, (0, 0)))
        ),
        calls_max=3 if customer == "acme" else 0,
    )
