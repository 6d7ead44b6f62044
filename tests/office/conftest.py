"""Books on both databases."""

from tests.adapters.sql.conftest import (
    books,
    clock,
    database,
    dialect,
    empty_url,
    postgres,
    template,
    url,
)

__all__ = ["books", "clock", "database", "dialect", "empty_url", "postgres", "template", "url"]
