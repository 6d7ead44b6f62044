"""How to reach one Asterisk, and how long to wait for it."""

from dataclasses import dataclass, field
from enum import StrEnum


class AmiState(StrEnum):
    """How the link stands. All but READY come with a reason for people."""

    CONNECTING = "connecting"
    READY = "ready"
    REFUSED = "refused"
    """Nothing listens there, or it closed the door at once."""
    WRONG_SECRET = "wrong_secret"  # noqa: S105  # a state's name, no secret
    NO_PERMISSION = "no_permission"
    """FullyBooted does not come."""
    SILENT = "silent"
    """Connected, but no byte comes: frozen."""
    LOST = "lost"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Where Asterisk's manager listens and who we are there. Seconds as the names say."""

    name: str
    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    connect_s: float = 3.0
    login_s: float = 5.0
    booted_s: float = 10.0
    action_s: float = 3.0
    list_s: float = 10.0
    ping_s: float = 1.5
    silent_s: float = 5.0
    back_off_min_s: float = 0.2
    back_off_max_s: float = 5.0
    wrong_secret_max_s: float = 300.0
    events_max: int = 20_000
    """Events that wait for their consumer; one more drops the link."""
    in_flight_max: int = 1_000
    unsent_bytes_max: int = 1 << 18
