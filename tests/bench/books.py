"""The business the load calls: 100 customers with ten numbers each, on one tariff by the minute."""

from pathlib import Path

from callserver.adapters.sql.books import open_books
from callserver.demo.seed_books import changes, fill_books
from callserver.domain.business import (
    Billing,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.tariff import TariffVersion
from callserver.service.clocks import SystemClock

CUSTOMERS = 100
DIDS = 1_000
RATE_MICROS = 150_000
TOP_UP_MICROS = 1_000_000_000_000
IMPORTED_AT_ONCE = 50_000


def did_of(index: int) -> str:
    """The index-th 400 number."""
    return f"400{index:07d}"


def customer_of(index: int) -> str:
    """Who owns the index-th number."""
    return f"c{index % CUSTOMERS:03d}"


def fee_micros(billsec: int) -> int:
    """What a call costs, reckoned without the server's code."""
    return -(-billsec // 60) * RATE_MICROS


def _customers() -> dict[str, Customer]:
    """Every fifth is postpaid."""
    return {
        customer_of(index): Customer(
            customer_of(index),
            f"客户{index}",
            "reseller",
            "minute",
            Billing.PREPAID if index % 5 else Billing.POSTPAID,
            0 if index % 5 else TOP_UP_MICROS,
        )
        for index in range(CUSTOMERS)
    }


def _did(index: int) -> Did:
    lines = tuple(
        Destination(f"{did_of(index)}-{line}", f"021{index:07d}{line}", "carrier", 20, 500)
        for line in (1, 2)
    )
    return Did(did_of(index), customer_of(index), NumberState.ACTIVE, lines)


async def fill(data: Path, dids: int = DIDS) -> str:
    """Books with so many numbers (DIDS or more) in a data folder; the secret of an admin token."""
    url = f"sqlite:///{data.absolute() / 'callserver.db'}"
    first = Catalogue(
        version=0,
        providers={"reseller": Provider("reseller", "总代理")},
        customers=_customers(),
        dids={did_of(index): _did(index) for index in range(DIDS)},
        tariffs={"minute": (TariffVersion("minute", 1, 0, RATE_MICROS),)},
    )
    prepaid = {name: TOP_UP_MICROS for name in first.customers if int(name[1:]) % 5}
    secret = await fill_books(url, first, SystemClock(), prepaid)
    for begin in range(DIDS, dids, IMPORTED_AT_ONCE):
        await _add(url, range(begin, min(dids, begin + IMPORTED_AT_ONCE)))
    return secret


async def _add(url: str, indexes: range) -> None:
    async with open_books(url, SystemClock()) as books:
        more = Catalogue(version=0, dids={did_of(index): _did(index) for index in indexes})
        if not await books.apply_import(changes(more, await books.catalogue_version()), "bench"):
            raise RuntimeError("the books changed meanwhile")
