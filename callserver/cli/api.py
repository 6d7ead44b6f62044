"""Asks a running server over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp

from callserver.cli.output import Failed

DEADLINE_S = 10.0


class ApiFailed(Failed):
    """The server did not answer, or with a problem; the text says which."""


async def get_json(url: str, token: str | None = None, accept: Sequence[int] = (200,)) -> Any:
    """GET one JSON document; statuses outside `accept` raise ApiFailed with the problem's title."""
    response, body = await _get(url, token, lambda answer: answer.json(content_type=None))
    if response.status not in accept:
        problem = body if isinstance(body, dict) else {}
        said = problem.get("detail") or problem.get("title") or response.reason
        raise ApiFailed(f"{url}: {response.status} {said}")
    return body


async def get_text(url: str) -> str:
    """GET a public text; any status but 200 raises ApiFailed."""
    response, body = await _get(url, None, lambda answer: answer.text())
    if response.status != HTTPStatus.OK:
        raise ApiFailed(f"{url}: {response.status} {response.reason}")
    return str(body)


async def _get(
    url: str, token: str | None, read: Callable[[aiohttp.ClientResponse], Awaitable[Any]]
) -> tuple[aiohttp.ClientResponse, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            return response, await read(response)
    except aiohttp.InvalidURL:
        raise ApiFailed(f"{url} is not a URL; write it like http://127.0.0.1:8400") from None
    except aiohttp.ClientConnectorError as fault:
        reason = fault.os_error.strerror or fault.os_error
        raise ApiFailed(f"{url}: no connection: {reason}") from None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as fault:
        raise ApiFailed(f"{url}: {fault or type(fault).__name__}") from None
