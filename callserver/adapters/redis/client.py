"""The link to Redis: keeps one hardened connection up for ever and says how it stands."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from callserver.adapters.redis.errors import RedisUnavailable, ScriptMissing
from callserver.adapters.redis.handshake import (
    Greeting,
    LinkState,
    ServerInfo,
    furnishing_commands,
    handshake_commands,
    judge_greeting,
)
from callserver.adapters.redis.protocol import Argument, LinkProtocol, Reply, packed
from callserver.adapters.redis.script import Script
from callserver.adapters.redis.url import RedisTarget

log = structlog.get_logger()

BACK_OFF_MIN_S = 0.05
BACK_OFF_MAX_S = 2.0

# On a connection that all callers share and that comes back by itself, a transaction can lose its
# frame, a blocking command stops everybody, and a subscription loses messages unnoticed. Use Lua.
_CHANGE_THE_CONNECTION = """
    AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN DISCARD EXEC HELLO MONITOR
    MULTI PSUBSCRIBE PSYNC QUIT RESET SELECT SSUBSCRIBE SUBSCRIBE SYNC UNWATCH WAIT WAITAOF WATCH
    XREAD XREADGROUP"""
NOT_ON_A_SHARED_LINK = frozenset(_CHANGE_THE_CONNECTION.split())

StateCallback = Callable[[LinkState, str, str | None], None]
"""Called with state, reason and, when ready, the server's run_id (it changes with a restart)."""


