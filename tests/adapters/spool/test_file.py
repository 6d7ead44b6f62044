"""The spool keeps what it acknowledged, whatever happens to the file's end."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.adapters.spool import SpoolFile
from callserver.adapters.spool.file import SpoolFull


def on_disk(path: Path) -> list[bytes]:
    """What the next process would find."""
    with SpoolFile(path) as spool:
        return spool.kept()


def test_records_survive_a_reopening(tmp_path: Path) -> None:
    """What was kept is there for the next process, in order."""
    path = tmp_path / "calls.spool"
    with SpoolFile(path) as spool:
        spool.keep(b"first")
        spool.keep(b"second")
        assert on_disk(path) == [b"first", b"second"]


def test_cleared_records_do_not_come_back(tmp_path: Path) -> None:
    """A replayed record is gone from the disk too; the others stay."""
    path = tmp_path / "calls.spool"
    with SpoolFile(path) as spool:
        for record in (b"a", b"b", b"c"):
            spool.keep(record)
        spool.clear(1)
        spool.keep(b"d")
    assert on_disk(path) == [b"b", b"c", b"d"]
    with SpoolFile(path) as spool:
        spool.clear(3)
    assert on_disk(path) == []


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_torn_tail_costs_only_the_record_it_tore(tmp_path: Path, cut: int) -> None:
    """Cutting the file anywhere inside the last record leaves the earlier ones readable."""
    path = tmp_path / "calls.spool"
    with SpoolFile(path) as spool:
        spool.keep(b"whole")
        spool.keep(b"torn!")
    path.write_bytes(path.read_bytes()[:-cut])
    with SpoolFile(path) as spool:
        assert spool.kept() == [b"whole"]
        spool.keep(b"next")
    assert on_disk(path) == [b"whole", b"next"]
    assert path.with_suffix(".damaged").exists()


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(0, 25))
def test_keep_and_clear_are_a_queue(records: list[bytes], cleared: int) -> None:
    """After any keeps and a clear, the file holds exactly the rest."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.spool"
        with SpoolFile(path) as spool:
            for record in records:
                spool.keep(record)
            spool.clear(cleared)
        assert on_disk(path) == records[cleared:]


def test_a_full_spool_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is an error that names the file, not a silent loss."""
    monkeypatch.setattr("callserver.adapters.spool.file.RECORDS_MAX", 1)
    with SpoolFile(tmp_path / "calls.spool") as spool:
        spool.keep(b"one")
        with pytest.raises(SpoolFull, match=r"calls\.spool"):
            spool.keep(b"two")
