"""Migrations: from nothing to the newest schema, however often and by however many at once."""

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from callserver.adapters.sql import (
    migrate,
    schema_features,
    schema_ledger,
    schema_months,
    schema_numbers,
    schema_plans,
    schema_providers,
)
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.schema import metadata

TABLES = (
    schema_features,
    schema_ledger,
    schema_months,
    schema_numbers,
    schema_plans,
    schema_providers,
)  # whose tables the metadata has for having been imported


async def test_an_empty_database_is_brought_to_the_head(empty_url: str) -> None:
    """Before it there is no revision, after it the newest; again it changes nothing."""
    assert await migrate.current(empty_url) is None
    assert await migrate.upgrade(empty_url) == migrate.head()
    assert await migrate.upgrade(empty_url) == migrate.head()
    assert await migrate.current(empty_url) == migrate.head()


async def test_concurrent_starters_do_not_collide(empty_url: str) -> None:
    """Several processes that start on one empty database all find it ready."""
    reached = await asyncio.gather(*(migrate.upgrade(empty_url) for _ in range(4)))
    assert set(reached) == {migrate.head()}


async def test_the_migrations_make_the_schema_we_use(database: Database) -> None:
    """Tables, columns, indexes and constraints are those of `schema`."""

    def ours(_object: object, name: str | None, kind: str, *_more: object) -> bool:
        return not (
            kind == "table" and (name or "").startswith(("cdr_default", "cdr_caller_default"))
        )

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        return list(compare_metadata(context, metadata))

    assert await database.read(compare) == []


async def test_a_failed_migration_leaves_nothing(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All migrations are one transaction: half a schema can't be left behind."""

    def stop(_connection: Connection) -> str:
        raise RuntimeError("power cut")

    monkeypatch.setattr(migrate, "_current", stop)
    with pytest.raises(RuntimeError, match="power cut"):
        await migrate.upgrade(empty_url)
    monkeypatch.undo()
    assert await migrate.current(empty_url) is None
