"""What the demo asks of the HTTP API, as any customer's back end would."""

from decimal import Decimal
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

PAGE = 500


class ApiFailed(Exception):
    """The API did not answer as its documentation says."""


class ApiClient:
    """The API at a port of this machine, with a bearer token; `async with` closes it."""

    def __init__(self, port: int, token: str) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._session = aiohttp.ClientSession(
            self.base, headers={"Authorization": f"Bearer {token}"}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def ready(self) -> bool:
        """Whether the server says that all its parts are there."""
        async with self._session.get("/readyz") as answer:
            return answer.status == HTTPStatus.OK

    async def cdrs(self, newest: int | None = None) -> list[dict[str, Any]]:
        """The CDRs, newest first; all of them, or so many."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self._get("/v1/cdrs", limit=str(newest or PAGE), **more)
            found += page["cdrs"]
            cursor = page["next_cursor"]
            if cursor is None or newest is not None:
                return found

    async def live_calls(self) -> list[dict[str, Any]]:
        """The calls that are up."""
        answer = await self._get("/v1/calls", state="live")
        calls: list[dict[str, Any]] = answer["calls"]
        return calls

    async def balance(self, account: str) -> dict[str, Decimal]:
        """Yuan of an account: settled, held, available …"""
        answer = await self._get(f"/v1/accounts/{account}/balance")
        return {
            name: Decimal(value["amount"])
            for name, value in answer.items()
            if isinstance(value, dict) and "amount" in value
        }

    async def is_live(self, account: str) -> bool:
        """Whether the account's holds and running fees are known, not only its ledger."""
        answer = await self._get(f"/v1/accounts/{account}/balance")
        return bool(answer["live"])

    async def _get(self, path: str, **query: str) -> dict[str, Any]:
        async with self._session.get(path, params=query) as answer:
            if answer.status != HTTPStatus.OK:
                raise ApiFailed(f"GET {path}: {answer.status} {await answer.text()}")
            body: dict[str, Any] = await answer.json()
            return body
