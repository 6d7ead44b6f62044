"""Alembic's entry: migrate on the connection we were given, inside its transaction."""

from alembic import context

from callserver.adapters.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
