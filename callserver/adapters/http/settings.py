"""How the HTTP server listens and what it bounds. Seconds, bytes and counts as the names say."""

from dataclasses import dataclass

BODY_BYTES_MAX = 64 * 1024
PAGE_MAX = 1000
PAGE_DEFAULT = 100
TOKEN_SEEN_S = 5.0
"""A revoked token is refused everywhere at the latest after this."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Port 0 picks a free one. The bounds hold for one process."""

    host: str = "127.0.0.1"
    port: int = 8400
    connections_max: int = 4000
    connections_per_address_max: int = 256
    request_read_s: float = 10.0
    """From the first byte of a request (or the connection's start) until it is complete."""
    request_run_s: float = 30.0
    """From a complete request until its answer has left."""
    idle_s: float = 75.0
    stop_s: float = 3.0
    requests_per_token_max: int = 256
    """Requests one token may have in progress; more are answered 429."""
    lists_per_token_max: int = 16
    """The same for requests that read many rows."""
    reuse_port: bool = False
