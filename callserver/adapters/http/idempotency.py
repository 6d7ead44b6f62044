"""The Idempotency-Key of a POST: what it stood for before, and the operation id it makes."""

import hashlib
import re

import orjson
from aiohttp import web

from callserver.adapters.http.access import Viewer
from callserver.adapters.http.bodies import read_body
from callserver.adapters.http.problems import Code, Problem
from callserver.ports.idempotency import KeyBook

_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


class Idempotency:
    """Keys of requests, kept in SQL: they hold over restarts and in every process.

    Call it when the body was found good and before anything is done: a request that could not be
    read uses up no key. The service does the rest: the same operation id moves money once.
    """

    def __init__(self, keys: KeyBook, read_s: float) -> None:
        self._keys = keys
        self._read_s = read_s

    async def operation_id(self, request: web.Request, viewer: Viewer) -> str:
        """What the service is to call this operation, the same for every retry of the bearer.

        Keys belong to the bearer's scope and subject (so a renewed token may retry). Raises
        Problem: 400 without a key, 409 when the key came with another path or body; and
        StoreUnavailable and OutcomeUnknown of SQL.
        """
        key = key_of(request)
        digest = await self._digest(request)
        bearer = f"{viewer.token.scope}:{viewer.token.subject}"
        if not await self._keys.claim_key(bearer, key, digest):
            raise Problem(
                Code.IDEMPOTENCY_KEY_REUSED,
                "This key came with another request before; use a new key for a new operation.",
            )
        return f"http:{bearer}:{key}"

    async def _digest(self, request: web.Request) -> str:
        """SHA-256 of method, path and body; JSON's spaces and order do not count."""
        body = await read_body(request, self._read_s)
        if body:
            try:
                body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
            except ValueError as error:
                raise Problem(Code.BAD_BODY, "Send JSON in UTF-8.") from error
        told = f"{request.method} {request.path}\n".encode()
        return hashlib.sha256(told + body).hexdigest()


def key_of(request: web.Request) -> str:
    """The header's text. Raises Problem (400)."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise Problem(
            Code.IDEMPOTENCY_KEY_MISSING,
            "Send `Idempotency-Key: <a new id of yours>`, and the same one when you retry.",
        )
    if not _KEY.fullmatch(key):
        raise Problem(Code.BAD_VALUE, "Idempotency-Key: write 1 to 128 ASCII characters, no space")
    return key
