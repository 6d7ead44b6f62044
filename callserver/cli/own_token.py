"""How commands reach the running server, and the API token they use for it."""

import os
import secrets
from pathlib import Path

from callserver.cli.opening import with_books
from callserver.cli.output import Failed
from callserver.cli.server_state import ServerState
from callserver.config import Config
from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of

TOKEN_FILE = "cli.token"  # noqa: S105  # the file's name


def server_url(settings: Config, url: str | None) -> str:
    """The given base, or that of the server on the data folder. Raises Failed."""
    if url:
        return url.rstrip("/")
    state = ServerState.read(settings.server.data)
    if state is None:
        raise Failed(f"no server runs on the data folder {settings.server.data}; or give --url")
    return state.url


def own_token(settings: Config) -> str:
    """A NOC token made for this command line, kept in the data folder for its owner only."""
    path = settings.server.data / TOKEN_FILE
    if path.exists() and _is_good(settings, kept := path.read_text(encoding="ascii").strip()):
        return kept
    return _new_token(settings, path)


def _is_good(settings: Config, token: str) -> bool:
    digest = digest_of(token)
    return with_books(settings, lambda books: books.find_token(digest)) is not None


def _new_token(settings: Config, path: Path) -> str:
    secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    with_books(
        settings,
        lambda books: books.create_token(digest_of(secret), Scope.NOC, "", "command line"),
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret)
    return secret
