"""A small append-only file: length, CRC-32 and bytes of each record, fsynced one by one."""

import os
import struct
import zlib
from collections import deque
from pathlib import Path
from typing import Self

import structlog

log = structlog.get_logger()

_HEADER = struct.Struct(">II")  # length of the record, CRC-32 of the record
RECORD_BYTES_MAX = 1 << 20
RECORDS_MAX = 100_000


class SpoolFull(Exception):
    """The spool holds as many records as it may; the operator must bring Redis back."""


class SpoolFile:
    """The CallKeeper port on one file of one process.

    A torn or damaged tail (the machine stopped while it was written) is moved aside, never
    silently dropped. Records are kept in memory too, so `kept` costs no reading.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: deque[bytes] = deque(self._read())
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._records)

    def keep(self, record: bytes) -> None:
        """Append one record; it is on disk when this returns. Raises SpoolFull or ValueError."""
        if len(record) > RECORD_BYTES_MAX:
            raise ValueError(f"a record is at most {RECORD_BYTES_MAX} bytes, not {len(record)}")
        if len(self._records) >= RECORDS_MAX:
            raise SpoolFull(f"{self._path} holds {RECORDS_MAX} ended calls; bring Redis back.")
        self._file.write(_HEADER.pack(len(record), zlib.crc32(record)) + record)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._records.append(record)

    def kept(self) -> list[bytes]:
        """All intact records, oldest first."""
        return list(self._records)

    def clear(self, count: int) -> None:
        """Drop the oldest `count` records, in memory and on disk."""
        for _ in range(min(count, len(self._records))):
            self._records.popleft()
        if self._records:
            self._rewrite()
        else:
            self._file.truncate(0)
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; what is in it is found again at the next start."""
        self._file.close()

    def _rewrite(self) -> None:
        """Replace the file at once, so that a crash leaves the old or the new one."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            for record in self._records:
                file.write(_HEADER.pack(len(record), zlib.crc32(record)) + record)
            file.flush()
            os.fsync(file.fileno())
        self._file.close()
        fresh.replace(self._path)
        self._file = self._path.open("ab")

    def _read(self) -> list[bytes]:
        if not self._path.exists():
            return []
        raw = self._path.read_bytes()
        records: list[bytes] = []
        at = 0
        while at + _HEADER.size <= len(raw):
            length, crc = _HEADER.unpack_from(raw, at)
            record = raw[at + _HEADER.size : at + _HEADER.size + length]
            if len(record) < length or zlib.crc32(record) != crc:
                break
            records.append(record)
            at += _HEADER.size + length
        if at < len(raw):
            aside = self._path.with_suffix(".damaged")
            with aside.open("ab") as file:
                file.write(raw[at:])
            os.truncate(self._path, at)
            log.error("spool.damaged", kept=len(records), bytes_aside=len(raw) - at)
        return records
