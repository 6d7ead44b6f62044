"""The PBX's own CDR file (`cdr_custom`), read as it grows."""

import csv
import os
from pathlib import Path

import orjson
import structlog

from callserver.domain.pbx_cdr import PbxCdrLine

log = structlog.get_logger()

READ_BYTES_MAX = 1 << 20  # in one go, some 3 500 lines; the rest follows at the next look
LINE_BYTES_MAX = 16 << 10
_NOT_OURS = '"",'  # without a token: the PBX writes a line for every call it has
_COMPRESSED = frozenset({".gz", ".xz", ".bz2", ".zst", ".lz4"})

Place = tuple[int, int]
"""A file by its inode, and the offset of a line in it."""


def begin_at_end(path: Path, position: Path, pbx: str) -> None:
    """Let a file's reading begin behind the lines it has now; not if it has begun already.

    For a data folder that is new: its `call_id.key` is too, and no line of the past could be known
    again as a call that SQL has. Each would be charged a second time.
    """
    if position.exists() or not path.is_file():
        return
    state = path.stat()
    _write(position, (state.st_ino, state.st_size))
    log.warning("cdr_file.begun_at_end", pbx=pbx, path=str(path), bytes_passed=state.st_size)


def _write(position: Path, place: Place) -> None:
    fresh = position.with_suffix(".new")
    fresh.write_bytes(orjson.dumps({"inode": place[0], "offset": place[1]}))
    fresh.replace(position)


class CdrFile:
    """Lines that are not done with, by token; survives restarts and log rotation.

    `position` is a small file of ours that says from where on lines are still of interest:
    `{"inode": …, "offset": …}`. Lines before it were all settled. A rotated file is read to its end
    as long as it stands beside the new one, its name begun with that one's, uncompressed.
    """

    def __init__(self, path: Path, position: Path, pbx: str) -> None:
        self._path = path
        self._position = position
        self._pbx = pbx
        self._at = self._saved_place = self._saved()
        self._trouble = ""
        self._behind = False
        self._lines: dict[str, list[PbxCdrLine]] = {}
        self._starts: dict[str, Place] = {}  # in the order they were read

    @property
    def behind(self) -> bool:
        """Whether the last look left whole lines unread."""
        return self._behind

    def pending(self) -> dict[str, list[PbxCdrLine]]:
        """Read what is new; all lines not done with, by token, oldest first.

        A file that is not there (yet, or just rotated) or cannot be read has no new lines; a line
        we cannot read is logged and skipped.
        """
        self._behind = False
        try:
            for path in self._paths():
                with path.open("rb") as file:
                    self._behind = self._read(file.fileno())
                if self._behind:
                    break
        except FileNotFoundError:
            self._tell("missing", "")
        except OSError as error:
            self._tell("unreadable", error.strerror or type(error).__name__)
        else:
            self._trouble = ""
            self._save()
        return {token: list(lines) for token, lines in self._lines.items()}

    def done(self, tokens: set[str]) -> None:
        """Never show these again."""
        for token in tokens:
            self._lines.pop(token, None)
            self._starts.pop(token, None)
        self._save()

    def _tell(self, trouble: str, reason: str) -> None:
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble == "missing":
            log.warning("cdr_file.missing", pbx=self._pbx, path=str(self._path))
        else:
            log.error("cdr_file.unreadable", pbx=self._pbx, path=str(self._path), reason=reason)

    def _paths(self) -> list[Path]:
        """The files to read now, in order: those rotated since the last look, then the newest."""
        inode = self._at[0]
        if inode in (0, self._path.stat().st_ino):
            return [self._path]
        beside = [
            (path.stat(), path)
            for path in self._path.parent.glob(f"{self._path.name}?*")
            if path.suffix not in _COMPRESSED
        ]
        rotated = sorted(beside, key=lambda each: each[0].st_mtime_ns)
        for index, (state, _) in enumerate(rotated):
            if state.st_ino == inode:
                return [path for _, path in rotated[index:]] + [self._path]
        log.warning("cdr_file.rotated_away", pbx=self._pbx, path=str(self._path))
        return [self._path]

    def _read(self, descriptor: int) -> bool:
        """Read on in this file, or from its beginning; whether whole lines are left."""
        state = os.fstat(descriptor)
        inode, at = self._at
        if state.st_ino != inode or state.st_size < at:
            at = 0  # the next one, or truncated
        raw = os.pread(descriptor, READ_BYTES_MAX, at)
        whole = raw[: raw.rfind(b"\n") + 1]  # a line still being written waits
        for line in whole.splitlines(keepends=True):
            self._take(line, (state.st_ino, at))
            at += len(line)
        more = len(raw) == READ_BYTES_MAX
        if more and not whole:
            log.warning("cdr_file.line_skipped", pbx=self._pbx, offset=at, reason="it has no end")
            at += len(raw)
        self._at = (state.st_ino, at)
        return more

    def _take(self, raw: bytes, at: Place) -> None:
        text = raw[:LINE_BYTES_MAX].decode("utf-8", "replace").strip()
        if not text or text.startswith(_NOT_OURS):
            return
        try:
            line = PbxCdrLine.parse(next(csv.reader([text])))
        except (ValueError, csv.Error) as error:
            log.warning("cdr_file.line_skipped", pbx=self._pbx, offset=at[1], reason=str(error))
            return
        self._lines.setdefault(line.token, []).append(line)
        self._starts.setdefault(line.token, at)

    def _saved(self) -> Place:
        if not self._position.exists():
            return 0, 0
        try:
            saved = orjson.loads(self._position.read_bytes())
            return int(saved["inode"]), int(saved["offset"])
        except (ValueError, KeyError, TypeError) as error:
            # Reading it all again does no harm: calls that SQL has are known by their token.
            log.warning("cdr_file.position_lost", pbx=self._pbx, reason=type(error).__name__)
            return 0, 0

    def _save(self) -> None:
        place = next(iter(self._starts.values()), self._at)
        if place == self._saved_place:
            return
        _write(self._position, place)
        self._saved_place = place
