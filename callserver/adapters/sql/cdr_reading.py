"""Reading CDRs: pages, single ones, and which tokens are there."""

import base64
import binascii
import re
from collections.abc import Sequence
from itertools import islice

from sqlalchemy import Connection, and_, select, tuple_

from callserver.adapters.sql.cdr_rows import read_cdr
from callserver.adapters.sql.schema import AnySelect, cdr, cdr_caller, cdr_key
from callserver.domain.call import EndSource
from callserver.domain.cdr import Cdr
from callserver.ports import BadCursor, CdrPage, CdrQuery

_CURSOR = re.compile(r"(\d{1,15})\.([0-9a-f]{32})", re.ASCII)
_SAME_CALL = and_(cdr.c.ended_ms == cdr_key.c.ended_ms, cdr.c.token_hash == cdr_key.c.token_hash)
_CHUNK = 5_000  # bound variables of one statement: both databases stop near 32 000


def page(connection: Connection, query: CdrQuery) -> CdrPage:
    """Newest end first; equal instants in order of their hash, so that no page overlaps."""
    wanted = _with_caller()
    if query.customers is not None:
        wanted = wanted.where(cdr.c.customer.in_(sorted(query.customers)))
    if query.did is not None:
        wanted = wanted.where(cdr.c.did == query.did)
    if query.from_ms is not None:
        wanted = wanted.where(cdr.c.ended_ms >= query.from_ms)
    if query.to_ms is not None:
        wanted = wanted.where(cdr.c.ended_ms < query.to_ms)
    if query.cursor is not None:
        ended_ms, token = _read_cursor(query.cursor)
        wanted = wanted.where(tuple_(cdr.c.ended_ms, cdr.c.token_hash) < (ended_ms, token))
        wanted = wanted.where(cdr.c.ended_ms <= ended_ms)  # lets PostgreSQL skip later months
    wanted = wanted.order_by(cdr.c.ended_ms.desc(), cdr.c.token_hash.desc())
    rows = connection.execute(wanted.limit(query.limit + 1)).all()
    found = tuple(read_cdr(row) for row in rows[: query.limit])
    return CdrPage(found, _cursor(found[-1]) if len(rows) > query.limit else None)


def one(connection: Connection, call_id: str) -> Cdr | None:
    """The CDR of a call_id, found through the token's key."""
    token = call_id.partition("-")[2]
    ended_ms = connection.execute(
        select(cdr_key.c.ended_ms).where(cdr_key.c.token_hash == token)
    ).scalar_one_or_none()
    if ended_ms is None:
        return None
    row = connection.execute(
        _with_caller().where(
            cdr.c.ended_ms == ended_ms, cdr.c.token_hash == token, cdr.c.call_id == call_id
        )
    ).one_or_none()
    return read_cdr(row) if row else None


def known_tokens(connection: Connection, token_hashes: Sequence[str]) -> set[str]:
    """Which of these have a CDR."""
    found: set[str] = set()
    rest = iter(token_hashes)
    while chunk := list(islice(rest, _CHUNK)):
        query = select(cdr_key.c.token_hash).where(cdr_key.c.token_hash.in_(chunk))
        found.update(connection.execute(query).scalars())
    return found


def estimated_s(connection: Connection, token_hashes: Sequence[str]) -> dict[str, int]:
    """The billsec of those whose end was estimated."""
    found: dict[str, int] = {}
    rest = iter(token_hashes)
    while chunk := list(islice(rest, _CHUNK)):
        wanted = (
            select(cdr.c.token_hash, cdr.c.billsec)
            .join_from(cdr_key, cdr, _SAME_CALL)
            .where(cdr_key.c.token_hash.in_(chunk), cdr.c.end_source == EndSource.ESTIMATED)
        )
        found |= {row.token_hash: row.billsec for row in connection.execute(wanted)}
    return found


def _with_caller() -> AnySelect:
    caller = (column.label(f"caller_{column.name}") for column in list(cdr_caller.c)[2:])
    return select(*cdr.c, *caller).select_from(
        cdr.outerjoin(
            cdr_caller,
            and_(cdr_caller.c.ended_ms == cdr.c.ended_ms, cdr_caller.c.call_id == cdr.c.call_id),
        )
    )


def _cursor(last: Cdr) -> str:
    return base64.urlsafe_b64encode(f"{last.ended_ms}.{last.token_hash}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor).decode())
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise BadCursor("That cursor is not one of ours; start again without it.")
    return int(found[1]), found[2]
