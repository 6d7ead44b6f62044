"""What a running server knows that SQL does not have yet: open calls, and CDRs on their way."""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from callserver.config import Config
    from callserver.domain.bill import RunningCall


def warnings(settings: "Config") -> list[str]:
    """Why a month that is closed now may miss calls; empty: nothing is known against it."""
    from callserver.adapters.http.metrics import NOT_IN_SQL
    from callserver.cli.api import ApiFailed, get_json, get_text
    from callserver.cli.own_token import own_token
    from callserver.cli.server_state import ServerState
    from callserver.service.months import doubts

    state = ServerState.read(settings.server.data)
    if state is None:
        has_redis = (
            settings.redis.url.get_secret_value() or (settings.server.data / "valkey").exists()
        )
        away = "no server runs on this data folder: CDRs that wait in its Redis cannot be seen"
        return [away] if has_redis else []
    try:
        live = asyncio.run(
            get_json(f"{state.url}/v1/calls?state=live&limit=1", own_token(settings))
        )
        metrics = asyncio.run(get_text(f"{state.url}/metrics"))
    except ApiFailed as fault:
        return [f"the server cannot be asked for open calls: {fault}"]
    waiting = sum(
        int(float(line.split()[1])) for line in metrics.splitlines() if line.startswith(NOT_IN_SQL)
    )
    return doubts(live["total"], waiting)


def running_calls(settings: "Config", customer: str) -> "tuple[RunningCall, ...] | None":
    """The customer's live calls; None: no server runs, or it cannot say."""
    from callserver.adapters.http.month_shapes import running_call
    from callserver.cli.api import ApiFailed, get_json
    from callserver.cli.own_token import own_token
    from callserver.cli.server_state import ServerState

    state = ServerState.read(settings.server.data)
    if state is None:
        return None
    try:
        found: dict[str, Any] = asyncio.run(
            get_json(f"{state.url}/v1/calls?state=live", own_token(settings))
        )
    except ApiFailed:
        return None
    return tuple(running_call(call) for call in found["calls"] if call["customer"] == customer)
