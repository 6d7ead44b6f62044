"""The books in SQL: SQLite by default, PostgreSQL by URL."""
