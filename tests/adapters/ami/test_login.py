"""What a login needs, and what it says when that is missing."""

import pytest

from callserver.adapters.ami.link import AmiState
from tests.adapters.ami.conftest import Watch
from tests.adapters.ami.scripted_asterisk import ScriptedAsterisk, until


async def test_wrong_secret_says_so(watch: Watch) -> None:
    """With Asterisk's words and the time of the next try, and without the secret."""
    watched = await watch(secret="not-the-secret")
    reason = await watched.reach(AmiState.WRONG_SECRET)
    assert "Authentication failed" in reason
    await until(lambda: "next try in" in watched.link.reason)
    assert "not-the-secret" not in watched.link.reason + repr(watched.link.settings)


async def test_no_full_boot_is_a_missing_right(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """A user without read=system is told what it needs."""
    asterisk.booted = b""
    watched = await watch()
    assert "needs read=system" in await watched.reach(AmiState.NO_PERMISSION)


@pytest.mark.parametrize(
    ("denied", "right"), [("CoreStatus", "write=reporting"), ("AbsoluteTimeout", "write=call")]
)
async def test_denied_action_is_a_missing_right(
    asterisk: ScriptedAsterisk, watch: Watch, denied: str, right: str
) -> None:
    """What the services will need is asked for before the link is called ready."""
    asterisk.replies[denied] = (
        "Response: Error\r\nActionID: {id}\r\nMessage: Permission denied\r\n\r\n"
    )
    watched = await watch()
    assert f"needs {right}" in await watched.reach(AmiState.NO_PERMISSION)


async def test_frozen_from_the_start_is_silent(asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Connected, but the login is not answered."""
    asterisk.frozen = True
    watched = await watch()
    assert await watched.reach(AmiState.SILENT)
