"""Sealer with AES-256-GCM and keys from a file of this machine."""

import base64
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callserver.ports.numbers import KeysUnusable, SealBroken

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyFileSealer:
    """Seals with the first key of the file, opens with any of them.

    A line is one key of 32 bytes in base64. To change keys, put a new line in front; take the old
    one away when nothing sealed with it is left. The file is read at the first use, and made then,
    with mode 0600, if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, AESGCM] = {}

    def seal(self, plain: bytes, context: str) -> str:
        """`KEY_ID.BASE64`. Raises KeysUnusable."""
        key_id, key = next(iter(self._ready().items()))
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + key.encrypt(nonce, plain, context.encode())
        return f"{key_id}.{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, context: str) -> bytes:
        """What was sealed with this context. Raises SealBroken and KeysUnusable."""
        key_id, _, text = sealed.partition(".")
        key = self._ready().get(key_id)
        if key is None:
            raise SealBroken(f"key {key_id} is not in {self._path}; put it back")
        raw = base64.b64decode(text)
        try:
            return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
        except InvalidTag:
            raise SealBroken("this is not what was sealed") from None

    def _ready(self) -> dict[str, AESGCM]:
        if not self._keys:
            if not self._path.exists():
                _make(self._path)
            self._keys = _read(self._path)
        return self._keys


def _make(path: Path) -> None:
    """A file with one new key; where another process is making it too, one of the two stays."""
    text = base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:  # mkstemp's mode is 0600
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _link(name, path)
        finally:
            Path(name).unlink()
    except OSError as fault:
        raise KeysUnusable(f"{path} cannot be made: {fault.strerror}") from fault


def _link(name: str, path: Path) -> None:
    try:
        os.link(name, path)
    except FileExistsError:
        return


def _read(path: Path) -> dict[str, AESGCM]:
    try:
        if path.stat().st_mode & 0o077:
            raise KeysUnusable(f"{path} may be read by others; run: chmod 600 {path}")
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not a file of keys"
        raise KeysUnusable(f"{path} cannot be read: {reason}") from fault
    keys = dict(_key(path, number, line) for number, line in enumerate(lines, 1))
    if not keys:
        raise KeysUnusable(f"{path} has no key; restore it, or take it away for a new one")
    return keys


def _key(path: Path, number: int, line: str) -> tuple[str, AESGCM]:
    try:
        raw = base64.b64decode(line, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise KeysUnusable(f"{path}: key {number} is not {KEY_BYTES} bytes in base64")
    return hashlib.sha256(raw).hexdigest()[:8], AESGCM(raw)
