"""API tokens, found by their digest."""

from sqlalchemy import Connection, insert, select, update

from callserver.adapters.sql.schema import AnyRow, api_token
from callserver.domain.api_token import ApiToken, Scope

_SHOWN = [column for column in api_token.c if column.name != "digest"]


def create(
    connection: Connection, digest: str, scope: Scope, subject: str, label: str, now_ms: int
) -> ApiToken:
    """Keep a new token."""
    row = connection.execute(
        insert(api_token)
        .values(digest=digest, scope=scope.value, subject=subject, label=label, created_ms=now_ms)
        .returning(*_SHOWN)
    ).one()
    return _token(row)


def find(connection: Connection, digest: str) -> ApiToken | None:
    """The token, unless revoked."""
    row = connection.execute(
        select(*_SHOWN).where(api_token.c.digest == digest, api_token.c.revoked_ms.is_(None))
    ).one_or_none()
    return _token(row) if row else None


def every(connection: Connection) -> list[ApiToken]:
    """All of them, oldest first."""
    return [_token(row) for row in connection.execute(select(*_SHOWN).order_by(api_token.c.id))]


def revoke(connection: Connection, token_id: int, now_ms: int) -> bool:
    """True if this call ended it."""
    ended = connection.execute(
        update(api_token)
        .where(api_token.c.id == token_id, api_token.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )
    return ended.rowcount == 1


def _token(row: AnyRow) -> ApiToken:
    return ApiToken(**{**row._mapping, "scope": Scope(row.scope)})
