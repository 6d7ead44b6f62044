"""Where commands that look at live balances find Redis."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callserver.adapters.redis.url import RedisTarget
    from callserver.config import Config

REDIS_READY_S = 5.0


def running_redis(settings: "Config") -> "RedisTarget | None":
    """Where Redis is; None while it is the embedded one and no server runs."""
    from callserver.adapters.redis.embedded import EmbeddedValkey
    from callserver.cli.opening import redis_target
    from callserver.cli.server_state import ServerState

    target = redis_target(settings)
    if not target.embedded:
        return target
    if ServerState.read(settings.server.data) is None:
        return None
    return EmbeddedValkey(settings.server.data / "valkey").target
