"""/v1/tariffs: everybody sees the tariffs that concern them."""

import pytest

from callserver.adapters.http import tariff_models as models
from callserver.adapters.http.tariff_shapes import tariff_shape
from callserver.domain.band import Band
from callserver.domain.tariff import TariffVersion
from tests.adapters.http.bed import Bed

BANDED = TariffVersion(
    "banded",
    2,
    1_000,
    150_000,
    cap_micros=5_000_000,
    bands=(Band(100_000, 79_200, 28_800, ("workday",), name="night"), Band(0, provinces=("浙江",))),
)


@pytest.mark.parametrize("who", ["admin", "noc", "north", "acme", "cork"])
async def test_the_tariff_of_ones_calls(bed: Bed, who: str) -> None:
    """All are priced by one here."""
    reply = await bed.ask("/v1/tariffs", who)
    shown = models.Tariffs.model_validate(reply.json)
    assert [each.tariff for each in shown.tariffs] == ["standard"]
    [version] = shown.tariffs[0].versions
    assert (version.effective_from, version.in_effect) == (None, True)
    assert (version.rate.amount, version.bands) == ("0.150000", [])


async def test_one_tariff(bed: Bed) -> None:
    """The same as in the list; one that does not exist, or concerns others, is unknown."""
    [listed] = (await bed.ask("/v1/tariffs", "acme")).json["tariffs"]
    assert (await bed.ask("/v1/tariffs/standard", "acme")).json == listed
    missing = await bed.ask("/v1/tariffs/gone", "acme")
    assert (missing.status, missing.json["code"]) == (404, "tariff_unknown")
    assert (await bed.ask("/v1/tariffs?x=1", "acme")).status == 400


def test_bands_are_shown_with_their_numbers() -> None:
    """As CDRs name them; the version in effect is marked."""
    first = TariffVersion("banded", 1, 0, 140_000)
    shape = tariff_shape("banded", (first, BANDED), 999)
    shown = models.TariffVersions.model_validate(shape)
    assert [each.in_effect for each in shown.versions] == [True, False]
    night, zhejiang = shown.versions[1].bands
    assert (night.number, night.name, night.from_time, night.to_time) == (
        1,
        "night",
        "22:00",
        "08:00",
    )
    assert (night.days, zhejiang.provinces, zhejiang.from_time) == (["workday"], ["浙江"], None)
    assert shown.versions[1].cap
    assert shown.versions[1].cap.amount == "5.000000"