class RedisLink:
    """One connection to one server, re-established for ever, never queueing while it is down.

    A call ends with its reply, or with RedisUnavailable (nothing was sent or it was declined:
    nothing has moved), OutcomeUnknown (sent, no reply in `deadline_s`: repeat it with the same
    operation id) or ScriptError (it ran and failed).
    """

    def __init__(
        self,
        target: RedisTarget,
        *,
        deadline_s: float = 2.0,
        in_flight_max: int = 10_000,
        client_name: str = "callserver",
    ) -> None:
        if target.embedded:
            raise ValueError("start EmbeddedValkey and give its target")
        self.target = target
        self.server: ServerInfo | None = None
        self._deadline_s = deadline_s
        self._in_flight_max = in_flight_max
        self._client_name = client_name
        self._handshake = handshake_commands(target)
        self._scripts: dict[str, Script] = {}  # all used so far, for the next connection
        self._state = LinkState.STOPPED
        self._reason = "not started"
        self._protocol: LinkProtocol | None = None
        self._callbacks: list[StateCallback] = []
        self._runner: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def state(self) -> LinkState:
        """How the link stands now."""
        return self._state

    @property
    def reason(self) -> str:
        """Why, for people; empty when ready."""
        return self._reason

    @property
    def ready(self) -> bool:
        """Whether a command would be sent now."""
        return self._protocol is not None

    @property
    def in_flight(self) -> int:
        """Commands that wait for their reply."""
        return self._protocol.in_flight if self._protocol else 0

    def on_state(self, callback: StateCallback) -> None:
        """Call `callback` at every change, before any command can use the new state."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Connect in the background; returns once the first attempt has ended, well or not."""
        if self._runner is not None:
            raise RuntimeError("the link is started already")
        self._enter(LinkState.CONNECTING, "connecting")
        self._runner = asyncio.create_task(self._run(), name="redis_link")
        while self._state is LinkState.CONNECTING:
            await self._next_change()

    async def wait_ready(self, timeout_s: float) -> None:
        """Wait for the link to be ready. Raises RedisUnavailable with the reason if it is not."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self.ready:
                    await self._next_change()
        except TimeoutError:
            raise RedisUnavailable(f"{self._state}: {self._reason}") from None

    async def stop(self) -> None:
        """Let open commands finish within their deadline, then close for good."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            await protocol.drained()
        runner.cancel()
        await asyncio.wait([runner])
        self._enter(LinkState.STOPPED, "stopped")

    async def query(self, *args: Argument) -> Reply:
        """Send one command and return its raw reply.

        Raises as the class says, and ValueError for NOT_ON_A_SHARED_LINK.
        """
        name = args[0].decode("ascii", "replace") if isinstance(args[0], bytes) else str(args[0])
        if name.upper() in NOT_ON_A_SHARED_LINK:
            raise ValueError(f"{name.upper()} has no place on a shared link; write a Lua script")
        return await self._ask(args)

    async def evalsha(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]
    ) -> Reply:
        """Run a script by its SHA-1; a server that lacks it gets its text. Raises as the class."""
        self._scripts[script.sha1] = script
        try:
            return await self._ask(("EVALSHA", script.sha1, len(keys), *keys, *args))
        except ScriptMissing:
            return await self._ask(("EVAL", script.source, len(keys), *keys, *args))

    def _ask(self, args: tuple[Argument, ...]) -> "asyncio.Future[Reply]":
        if self._protocol is None:
            raise RedisUnavailable(f"{self._state}: {self._reason}")
        return self._protocol.ask(packed(args))

    async def _run(self) -> None:
        back_off_s = BACK_OFF_MIN_S
        while True:
            was_ready = False
            try:
                was_ready = await self._connect_and_serve()
            except Exception as error:  # a bug of ours must not end the reconnecting
                log.exception("redis.link_fault")
                self._enter(LinkState.UNREACHABLE, repr(error))
            if was_ready:
                back_off_s = BACK_OFF_MIN_S
            await asyncio.sleep(back_off_s)
            back_off_s = min(2 * back_off_s, BACK_OFF_MAX_S)

    async def _connect_and_serve(self) -> bool:
        """One connection from its attempt to its end; whether it was ever ready."""
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def on_lost(reason: str) -> None:
            if self._protocol is not None:
                self._protocol = None
                self._enter(LinkState.LOST, reason)
            if not lost.done():
                lost.set_result(reason)

        try:
            async with asyncio.timeout(self._deadline_s):
                protocol = await self._connect(on_lost)
        except (OSError, TimeoutError) as error:
            reason = str(error) or f"no connection within {self._deadline_s:g} s"
            self._enter(LinkState.UNREACHABLE, reason)
            return False
        try:
            return await self._serve(protocol, lost)
        finally:
            protocol.drop("closed by callserver")

    async def _serve(self, protocol: LinkProtocol, lost: "asyncio.Future[str]") -> bool:
        replies = await asyncio.gather(*protocol.greeting, return_exceptions=True)
        greeting = judge_greeting(replies[: len(self._handshake)])
        if greeting.state is LinkState.READY and lost.done():
            greeting = Greeting(LinkState.LOST, lost.result())
        if greeting.state is not LinkState.READY:
            self._enter(greeting.state, greeting.reason)
            return False
        self.server = greeting.server
        self._protocol = protocol
        self._enter(LinkState.READY, "")
        await lost
        return True

    async def _connect(self, on_lost: Callable[[str], None]) -> LinkProtocol:
        loop = asyncio.get_running_loop()

        def protocol() -> LinkProtocol:
            return LinkProtocol(
                self._handshake + furnishing_commands(self._client_name, self._scripts.values()),
                on_lost=on_lost,
                deadline_s=self._deadline_s,
                in_flight_max=self._in_flight_max,
            )

        if self.target.path:
            _, made = await loop.create_unix_connection(protocol, self.target.path)
        else:
            _, made = await loop.create_connection(protocol, self.target.host, self.target.port)
        return made

    def _enter(self, state: LinkState, reason: str) -> None:
        if (state, reason) == (self._state, self._reason):
            return
        self._state, self._reason = state, reason
        run_id = self.server.run_id if self.server and state is LinkState.READY else None
        level = log.info if state in (LinkState.READY, LinkState.STOPPED) else log.warning
        level("redis.link", state=str(state), reason=reason, server=str(self.target))
        self._changed.set()
        self._changed = asyncio.Event()
        for callback in self._callbacks:
            try:
                callback(state, reason, run_id)
            except Exception:  # one listener's bug is not the link's end
                log.exception("redis.state_callback_fault")

    async def _next_change(self) -> None:
        await self._changed.wait()
