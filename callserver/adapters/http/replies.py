"""How every answer is written: JSON, with headers that keep it out of caches and sniffers."""

from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from multidict import CIMultiDict

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Server": "callserver",
}
_JSON_HEADERS = CIMultiDict({**SAFE_HEADERS, "Content-Type": "application/json"})


def json_reply(value: Any, status: int = HTTPStatus.OK) -> web.Response:
    """An answer from plain values; dataclasses and enums are fine too."""
    return web.Response(body=orjson.dumps(value), status=status, headers=_JSON_HEADERS)


def json_bytes_reply(body: bytes) -> web.Response:
    """An answer whose JSON is there already."""
    return web.Response(body=body, headers=_JSON_HEADERS)


def text_reply(body: bytes, content_type: str) -> web.Response:
    """An answer that is not JSON."""
    return web.Response(body=body, headers={**SAFE_HEADERS, "Content-Type": content_type})


def rfc3339(at_ms: int) -> str:
    """`2026-03-01T08:00:00.123Z` of UTC milliseconds."""
    return f"{_second(at_ms // 1000)}.{at_ms % 1000:03d}Z"


@lru_cache(maxsize=1024)  # most of what is asked for lies close together
def _second(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None).isoformat()


def rfc3339_or_none(at_ms: int) -> str | None:
    """The same; None for 0, which is how `never` is kept."""
    return rfc3339(at_ms) if at_ms else None
