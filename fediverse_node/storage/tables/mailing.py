"""E-mail on its way out, and what links in it are good for."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from fediverse_node.storage.tables.columns import count_column, id_column, metadata, ms_column, ref_column

# A row goes when the mail server has taken it. Nobody's: a letter may be about an account that is gone.
mails = Table(
    "mails",
    metadata,
    id_column(),
    Column("to_address", Text, nullable=False),  # empty: there is nobody to write to, and that shall not show
    Column("subject", Text, nullable=False),
    Column("plain", Text, nullable=False),
    Column("html", Text, nullable=False),
    ms_column("due_ms"),
    count_column("attempts"),
    ms_column("created_ms"),
    ms_column("expires_ms"),
    Index("ix_mails_due_ms", "due_ms"),
)

mail_links = Table(
    "mail_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    ref_column("user_id", "users"),
    Column("kind", Text, nullable=False),  # confirm reset change
    Column("email", Text, nullable=False),  # to which the link went
    ms_column("expires_ms"),
    Index("ix_mail_links_user_id", "user_id"),
)
