"""API tokens: who may ask for what. The secret is shown once and kept only as its SHA-256."""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

SECRET_PREFIX = "cs_"  # noqa: S105  # not a secret: lets scanners find leaked ones
SECRET_BYTES = 32


class Scope(StrEnum):
    """What a token may see: its own customer, its provider's customers, all calls, everything."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    NOC = "noc"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One token as kept. `subject` is the customer's or provider's id, empty for NOC and admin.

    `revoked_ms` None: still good.
    """

    id: int
    scope: Scope
    subject: str
    label: str
    created_ms: int
    revoked_ms: int | None = None


def secret_of(random: bytes) -> str:
    """The text a caller sends as Bearer, made of SECRET_BYTES random bytes."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"a secret is made of {SECRET_BYTES} random bytes, not {len(random)}")
    return SECRET_PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")


def digest_of(secret: str) -> str:
    """SHA-256 in hex: enough, since the secret is random and long."""
    return hashlib.sha256(secret.encode()).hexdigest()
