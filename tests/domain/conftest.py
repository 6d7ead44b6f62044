"""What the tests of the domain share."""

from importlib.resources import files

import pytest

from callserver.domain.region import RegionTable


@pytest.fixture(scope="session")
def phone_dat() -> bytes:
    """The real data file, as PyPI `phone` ships it."""
    return (files("phone") / "phone.dat").read_bytes()


@pytest.fixture(scope="session")
def regions(phone_dat: bytes) -> RegionTable:
    """The real region table."""
    return RegionTable.from_phone_dat(phone_dat)
