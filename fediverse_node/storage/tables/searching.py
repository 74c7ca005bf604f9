"""What posts are found by. On SQLite an FTS5 index stands beside the table, kept equal by triggers.

spec: sqlite-fts5#external-content-tables. Its tokenizer only parts at spaces: the words are made by
`protocol/words.py`, for PostgreSQL alike, where they are a tsvector with positions.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, MetaData, Table, Text, event
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.engine import Connection

from fediverse_node.storage.tables.columns import Id, flag_column, metadata

object_words = Table(
    "object_words",
    metadata,
    Column("object_id", Id, ForeignKey("objects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    # domain/search_words.py; posts that nobody here may find are not in it
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    flag_column("crowded"),  # so many kept it that they are not told apart
    Index("ix_object_words_words", "words", postgresql_using="gin").ddl_if(dialect="postgresql"),
)

OBJECT_INDEX = (
    "CREATE VIRTUAL TABLE object_index USING fts5(words, content='object_words', content_rowid='object_id', "
    "tokenize=\"ascii tokenchars '~_'\", columnsize=0)",
    "CREATE TRIGGER object_words_come AFTER INSERT ON object_words BEGIN "
    "INSERT INTO object_index(rowid, words) VALUES (new.object_id, new.words); END",
    "CREATE TRIGGER object_words_go AFTER DELETE ON object_words BEGIN "
    "INSERT INTO object_index(object_index, rowid, words) VALUES ('delete', old.object_id, old.words); END",
    "CREATE TRIGGER object_words_change AFTER UPDATE OF words ON object_words BEGIN "
    "INSERT INTO object_index(object_index, rowid, words) VALUES ('delete', old.object_id, old.words); "
    "INSERT INTO object_index(rowid, words) VALUES (new.object_id, new.words); END",
)


@event.listens_for(metadata, "after_create")
def _create_index(_: MetaData, connection: Connection, **__: Any) -> None:
    if connection.dialect.name == "sqlite":
        for statement in OBJECT_INDEX:
            connection.exec_driver_sql(statement)
