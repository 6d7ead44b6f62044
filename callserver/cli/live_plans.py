"""Plans on the command line ask the running server, where there is one, what its calls hold."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from callserver.cli.output import message

if TYPE_CHECKING:
    from callserver.config import Config
    from callserver.ports.plans import LiveMoney
    from callserver.service.office import Office

T = TypeVar("T")


class ServerLiveMoney:
    """A running server's balances, over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    async def live_money(self, account: str) -> "LiveMoney | None":
        """The account as the server has it; None where it cannot say, which is told."""
        from callserver.cli.api import ApiFailed, get_json
        from callserver.domain.money import parse_yuan
        from callserver.ports.plans import LiveMoney

        try:
            found: dict[str, Any] = await get_json(
                f"{self._url}/v1/accounts/{account}/balance", self._token
            )
        except ApiFailed as fault:
            message(f"running calls are not considered: {fault}")
            return None
        if not found["live"]:
            return None
        return LiveMoney(
            settled_micros=parse_yuan(found["settled"]["amount"]),
            held_micros=parse_yuan(found["held"]["amount"]),
            minutes=found["included_minutes"],
            held_minutes=found["included_minutes_held"],
        )


def with_live_plans(config: "Config", work: Callable[["Office"], Awaitable[T]]) -> T:
    """Run one piece of work with the office, its plans knowing what running calls hold."""
    from callserver.cli.opening import with_office
    from callserver.cli.own_token import own_token
    from callserver.cli.server_state import ServerState

    state = ServerState.read(config.server.data)
    if state is None:
        return with_office(config, work)
    live = ServerLiveMoney(state.url, own_token(config))

    async def with_live(office: "Office") -> T:
        office.plans.follow_live(live)
        return await work(office)

    return with_office(config, with_live)
