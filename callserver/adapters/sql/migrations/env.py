"""Alembic's entry: migrate on the connection we were given, inside its transaction."""

from alembic import context

from callserver.adapters.sql import (
    schema_features,
    schema_ledger,
    schema_months,
    schema_numbers,
    schema_plans,
    schema_providers,
)
from callserver.adapters.sql.schema import metadata

TABLES = (
    schema_features,
    schema_ledger,
    schema_months,
    schema_numbers,
    schema_plans,
    schema_providers,
)  # whose tables the metadata has for having been imported

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
