"""A blocking client for the API, enough for tests."""

import urllib.error
import urllib.request
from typing import Any

import orjson


def get_json(url: str, token: str | None = None, timeout_s: float = 5.0) -> tuple[int, Any]:
    """Status and decoded body; raises OSError while nobody answers."""
    return _ask(urllib.request.Request(url), token, timeout_s)


def post_json(
    url: str, body: Any, token: str, *, idempotency_key: str, timeout_s: float = 5.0
) -> tuple[int, Any]:
    """POST a JSON body with its idempotency key."""
    request = urllib.request.Request(
        url,
        orjson.dumps(body),
        {"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
    )
    return _ask(request, token, timeout_s)


def _ask(request: urllib.request.Request, token: str | None, timeout_s: float) -> tuple[int, Any]:
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return response.status, orjson.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, orjson.loads(error.read() or b"null")
