"""The PBX's own CDR file as it grows, is rotated, and is not what it should be."""

import io
import uuid
from pathlib import Path

import pytest

from callserver.adapters.ami import cdr_file
from callserver.adapters.ami.cdr_file import CdrFile


def line(token: str, end: str = "1790000010.000000") -> str:
    """A line of an unanswered call."""
    instants = f'"1790000000.000000","","{end}"'
    return (
        f'"{token}","1790000000.1","1790000000.1","4001000001","13800571234",{instants},'
        '"0","10","NO ANSWER","16","PJSIP/carrier-1","","Dial","PJSIP/021@carrier"\n'
    )


class Files:
    """A CDR file and the note of our position in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "callserver.csv"
        self.position = folder / "position.json"
        self.file = self.open()

    def open(self) -> CdrFile:
        """As after a restart."""
        return CdrFile(self.path, self.position, "pbx-1")

    def write(self, text: str) -> None:
        """What the PBX appends."""
        with self.path.open("a") as file:
            file.write(text)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Nothing written yet."""
    return Files(tmp_path)


def token() -> str:
    """A new one."""
    return str(uuid.uuid4())


def test_lines_come_by_token_until_they_are_done_with(files: Files) -> None:
    """One per attempt, oldest first; then never again."""
    first, second = token(), token()
    files.write(line(first) + line(second) + line(first, "1790000020.5"))
    found = files.file.pending()
    assert {key: len(lines) for key, lines in found.items()} == {first: 2, second: 1}
    assert [each.end_us for each in found[first]] == [1_790_000_010_000_000, 1_790_000_020_500_000]
    files.file.done({first})
    assert set(files.file.pending()) == {second}


def test_a_restart_shows_what_was_not_done_with(files: Files) -> None:
    """And nothing before it."""
    done, kept, later = token(), token(), token()
    files.write(line(done) + line(kept) + line(later))
    files.file.pending()
    files.file.done({done, later})
    assert set(files.open().pending()) == {kept, later}
    files.file.done({kept})
    assert files.open().pending() == {}


def test_a_line_still_being_written_waits(files: Files) -> None:
    """Half of it is not a line."""
    whole, half = token(), token()
    files.write(line(whole) + line(half)[:60])
    assert set(files.file.pending()) == {whole}
    files.write(line(half)[60:])
    assert set(files.file.pending()) == {whole, half}


def test_lines_we_cannot_read_are_skipped(files: Files, log_text: io.StringIO) -> None:
    """Logged, and the one behind them is read."""
    good = token()
    files.write("nonsense\n" + '"a","b"\n' + "\n" + line("not-a-token") + '"' * 7 + "\n")
    files.write("x" * 20_000 + "\n" + line(good))
    assert set(files.file.pending()) == {good}
    assert log_text.getvalue().count("cdr_file.line_skipped") == 5


def test_bytes_that_are_not_utf8_do_not_stop_it(files: Files) -> None:
    """A caller put them there."""
    good = token()
    files.path.write_bytes(b'"\xff\xfe"\n' + line(good).encode())
    assert set(files.file.pending()) == {good}


def test_a_rotated_file_is_finished_first(files: Files) -> None:
    """What was written between our last look and the rotation is not lost, nor shown twice."""
    read, unread, new = token(), token(), token()
    files.write(line(read))
    files.file.pending()
    files.file.done({read})
    files.write(line(unread))
    files.path.rename(files.path.with_name("callserver.csv.1"))
    files.write(line(new))
    assert set(files.file.pending()) == {unread, new}
    files.file.done({unread, new})
    assert files.open().pending() == {}


def test_a_rotation_while_we_were_away_is_seen(files: Files) -> None:
    """The note of our position says which file it is of."""
    unread, new = token(), token()
    files.file.pending()
    files.write(line(token()))
    files.file.done(set(files.file.pending()))
    files.write(line(unread))
    files.path.rename(files.path.with_name("callserver.csv.1"))
    files.write(line(new))
    assert set(files.open().pending()) == {unread, new}


def test_a_truncated_file_is_read_from_its_start(files: Files) -> None:
    """`copytruncate`, as some rotate."""
    files.write(line(token()) * 3)
    files.file.done(set(files.file.pending()))
    again = token()
    files.path.write_text(line(again))
    assert set(files.file.pending()) == {again}


def test_a_file_that_is_not_there_has_no_lines(files: Files, log_text: io.StringIO) -> None:
    """Said once, until it is there."""
    for _ in range(3):
        assert files.file.pending() == {}
    assert log_text.getvalue().count("cdr_file.missing") == 1
    here = token()
    files.write(line(here))
    assert set(files.file.pending()) == {here}
    files.path.unlink()
    assert set(files.file.pending()) == {here}
    assert log_text.getvalue().count("cdr_file.missing") == 2


def test_a_file_that_cannot_be_read_is_no_reason_to_fail(
    files: Files, log_text: io.StringIO
) -> None:
    """A folder in its place, or rights that are missing."""
    files.path.mkdir()
    for _ in range(2):
        assert files.file.pending() == {}
    assert log_text.getvalue().count("cdr_file.unreadable") == 1


def test_a_torn_note_of_the_position_means_the_start(files: Files, log_text: io.StringIO) -> None:
    """A power cut left it empty: all lines are shown, and SQL knows which are settled."""
    here = token()
    files.write(line(here))
    files.file.done(set(files.file.pending()))
    for torn in (b"", b"{}", b"\0\0\0"):
        files.position.write_bytes(torn)
        assert set(files.open().pending()) == {here}
    assert "cdr_file.position_lost" in log_text.getvalue()


def test_a_long_file_is_read_in_pieces(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """No look takes longer than a bounded read; the rest follows."""
    monkeypatch.setattr(cdr_file, "READ_BYTES_MAX", 1_000)
    tokens = [token() for _ in range(10)]
    files.write("".join(map(line, tokens)))
    assert 0 < len(files.file.pending()) < 10
    for _ in range(10):
        found = files.file.pending()
    assert list(found) == tokens
