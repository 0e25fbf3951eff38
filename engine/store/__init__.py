"""The database: connections, migrations, tables, and what differs between SQLite and PostgreSQL."""
