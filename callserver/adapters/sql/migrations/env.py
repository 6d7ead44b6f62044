"""Alembic's entry: migrate on the connection we were given, inside its transaction."""

from alembic import context

from callserver.adapters.sql import schema_ledger, schema_numbers
from callserver.adapters.sql.schema import metadata

TABLES = (schema_ledger, schema_numbers)  # whose tables the metadata has for having been imported

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
