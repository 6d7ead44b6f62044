"""The PBX's CDR file over rotations and restarts, and with obstacles in its way."""

import io
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from callserver.adapters.ami import cdr_file
from callserver.adapters.ami.cdr_file import CdrFile, begin_at_end

NAME = "callserver.csv"


class Written:
    """Plays Asterisk's `cdr_custom`, which opens the file anew for every line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.position = folder / "data" / "cdr_file.pbx1.json"
        self.position.parent.mkdir()

    def reader(self) -> CdrFile:
        """A process that begins to read."""
        return CdrFile(self.path, self.position, "pbx1")

    def line(self) -> str:
        """One more call; its token."""
        token = str(uuid.uuid4())
        row = (
            *(token, "1790000000.1", "1790000000.1", "4001000001", "13800571234"),
            *("1790000000.000000", "", "1790000009.500000", "0", "9", "NO ANSWER", ""),
            *("PJSIP/carrier-1", "PJSIP/carrier-2", "Dial", "PJSIP/02188880100@carrier,20,i"),
        )
        with self.path.open("a") as file:
            file.write(",".join(f'"{value}"' for value in row) + "\n")
        return token

    def rotate(self, to: str = f"{NAME}.1") -> Path:
        """As logrotate does."""
        return self.path.rename(self.path.with_name(to))


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Nothing yet."""
    return Written(tmp_path)


def test_a_restart_begins_at_the_first_line_of_interest(written: Written) -> None:
    """What was done with before it is not read again."""
    tokens = [written.line() for _ in range(4)]
    reader = written.reader()
    reader.pending()
    reader.done({tokens[0], tokens[2]})
    assert list(written.reader().pending()) == tokens[1:]


def test_a_new_data_folder_begins_at_the_end(written: Written, log_text: io.StringIO) -> None:
    """With a new key no line of the past would be known again: each would be charged twice."""
    old = written.line()
    begin_at_end(written.path, written.position, "pbx1")
    new = written.line()
    assert list(written.reader().pending()) == [new]
    assert old not in written.reader().pending()
    assert "cdr_file.begun_at_end" in log_text.getvalue()


def test_what_has_begun_goes_on(written: Written) -> None:
    """A position that is there stays; a file that is not there yet is read from its beginning."""
    begin_at_end(written.path, written.position, "pbx1")
    first = written.line()
    reader = written.reader()
    assert list(reader.pending()) == [first]
    second = written.line()
    reader.done({first})
    begin_at_end(written.path, written.position, "pbx1")
    assert list(written.reader().pending()) == [second]


@pytest.mark.parametrize("obstacle", ["a folder", "a loop of links"])
def test_what_cannot_be_read_is_said_once(
    written: Written, log_text: io.StringIO, obstacle: str
) -> None:
    """No right to read it, say: calls go on, their ends come in the other ways."""
    if obstacle == "a folder":
        written.path.mkdir()
    else:
        written.path.symlink_to(written.path)
    reader = written.reader()
    assert [reader.pending(), reader.pending()] == [{}, {}]
    assert log_text.getvalue().count("cdr_file.unreadable") == 1
    if obstacle == "a folder":
        written.path.rmdir()
    else:
        written.path.unlink()
    token = written.line()
    assert list(reader.pending()) == [token]


@pytest.mark.parametrize("garbage", [b"", b"{", b'{"inode": "x"}', b"[]"])
def test_a_damaged_position_reads_the_file_again(written: Written, garbage: bytes) -> None:
    """A crash of the machine left an empty one: lines that SQL has are known by their token."""
    token = written.line()
    reader = written.reader()
    reader.pending()
    reader.done({token})
    written.position.write_bytes(garbage)
    assert list(written.reader().pending()) == [token]


def test_the_rest_of_a_rotated_file_is_read(written: Written) -> None:
    """Lines written after the last look and before the rotation are lost to nobody."""
    tokens = [written.line()]
    reader = written.reader()
    reader.pending()
    tokens.append(written.line())
    written.rotate()
    tokens.append(written.line())
    assert list(reader.pending()) == tokens
    tokens.append(written.line())
    assert list(reader.pending()) == tokens


def test_rotated_more_than_once_while_no_server_ran(written: Written) -> None:
    """The files are read in order, from the first line of interest on."""
    tokens = [written.line(), written.line()]
    reader = written.reader()
    reader.pending()
    reader.done({tokens[0]})
    tokens.append(written.line())
    os.utime(written.rotate(f"{NAME}.2"), ns=(1_000, 1_000))
    tokens.append(written.line())
    os.utime(written.rotate(), ns=(2_000, 2_000))
    tokens.append(written.line())
    assert list(written.reader().pending()) == tokens[1:]


def test_a_line_of_a_rotated_file_is_found_after_a_restart(written: Written) -> None:
    """It was read before the rotation, and its call is still open."""
    token = written.line()
    reader = written.reader()
    reader.pending()
    written.rotate()
    later = written.line()
    assert list(reader.pending()) == [token, later]
    assert list(written.reader().pending()) == [token, later]
    reader.done({token})
    assert list(written.reader().pending()) == [later]


def test_a_rotated_file_that_is_gone_is_said(written: Written, log_text: io.StringIO) -> None:
    """Compressed at once, or deleted: what it had unread cannot be known."""
    written.line()
    reader = written.reader()
    reader.pending()
    written.rotate(f"{NAME}.1.gz")
    token = written.line()
    assert token in reader.pending()
    assert log_text.getvalue().count("cdr_file.rotated_away") == 1


def test_a_rotated_file_is_read_in_parts_too(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part at each look, no line twice; until the end it is known that lines are left."""
    monkeypatch.setattr(cdr_file, "READ_BYTES_MAX", 1_000)
    tokens = [written.line() for _ in range(20)]
    reader = written.reader()
    assert not reader.behind
    assert 0 < len(reader.pending()) < 10
    assert reader.behind
    written.rotate()
    tokens.append(written.line())
    _until(lambda: len(reader.pending()) == 21)
    assert list(reader.pending()) == tokens
    assert not reader.behind


def test_a_line_without_end_is_stepped_over(
    written: Written, monkeypatch: pytest.MonkeyPatch, log_text: io.StringIO
) -> None:
    """However long: what comes after it is read."""
    monkeypatch.setattr(cdr_file, "READ_BYTES_MAX", 1_000)
    written.path.write_bytes(b"x" * 2_500 + b"\n")
    token = written.line()
    reader = written.reader()
    _until(lambda: token in reader.pending())
    assert "cdr_file.line_skipped" in log_text.getvalue()


def _until(reached: Callable[[], bool]) -> None:
    for _ in range(50):
        if reached():
            return
    raise AssertionError("not reached in 50 looks")
