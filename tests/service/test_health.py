"""Whether calls can be taken, from what the parts report."""

from callserver.service.health import ComponentState, Health


class _Clock:
    """Moves when told."""

    def __init__(self) -> None:
        self.at_us = 1_000

    def now_us(self) -> int:
        return self.at_us


def test_a_part_is_starting_until_it_reports() -> None:
    """Silence is not health."""
    health = Health(_Clock(), needed=["redis"])
    health.register("redis")
    readiness = health.readiness()
    assert (readiness.ready, readiness.reasons) == (False, {"redis": "redis: has not reported yet"})


def test_one_of_a_kind_is_enough() -> None:
    """Several Asterisks: calls can be taken while one of them is reached."""
    health = Health(_Clock(), needed=["ami"])
    for name in ("ami:a", "ami:b"):
        health.register(name)
        health.down(name, "refused")
    assert health.readiness().reasons == {"ami": "ami:a: refused; ami:b: refused"}
    health.ok("ami:b")
    assert health.readiness().ready


def test_a_needed_kind_without_parts_is_missing() -> None:
    """No Asterisk configured: healthy, not ready, and said so."""
    assert Health(_Clock(), needed=["ami"]).readiness().reasons == {"ami": "no ami is configured"}


def test_since_is_when_the_state_began() -> None:
    """Another reason for the same state does not start it anew."""
    clock = _Clock()
    health = Health(clock, needed=["redis"])
    health.register("redis")
    for at_us, reason in ((2_000, "refused"), (3_000, "silent")):
        clock.at_us = at_us
        health.down("redis", reason)
    (part,) = health.components
    assert (part.state, part.reason, part.since_us) == (ComponentState.DOWN, "silent", 2_000)
    clock.at_us = 4_000
    health.ok("redis")
    assert (health.components[0].reason, health.components[0].since_us) == ("", 4_000)


def test_parts_that_are_not_needed_do_not_decide() -> None:
    """They are shown only."""
    health = Health(_Clock(), needed=["redis"])
    health.register("redis")
    health.register("spool")
    health.ok("redis")
    health.down("spool", "disk full")
    readiness = health.readiness()
    assert readiness.ready
    assert [part.name for part in readiness.components] == ["redis", "spool"]
