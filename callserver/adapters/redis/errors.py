"""What can go wrong with a command, sorted by what it means for the money."""

from callserver.ports import OutcomeUnknown, StoreUnavailable

__all__ = [
    "OutcomeUnknown",
    "RedisLoading",
    "RedisOutOfMemory",
    "RedisUnavailable",
    "ScriptError",
    "ScriptRefused",
    "TooManyInFlight",
    "error_from_reply",
]


class RedisUnavailable(StoreUnavailable):
    """Not connected or not ready: nothing was sent, nothing has moved."""


class TooManyInFlight(RedisUnavailable):
    """The link already waits for as many replies as it may; nothing was sent."""


class ScriptRefused(RedisUnavailable):
    """The server declined to run the command; nothing has moved. `code` is its first word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


class ScriptMissing(ScriptRefused):
    """NOSCRIPT: this server has not seen the script yet (the link then sends it whole)."""


class RedisLoading(ScriptRefused):
    """LOADING: the server is still reading its file."""


class RedisOutOfMemory(ScriptRefused):
    """OOM: maxmemory is reached and the policy is noeviction, as it must be."""


class ScriptError(Exception):
    """The command ran and failed; a script may have written before it failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


# Valkey checks these before the first write of a script and never after it (script.c,
# scriptVerifyWriteCommandAllow and scriptVerifyOOM), so each means that nothing has moved.
# NOPERM is not among them: it can hit a script's second write.
_REFUSALS: dict[str, type[ScriptRefused]] = {
    "NOSCRIPT": ScriptMissing,
    "LOADING": RedisLoading,
    "OOM": RedisOutOfMemory,
    **dict.fromkeys(
        (
            "BUSY",
            "CLUSTERDOWN",
            "MASTERDOWN",
            "MISCONF",
            "MOVED",
            "NOAUTH",
            "NOREPLICAS",
            "READONLY",
            "TRYAGAIN",
        ),
        ScriptRefused,
    ),
}


def error_from_reply(text: str) -> ScriptRefused | ScriptError:
    """Classify an error reply (`CODE message`) into refused or failed."""
    code, _, message = text.partition(" ")
    return _REFUSALS.get(code, ScriptError)(code, message)
