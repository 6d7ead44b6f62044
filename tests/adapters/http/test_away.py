"""What is answered while Redis or SQL is away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callserver.adapters.http import models
from callserver.adapters.redis.client import RedisLink
from callserver.ports import OutcomeUnknown, StoreUnavailable
from tests.adapters.http.bed import Bed, open_bed

BALANCE = "/v1/accounts/acme/balance"


class Away:
    """A store none of whose methods answers."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def fails(*_args: object, **_named: object) -> None:
            raise self._error

        return fails


async def test_without_redis_the_balance_is_that_of_sql_and_says_so(bed: Bed) -> None:
    """Back ends may go on reading; `live` false warns them."""
    await bed.top_up("acme", "10.00")
    await bed.link.stop()
    shown = models.Balance.model_validate((await bed.ask(BALANCE, "acme")).json)
    assert (shown.live, shown.settled.amount, shown.available.amount) == (
        False,
        "10.000000",
        "10.000000",
    )


async def test_without_redis_a_top_up_is_taken_and_applied_later(bed: Bed) -> None:
    """It is acknowledged when SQL has it; Redis gets it once it is back."""
    await bed.link.stop()
    assert (await bed.top_up("acme", "10.00")).status == 201
    await bed.link.start()
    await bed.services.accounts.catch_up()
    shown = models.Balance.model_validate((await bed.ask(BALANCE, "acme")).json)
    assert (shown.live, shown.available.amount) == (True, "10.000000")


async def test_without_redis_live_calls_are_unavailable(bed: Bed) -> None:
    """503 with a time to come back, never an empty list that would be a lie."""
    await bed.link.stop()
    for who in ("acme", "noc"):
        reply = await bed.ask("/v1/calls?state=live", who)
        assert (reply.status, reply.json["code"]) == (503, "unavailable")
        assert reply.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailable("gone"), "unavailable"), (OutcomeUnknown("slow"), "outcome_unknown")],
)
async def test_without_sql_cdrs_and_top_ups_are_unavailable(
    tmp_path: Path, link: RedisLink, error: Exception, code: str
) -> None:
    """An unknown outcome is told to come back with the same key."""
    async with open_bed(tmp_path, link, books=Away(error)) as bed:
        for reply in (await bed.ask("/v1/cdrs"), await bed.top_up("acme", "1.00")):
            assert (reply.status, reply.json["code"]) == (503, code)
            assert reply.headers["Retry-After"] == "1"
        assert (await bed.ask(BALANCE)).json["live"] is True


async def test_a_sick_server_still_says_it_is_alive(tmp_path: Path, link: RedisLink) -> None:
    """Health does not depend on any store."""
    gone = Away(StoreUnavailable("gone"))
    async with open_bed(tmp_path, link, books=gone, meters=gone) as bed:
        assert (await bed.ask("/healthz", None)).json == {"status": "ok"}
        assert (await bed.ask(BALANCE)).status == 503
