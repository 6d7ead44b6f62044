"""The PBX's own CDR file (`cdr_custom`), read as it grows."""

import csv
import os
from pathlib import Path

import orjson
import structlog

from callserver.domain.pbx_cdr import PbxCdrLine

log = structlog.get_logger()

READ_BYTES_MAX = 8 << 20  # in one go; the rest follows at the next look
LINE_BYTES_MAX = 16 << 10


class CdrFile:
    """Lines that are not done with, by token; survives restarts and log rotation.

    `position` is a small file of ours that says from where on lines are still of interest:
    `{"inode": …, "offset": …}`. Lines before it were all settled.
    """

    def __init__(self, path: Path, position: Path, pbx: str) -> None:
        self._path = path
        self._position = position
        self._pbx = pbx
        self._inode, self._offset = self._saved()
        self._missing = False
        self._lines: dict[str, list[PbxCdrLine]] = {}
        self._starts: dict[str, int] = {}

    def pending(self) -> dict[str, list[PbxCdrLine]]:
        """Read what is new; all lines not done with, by token, oldest first.

        A file that is not there (yet, or just rotated) has no new lines; a line we cannot read is
        logged and skipped.
        """
        try:
            with self._path.open("rb") as file:
                self._read(file.fileno())
        except FileNotFoundError:
            if not self._missing:
                log.warning("cdr_file.missing", pbx=self._pbx, path=str(self._path))
            self._missing = True
        else:
            self._missing = False
        return {token: list(lines) for token, lines in self._lines.items()}

    def done(self, tokens: set[str]) -> None:
        """Never show these again."""
        for token in tokens:
            self._lines.pop(token, None)
            self._starts.pop(token, None)
        self._save()

    def _read(self, descriptor: int) -> None:
        state = os.fstat(descriptor)
        if state.st_ino != self._inode or state.st_size < self._offset:
            self._inode, self._offset = state.st_ino, 0  # rotated, or truncated
            self._starts = dict.fromkeys(self._starts, 0)
        raw = os.pread(descriptor, READ_BYTES_MAX, self._offset)
        whole = raw[: raw.rfind(b"\n") + 1]  # a line still being written waits
        at = self._offset
        for line in whole.splitlines(keepends=True):
            self._take(line, at)
            at += len(line)
        self._offset = at
        self._save()

    def _take(self, raw: bytes, at: int) -> None:
        text = raw[:LINE_BYTES_MAX].decode("utf-8", "replace").strip()
        if not text:
            return
        try:
            line = PbxCdrLine.parse(next(csv.reader([text])))
        except (ValueError, csv.Error) as error:
            log.warning("cdr_file.line_skipped", pbx=self._pbx, offset=at, reason=str(error))
            return
        self._lines.setdefault(line.token, []).append(line)
        self._starts.setdefault(line.token, at)

    def _saved(self) -> tuple[int, int]:
        if not self._position.exists():
            return 0, 0
        saved = orjson.loads(self._position.read_bytes())
        return int(saved["inode"]), int(saved["offset"])

    def _save(self) -> None:
        offset = min([self._offset, *self._starts.values()])
        fresh = self._position.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"inode": self._inode, "offset": offset}))
        fresh.replace(self._position)
