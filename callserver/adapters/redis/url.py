"""`[redis] url`: where the live copy of the money stands."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_NOT_YET = {
    "rediss": "TLS",
    "redis+sentinel": "Sentinel",
    "sentinel": "Sentinel",
    "redis+cluster": "Redis Cluster",
    "cluster": "Redis Cluster",
}
_FORMS = "redis://[user:password@]host:port/db, unix:///path?db=n or empty for the embedded Valkey"


class RedisUrlInvalid(ValueError):
    """The URL can't be used; the text says why and what to use instead, without the password."""


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """One server: TCP (`host`, `port`), a unix socket (`path`) or, with neither, the embedded."""

    host: str = ""
    port: int = 6379
    path: str = ""
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def embedded(self) -> bool:
        """No server was named: callserver starts its own."""
        return not self.host and not self.path

    def __str__(self) -> str:
        """The place without user and password, fit for logs."""
        if self.path:
            return f"unix://{self.path}?db={self.db}"
        if not self.host:
            return "embedded"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis://{host}:{self.port}/{self.db}"


def parse_redis_url(url: str) -> RedisTarget:
    """Read a Redis URL; empty means embedded. Raises RedisUrlInvalid."""
    if not url.strip():
        return RedisTarget()
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise RedisUrlInvalid(f"Redis URL: {_without_secret(error)}. Use {_FORMS}.") from None
    if parts.scheme in _NOT_YET:
        raise RedisUrlInvalid(
            f"Redis URL: {_NOT_YET[parts.scheme]} ({parts.scheme}://) is not supported yet. "
            f"Use {_FORMS}."
        )
    if parts.fragment:
        raise RedisUrlInvalid("Redis URL: write # in a password as %23.")
    if parts.scheme == "redis":
        return _tcp(parts, port)
    if parts.scheme == "unix":
        return _unix(parts)
    raise RedisUrlInvalid(f"Redis URL: unknown scheme {parts.scheme!r}. Use {_FORMS}.")


def _tcp(parts: SplitResult, port: int | None) -> RedisTarget:
    if not parts.hostname:
        raise RedisUrlInvalid(f"Redis URL: the host is missing. Use {_FORMS}.")
    if parts.query:
        raise RedisUrlInvalid("Redis URL: no options after ? are known; the database is the path.")
    if port == 0:
        raise RedisUrlInvalid("Redis URL: port 0 can't be connected to.")
    user, password = _credentials(parts)
    return RedisTarget(
        host=parts.hostname,
        port=port or 6379,
        db=_database(parts.path.strip("/")),
        user=user,
        password=password,
    )


def _unix(parts: SplitResult) -> RedisTarget:
    if parts.hostname:
        raise RedisUrlInvalid("Redis URL: a unix socket takes three slashes: unix:///path?db=0.")
    if not parts.path.strip("/"):
        raise RedisUrlInvalid("Redis URL: the path of the unix socket is missing.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    database = _database(options.pop("db", ""))
    if options:
        raise RedisUrlInvalid(f"Redis URL: unknown option {min(options)!r}; only db is known.")
    user, password = _credentials(parts)
    return RedisTarget(path=unquote(parts.path), db=database, user=user, password=password)


def _credentials(parts: SplitResult) -> tuple[str, str]:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and not password:
        raise RedisUrlInvalid(
            "Redis URL: a user without a password; write user:password@, or :password@ alone."
        )
    return user, password


def _database(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        # Not repeated: after an unescaped "/" in a password this is a piece of it.
        raise RedisUrlInvalid("Redis URL: the database is a number; write / in a password as %2F.")
    return int(text)


def _without_secret(error: ValueError) -> str:
    # urllib quotes what it could not read as a port: with an unescaped "/" or ":" in a
    # password that is a piece of the password.
    return "the port is not a number" if "port" in str(error).lower() else "can't be read"
