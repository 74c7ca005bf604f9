"""What is known of conversations besides their posts: when somebody last looked for more, where, and what is missing.

`thread_id` is that of `objects`; it is no foreign key, because the first post of a conversation may be deleted while
the others stay. Rows age out.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, text

from fediverse_node.storage.tables.columns import (
    Id,
    count_column,
    flag_column,
    metadata,
    ms_column,
    text_column,
)

# One row a conversation that was ever looked through, or is to be.
thread_walks = Table(
    "thread_walks",
    metadata,
    Column("thread_id", Id, primary_key=True, autoincrement=False),
    ms_column("due_ms", nullable=True),  # nothing: not before somebody reads it
    ms_column("lease_ms", nullable=True),  # until then a process is at it
    flag_column("ours"),  # somebody here takes part
    count_column("walks"),  # begun so far
    count_column("rounds"),  # ended without anything new, in a row
    count_column("found"),  # posts that the running walk has brought, or the last one
    ms_column("walked_ms", nullable=True),  # when the last one ended
    text_column("ended"),  # why it ended early: a name of domain.threads.Ended
    Index(
        "ix_thread_walks_due_ms",
        "due_ms",
        sqlite_where=text("due_ms IS NOT NULL"),
        postgresql_where=text("due_ms IS NOT NULL"),
    ),
)

# Collections that were asked: what they said, or why they did not.
thread_sources = Table(
    "thread_sources",
    metadata,
    Column("thread_id", Id, primary_key=True, autoincrement=False),
    Column("uri", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # replies context history
    text_column("host"),
    Column("total", Integer, nullable=True),  # what it claims
    count_column("listed"),  # what it named when it was last read
    text_column("state"),  # empty: read; else a name of domain.threads.Lack
    text_column("detail"),
    count_column("attempts"),  # in vain, in a row
    ms_column("asked_ms"),
    ms_column("next_ms"),  # not before
)

# Posts that were named as part of a conversation and are not here.
thread_gaps = Table(
    "thread_gaps",
    metadata,
    Column("thread_id", Id, primary_key=True, autoincrement=False),
    Column("uri", Text, primary_key=True),
    text_column("host"),
    flag_column("answered"),  # a post that is here answers it, so it stands above and not below
    Column("state", Text, nullable=False),  # a name of domain.threads.Lack
    text_column("detail"),
    text_column("named_by"),  # the post or collection that named it first
    count_column("attempts"),
    ms_column("asked_ms", nullable=True),
    ms_column("next_ms", nullable=True),  # not before; nothing: never again
)
