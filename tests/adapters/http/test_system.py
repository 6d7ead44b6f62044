"""Alive, ready, metrics and the document."""

from datetime import datetime

from callserver.adapters.http import models
from tests.adapters.http.bed import Bed


async def test_ready_only_when_every_needed_part_is(bed: Bed) -> None:
    """503 with a reason per part until then; one Asterisk of several is enough."""
    health = bed.services.health
    for name in ("redis", "database", "ami:pbx-1", "ami:pbx-2"):
        health.register(name)
    health.ok("redis")
    health.ok("database")
    health.down("ami:pbx-1", "wrong secret")
    reply = await bed.ask("/readyz", None)
    shown = models.Ready.model_validate(reply.json)
    assert (reply.status, shown.ready) == (503, False)
    assert "wrong secret" in shown.reasons["ami"]
    assert shown.components["ami:pbx-1"].state == "down"
    assert shown.components["ami:pbx-2"].state == "starting"
    health.ok("ami:pbx-2")
    reply = await bed.ask("/readyz", None)
    shown = models.Ready.model_validate(reply.json)
    assert (reply.status, shown.ready, shown.reasons) == (200, True, {})
    assert shown.components["ami:pbx-1"].reason == "wrong secret"
    assert isinstance(shown.components["redis"].since, datetime)


async def test_alive_whatever_is_missing(bed: Bed) -> None:
    """No part is asked."""
    assert (await bed.ask("/healthz", None)).json == {"status": "ok"}
    assert (await bed.ask("/healthz", None, "HEAD")).status == 200


async def test_nothing_of_a_customer_is_shown_without_a_token(bed: Bed) -> None:
    """Only what monitoring needs is open."""
    await bed.top_up("acme", "10.00")
    await bed.ask("/v1/accounts/acme/balance", "acme")
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert "acme" not in (await bed.ask(path, None)).text


async def test_the_server_starts_again_after_a_stop(bed: Bed) -> None:
    """Stopping frees the port and everything else."""
    await bed.server.stop()
    assert bed.server.port == 0
    await bed.server.stop()
    await bed.server.start()
    assert (await bed.ask("/healthz", None)).status == 200
