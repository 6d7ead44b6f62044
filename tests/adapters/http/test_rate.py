"""/v1/rate: what a call would cost, and who may ask for whose."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from callserver.adapters.http import tariff_models as models
from callserver.adapters.redis.client import RedisLink
from callserver.domain.band import Band
from callserver.domain.business import Destination, Did, NumberState
from callserver.domain.tariff import TariffVersion
from tests.adapters.http.bed import CATALOGUE, Bed, Reply, open_bed

DID, BARE, FOREIGN = "4001234567", "4001234568", "4009999999"
FIRST_MS = 1_700_000_000_000
BANDED = TariffVersion(
    "banded",
    1,
    0,
    200_000,
    bands=(
        Band(100_000, provinces=("浙江",), name="home"),
        Band(1_000_000, destination_prefixes=("0571",)),
        Band(50_000, days=("holiday",)),
    ),
)
WORLD = replace(
    CATALOGUE,
    tariffs={
        **CATALOGUE.tariffs,
        "banded": (BANDED,),
        "wholesale": (TariffVersion("wholesale", 1, 0, 80_000),),
        "later": (TariffVersion("later", 1, FIRST_MS, 300_000),),
    },
    providers={
        **CATALOGUE.providers,
        "north": replace(CATALOGUE.providers["north"], cost_tariff="wholesale"),
    },
    customers={
        **CATALOGUE.customers,
        "acme": replace(CATALOGUE.customers["acme"], precision_micros=10_000),
        "bare": replace(CATALOGUE.customers["acme"], id="bare", provider="south", tariff=None),
    },
    dids={
        DID: Did(DID, "acme", NumberState.ACTIVE, (Destination("l", "057188886666", "t"),),
                 tariff="banded"),
        BARE: Did(BARE, "acme", NumberState.SUSPENDED, ()),
        FOREIGN: Did(FOREIGN, "cork", NumberState.ACTIVE, ()),
    },
)  # fmt: skip
NOON = "2026-11-23T12:00:00+08:00"


@pytest.fixture
async def world(tmp_path: Path, link: RedisLink) -> AsyncIterator[Bed]:
    """Numbers with tariffs of their own, bands, and a provider with a cost tariff."""
    async with open_bed(tmp_path, link, catalogue=WORLD) as bed:
        yield bed


async def ask(bed: Bed, who: str, **parameters: Any) -> Reply:
    """GET /v1/rate; `from_` is from."""
    query = urlencode({name.rstrip("_"): value for name, value in parameters.items()})
    return await bed.ask(f"/v1/rate?{query}", who)


PRICES = [  # parameters, amount, tariff
    ({"did": DID, "seconds": 61}, "2.000000", "banded"),  # its first line is in Hangzhou
    ({"did": DID, "seconds": 61, "to": "02188886666"}, "0.400000", "banded"),
    ({"did": DID, "seconds": 61, "to": "021-8888 6666"}, "0.400000", "banded"),
    ({"did": DID, "seconds": 61, "to": "021123456", "from_": "13800571234"}, "0.200000", "banded"),
    ({"did": DID, "seconds": 61, "to": "021123456", "from_": "+8613800571234"}, "0.200000",
     "banded"),
    ({"did": DID, "seconds": 61, "to": "021123456", "from_": "88886666", "area_code": "0571"},
     "0.200000", "banded"),
    ({"did": DID, "seconds": 61, "to": "021123456", "at": "2026-10-01T12:00:00+08:00"}, "0.100000",
     "banded"),
    ({"did": DID, "seconds": 0}, "0.000000", "banded"),
    ({"did": BARE, "seconds": 61}, "0.300000", "standard"),
    ({"customer": "acme", "seconds": 61}, "0.300000", "standard"),
    ({"customer": "acme", "seconds": 61, "included_minutes": 1}, "0.150000", "standard"),
    ({"tariff": "banded", "seconds": 60}, "0.200000", "banded"),
    ({"seconds": 61}, "0.300000", "standard"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "amount", "tariff"), PRICES)
async def test_a_customer_asks_what_its_calls_cost(
    world: Bed, parameters: dict[str, Any], amount: str, tariff: str
) -> None:
    """By its number, its tariff, or just so; what it costs the provider is not in the answer."""
    reply = await ask(world, "acme", **{"at": NOON, **parameters})
    assert reply.status == 200, reply.text
    quote = models.Quote.model_validate(reply.json)
    assert (quote.amount, quote.currency, quote.tariff) == (amount, "CNY", tariff)
    assert quote.lines
    assert {"cost", "margin"} & reply.json.keys() == set()


async def test_the_accounts_precision_goes_before_the_tariffs(world: Bed) -> None:
    """By number and by customer; a tariff by itself has its own."""
    exact = {"seconds": 1, "included_minutes": 0}
    by_number = (await ask(world, "acme", did=BARE, **exact)).json
    assert by_number["lines"] == ["1 s in steps of 60/60 s: 60 s", "60 s × 0.15 / 60 s = 0.15"]
    assert by_number["billed_seconds"] == 60
    assert by_number["included_minutes_used"] == 0


@pytest.mark.parametrize(
    ("who", "parameters", "cost", "margin"),
    [
        ("north", {"did": BARE}, "0.160000", "0.140000"),
        ("admin", {"customer": "acme"}, "0.160000", "0.140000"),
        ("admin", {"did": FOREIGN}, None, None),
        ("south", {"customer": "cork"}, None, None),
    ],
)
async def test_providers_see_what_it_costs_them(
    world: Bed, who: str, parameters: dict[str, Any], cost: str | None, margin: str | None
) -> None:
    """Those of the tree, and admins; null where there is no cost tariff."""
    reply = await ask(world, who, seconds=61, at=NOON, **parameters)
    quote = models.Quote.model_validate(reply.json)
    assert {"cost", "margin"} <= reply.json.keys()
    assert (quote.cost and quote.cost.amount, quote.margin and quote.margin.amount) == (
        cost,
        margin,
    )


async def test_the_noc_and_a_bare_tariff_have_no_cost(world: Bed) -> None:
    """Who watches calls sees prices only; a tariff belongs to no provider."""
    for who, parameters in (("noc", {"did": BARE}), ("admin", {"tariff": "standard"})):
        reply = await ask(world, who, seconds=61, **parameters)
        assert (reply.status, reply.json["amount"]) == (200, "0.300000")
        assert {"cost", "margin"} & reply.json.keys() == set()


DECLINED = [  # who, parameters, status, code
    ("acme", {"did": FOREIGN}, 404, "number_unknown"),
    ("acme", {"did": "4000000000"}, 404, "number_unknown"),
    ("acme", {"customer": "cork"}, 404, "customer_unknown"),
    ("acme", {"customer": "gone"}, 404, "customer_unknown"),
    ("acme", {"tariff": "wholesale"}, 404, "tariff_unknown"),
    ("acme", {"tariff": "gone"}, 404, "tariff_unknown"),
    ("south", {"did": DID}, 404, "number_unknown"),
    ("south", {"customer": "acme"}, 404, "customer_unknown"),
    ("south", {"tariff": "wholesale"}, 404, "tariff_unknown"),
    ("north", {"did": FOREIGN}, 404, "number_unknown"),
    ("admin", {"customer": "bare"}, 409, "no_tariff"),
    ("admin", {"tariff": "later", "at": "2020-01-01T00:00:00Z"}, 409, "no_tariff"),
]


@pytest.mark.parametrize(("who", "parameters", "status", "code"), DECLINED)
async def test_anothers_is_as_good_as_none(
    world: Bed, who: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    """The same answer for what does not exist; what nothing prices is said."""
    reply = await ask(world, who, seconds=61, **parameters)
    assert (reply.status, reply.json["code"]) == (status, code)


WRONG = [  # parameters, what is named
    ({"did": DID}, "seconds"),
    ({"did": DID, "seconds": "-1"}, "seconds"),
    ({"did": DID, "seconds": 31_536_001}, "seconds"),
    ({"did": DID, "seconds": "1.5"}, "seconds"),
    ({"did": "123", "seconds": 1}, "did"),
    ({"did": DID, "tariff": "standard", "seconds": 1}, "tariff"),
    ({"seconds": 1}, "did"),
    ({"did": DID, "seconds": 1, "to": "400#"}, "to"),
    ({"did": DID, "seconds": 1, "at": "noon"}, "at"),
    ({"did": DID, "seconds": 1, "at": "9000-01-01T00:00:00Z"}, "at"),
    ({"did": DID, "seconds": 1, "area_code": "571"}, "area_code"),
    ({"did": DID, "seconds": 1, "included_minutes": "x"}, "included_minutes"),
    ({"did": DID, "seconds": 1, "from_": " 8613800571234"}, "from"),
    ({"did": DID, "second": 1}, "second"),
]


@pytest.mark.parametrize(("parameters", "named"), WRONG)
async def test_what_cannot_be_used_is_named(
    world: Bed, parameters: dict[str, Any], named: str
) -> None:
    """400 with the parameter's name first."""
    reply = await ask(world, "admin", **parameters)
    assert (reply.status, reply.json["code"]) == (400, "bad_value")
    assert reply.json["detail"].startswith(f"{named}:")
