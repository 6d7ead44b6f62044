"""Provinces as the number blocks name them."""

from callserver.domain.province import PROVINCES, WRITTEN
from callserver.start_files import load_regions


def test_every_province_of_the_number_blocks_is_known() -> None:
    """And no other: a band for one could never hold."""
    regions = load_regions()
    found = {
        region.province for code in regions.area_codes if (region := regions.by_area_code(code))
    }
    assert found == set(PROVINCES)


def test_people_write_provinces_in_several_ways() -> None:
    """With what it is, and in pinyin; no two provinces share a word."""
    assert WRITTEN["浙江省"] == WRITTEN["zhejiang"] == WRITTEN["浙江"] == "浙江"
    assert WRITTEN["内蒙古自治区"] == WRITTEN["neimenggu"] == "内蒙古"
    assert WRITTEN["新疆维吾尔自治区"] == "新疆"
    assert (WRITTEN["shanxi"], WRITTEN["shaanxi"]) == ("山西", "陕西")
    assert {name: WRITTEN[name] for name in PROVINCES} == {name: name for name in PROVINCES}
