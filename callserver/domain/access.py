"""Who may ask the API for what: bearer tokens and the scopes they carry."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

TOKEN_PREFIX = "cs_"  # noqa: S105 # the public prefix of every token, not a secret
_ACCESS_TOKEN = re.compile(r"^cs_[A-Za-z0-9_-]{20,128}$", re.ASCII)


class Scope(StrEnum):
    """What the bearer may see and do; see docs/api.md for the table."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    NOC = "noc"
    ADMIN = "admin"

    @property
    def has_subject(self) -> bool:
        """Whether a token of this scope names a customer or a provider."""
        return self in {Scope.CUSTOMER, Scope.PROVIDER}


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One bearer token as stored: never the token itself, only its SHA-256 beside this.

    `subject` is the customer's or the provider's id, None for the NOC and admin. `label` says for
    people whose it is; it is also the actor of what the bearer posts.
    """

    id: str
    scope: Scope
    subject: str | None
    label: str

    def __post_init__(self) -> None:
        if self.scope.has_subject != (self.subject is not None):
            raise ValueError(f"a {self.scope} token needs {_subject_wanted(self.scope)}")


def _subject_wanted(scope: Scope) -> str:
    return f"the id of a {scope}" if scope.has_subject else "no subject"


def is_access_token(text: str) -> bool:
    """Whether the text has the form of a bearer token, `cs_` and 20 … 128 URL-safe characters."""
    return _ACCESS_TOKEN.match(text) is not None


def token_sha256(text: str) -> str:
    """What is stored of a bearer token: 64 hex digits (the token itself is 256 random bits)."""
    return hashlib.sha256(text.encode()).hexdigest()
