"""Tables beside the ledger's own: keys of requests."""

from sqlalchemy import BigInteger, Column, Table, Text

from callserver.adapters.sql.schema import metadata

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("bearer", Text, primary_key=True),  # scope:subject
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # SHA-256 of method, path and body
    Column("created_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
