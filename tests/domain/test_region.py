"""The region table, on the real file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.region import BadRegionFile, Region, RegionTable


def test_the_real_file_is_read_whole(regions: RegionTable) -> None:
    """Every block and every area code of phone 0.4.5 is there."""
    assert regions.mobile_blocks == 499_527
    assert len(regions.area_codes) == 321


@pytest.mark.parametrize(
    ("prefix", "region"),
    [
        ("1380013", Region("北京", "北京", "010")),
        ("1300000", Region("山东", "济南", "0531")),
        ("1999979", Region("新疆", "石河子", "0993")),
    ],
)
def test_mobiles_by_block(regions: RegionTable, prefix: str, region: Region) -> None:
    """Also the first and the last block of the file."""
    found = regions.by_mobile(prefix)
    assert found is not None
    assert found == region


@pytest.mark.parametrize(
    "prefix", ["1000000", "9999999", "1299999", "138001", "13800138", "138001x"]
)
def test_blocks_nobody_has(regions: RegionTable, prefix: str) -> None:
    """An unknown or malformed block has no region."""
    assert regions.by_mobile(prefix) is None


@pytest.mark.parametrize(
    ("code", "city"),
    [("010", "北京"), ("021", "上海"), ("0571", "杭州"), ("028", "成都"), ("0731", "长沙"),
     ("029", "西安"), ("0871", "昆明"), ("0898", "海口"), ("024", "沈阳")],
)  # fmt: skip
def test_area_codes(regions: RegionTable, code: str, city: str) -> None:
    """Of cities that share a code, the main one stands for it."""
    region = regions.by_area_code(code)
    assert region is not None
    assert (region.city, region.area_code) == (city, code)


def test_area_codes_nobody_has(regions: RegionTable) -> None:
    """Codes without their zero, or of no city, are unknown."""
    for code in ("", "21", "0", "0000", "099", "00479"):
        assert regions.by_area_code(code) is None


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    """A file that is something else never yields regions."""
    try:
        table = RegionTable.from_phone_dat(data)
    except BadRegionFile:
        return
    assert table.mobile_blocks == 0


def test_a_broken_file_is_refused(phone_dat: bytes) -> None:
    """Cut off, or with an index that points into nowhere."""
    for data in (phone_dat[:-1], phone_dat[:5000], phone_dat[:-5] + b"\xff" * 5):
        with pytest.raises(BadRegionFile):
            RegionTable.from_phone_dat(data)


def test_bad_records_are_refused() -> None:
    """A record with missing parts, or not in UTF-8."""
    for record in (b"a|b|c\0", b"\xff|b|c|021\0"):
        with pytest.raises(BadRegionFile):
            RegionTable.from_phone_dat(b"2312" + (8 + len(record)).to_bytes(4, "little") + record)


def test_an_empty_table_knows_nothing() -> None:
    """The server runs without a file, only without regions."""
    table = RegionTable.empty()
    assert (table.by_mobile("1380013"), table.by_area_code("010")) == (None, None)
    assert table.mobile_blocks == 0
