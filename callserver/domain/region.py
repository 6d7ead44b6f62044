"""Where Chinese numbers are registered, read from the bytes of a `phone.dat`.

The file (as PyPI `phone` ships it) is little-endian: a version of 4 bytes, the offset of the index,
records `province|city|postcode|area code` ended by a zero byte, then index entries of 9 bytes:
the first 7 digits of a mobile, the offset of its record, the network operator.
"""

import re
import sys
from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import Self

HEADER_BYTES = 8
ENTRY_BYTES = 9
_AREA_CODE = re.compile(r"0[1-9]\d{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Region:
    """Where a number is registered (not where the phone is). Names are Chinese, as in phone.dat."""

    province: str
    city: str
    area_code: str


class BadRegionFile(ValueError):
    """The bytes are not a phone.dat."""


def _column(index: bytes, at: int) -> "array[int]":
    """The 32-bit column that starts `at` bytes into each entry, cut out without a Python loop."""
    count = len(index) // ENTRY_BYTES
    packed = bytearray(4 * count)
    for byte in range(4):
        packed[byte::4] = index[at + byte :: ENTRY_BYTES]
    column = array("i")
    column.frombytes(bytes(packed))
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _records(data: bytes, end: int) -> dict[int, Region]:
    """Regions by the offset of their record."""
    found: dict[int, Region] = {}
    position = HEADER_BYTES
    for record in data[HEADER_BYTES:end].split(b"\0")[:-1]:
        parts = record.decode().split("|")
        if len(parts) != 4:
            raise BadRegionFile(f"record at byte {position} has {len(parts)} parts instead of 4")
        province, city, _, code = parts
        # a few records carry a zero too many
        found[position] = Region(province, city, f"0{code.lstrip('0')}")
        position += len(record) + 1
    return found


class RegionTable:
    """Regions by mobile block and by area code. 500 000 blocks take about 5 MB.

    `prefixes` rise; `offsets`, one for each, are keys of `records`. Raises BadRegionFile.
    """

    def __init__(
        self,
        prefixes: "array[int]",
        offsets: "array[int]",
        records: dict[int, Region],
    ) -> None:
        self._prefixes = prefixes
        self._offsets = offsets
        self._records = records
        blocks = Counter(offsets)
        if not blocks.keys() <= records.keys():
            raise BadRegionFile("an index entry points at no record")
        self._by_area_code = _main_regions(blocks, records)

    @classmethod
    def from_phone_dat(cls, data: bytes) -> Self:
        """Read the whole file, given as bytes. Raises BadRegionFile if it is something else."""
        first = int.from_bytes(data[4:HEADER_BYTES], "little")
        if not HEADER_BYTES <= first <= len(data) or (len(data) - first) % ENTRY_BYTES:
            raise BadRegionFile("the index does not lie within the file in whole entries")
        index = data[first:]
        try:
            records = _records(data, first)
        except UnicodeDecodeError as error:
            raise BadRegionFile("a record is not UTF-8") from error
        return cls(_column(index, 0), _column(index, 4), records)

    @classmethod
    def empty(cls) -> Self:
        """A table that knows no region: callers keep their numbers, without a region."""
        return cls(array("i"), array("i"), {})

    @property
    def mobile_blocks(self) -> int:
        """How many blocks of 10 000 mobile numbers are known."""
        return len(self._prefixes)

    @property
    def area_codes(self) -> frozenset[str]:
        """The landline area codes known, with their zero."""
        return frozenset(self._by_area_code)

    def by_mobile(self, prefix7: str) -> Region | None:
        """The region of a mobile by its first seven digits; None if the block is not known."""
        if len(prefix7) != 7 or not prefix7.isascii() or not prefix7.isdigit():
            return None
        wanted = int(prefix7)
        at = bisect_left(self._prefixes, wanted)
        if at == len(self._prefixes) or self._prefixes[at] != wanted:
            return None
        return self._records[self._offsets[at]]

    def by_area_code(self, code: str) -> Region | None:
        """The region of an area code such as `010` or `0571`; None if it is not known."""
        return self._by_area_code.get(code)


def _main_regions(blocks: "Counter[int]", records: dict[int, Region]) -> dict[str, Region]:
    """One region per area code: of the cities that share it, the one with the most blocks."""
    main: dict[str, tuple[int, Region]] = {}
    for offset, region in records.items():
        if not _AREA_CODE.fullmatch(region.area_code):
            continue
        count = blocks[offset]
        if region.area_code not in main or count > main[region.area_code][0]:
            main[region.area_code] = (count, region)
    return {code: region for code, (_, region) in main.items()}
