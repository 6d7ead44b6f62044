"""From a fresh connection to one that may be used: login, FullyBooted, rights."""

import asyncio

from callserver.adapters.ami.action import AmiAction
from callserver.adapters.ami.errors import AmiRefused, AmiUnavailable
from callserver.adapters.ami.session import AmiSession
from callserver.adapters.ami.settings import AmiState
from callserver.ports import OutcomeUnknown

_DENIED = "permission denied"
# Asked only to see whether they are denied: neither changes anything.
_RIGHTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("write=reporting", "CoreStatus", {}),
    ("write=call", "AbsoluteTimeout", {"Channel": "callserver-check/none", "Timeout": "1"}),
)


async def log_in(session: AmiSession) -> bool:
    """True when the session may be used; otherwise it has ended and says why."""
    try:
        if not (await _accepted(session) and await _booted(session)):
            return False
        return await _permitted(session)
    except (AmiUnavailable, OutcomeUnknown) as error:
        session.end(AmiState.SILENT, f"connected, but {error}")
        return False


async def _accepted(session: AmiSession) -> bool:
    settings = session.settings
    credentials = {"Username": settings.user, "Secret": settings.secret, "Events": "on"}
    try:
        await session.ask(AmiAction("Login", credentials), settings.login_s)
    except AmiRefused as error:
        session.end(
            AmiState.WRONG_SECRET,
            f"user {settings.user}: {error} (secret, user name, or permit/deny of its address)",
        )
        return False
    return True


async def _booted(session: AmiSession) -> bool:
    booted_s = session.settings.booted_s
    booted = asyncio.create_task(session.booted.wait())
    session.ended.add_done_callback(lambda _: booted.cancel())
    try:
        await asyncio.wait([booted], timeout=booted_s)
    finally:
        booted.cancel()
    if not session.booted.is_set():
        session.end(
            AmiState.NO_PERMISSION,
            f"no FullyBooted within {booted_s:g} s: needs read=system"
            " (or Asterisk is still loading)",
        )
    return not session.ended.done()


async def _permitted(session: AmiSession) -> bool:
    for right, name, headers in _RIGHTS:
        try:
            await session.ask(AmiAction(name, headers), session.settings.action_s)
        except AmiRefused as error:
            if _DENIED in str(error).lower():
                session.end(AmiState.NO_PERMISSION, f"{name}: {error}: needs {right}")
                return False
    return True
