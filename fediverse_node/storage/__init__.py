"""The database: tables, migrations, the one writer, and every query.

Lives here: all SQL, on SQLite and PostgreSQL. Does not: rules (domain) and network calls; nothing in a
transaction ever waits for another server.
May import: domain, protocol, signatures, base.
"""
