"""The key of call_ids is made once, kept private, and never silently replaced."""

from pathlib import Path

import pytest

from callserver.start_files import load_call_id_key, load_regions


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The second start finds the first one's key; nobody else may read it."""
    path = tmp_path / "call_id.key"
    key = load_call_id_key(path)
    assert len(key) == 32
    assert load_call_id_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_an_error_not_a_new_key(tmp_path: Path) -> None:
    """With another key a call could be recorded twice, so the operator must decide."""
    path = tmp_path / "call_id.key"
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match=r"call_id\.key must hold 32 bytes"):
        load_call_id_key(path)
    assert path.read_bytes() == b"short"


def test_the_packaged_number_blocks_are_found() -> None:
    """The table knows Beijing's area code."""
    region = load_regions().by_area_code("010")
    assert region is not None
    assert region.province == "北京"
