"""What the whole of federation needs to remember. One function for each subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite makes a column an alias of the row id only if its type is INTEGER, to the letter.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _approvals()
    _domains()
    _threads()
    _proofs()
    _errands()
    _client_to_server()
    _reactions()
    _groups()
    _people_elsewhere()
    _containers()


def _approvals() -> None:
    op.add_column("objects", sa.Column("policy", sa.Text(), nullable=True))
    op.add_column("objects", sa.Column("quotes_count", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "quotes",
        sa.Column("object_id", _ID, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("quoted_uri", sa.Text(), nullable=False),
        sa.Column("quoted_id", _ID, nullable=True),
        sa.Column("quoted_actor_id", _ID, nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("stamp_uri", sa.Text(), nullable=True),
        sa.Column("request_uri", sa.Text(), nullable=True),
        sa.Column("checked_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_quotes_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_quotes_object_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["quoted_actor_id"], ["actors.id"], name=op.f("fk_quotes_quoted_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["quoted_id"], ["objects.id"], name=op.f("fk_quotes_quoted_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_quotes")),
    )
    op.create_index("ix_quotes_actor_id", "quotes", ["actor_id"], unique=False)
    op.create_index("ix_quotes_quoted_actor_id", "quotes", ["quoted_actor_id"], unique=False)
    op.create_index("ix_quotes_quoted_id", "quotes", ["quoted_id", "object_id"], unique=False)
    op.create_index("ix_quotes_request_uri", "quotes", ["request_uri"], unique=False)
    op.create_index("ix_quotes_stamp_uri", "quotes", ["stamp_uri"], unique=False)
    op.create_index(
        "ix_quotes_waiting",
        "quotes",
        ["quoted_uri"],
        unique=False,
        sqlite_where=sa.text("quoted_id IS NULL"),
        postgresql_where=sa.text("quoted_id IS NULL"),
    )
    op.create_table(
        "interaction_requests",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("target_id", _ID, nullable=False),
        sa.Column("target_actor_id", _ID, nullable=False),
        sa.Column("object_id", _ID, nullable=True),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("request_uri", sa.Text(), nullable=True),
        sa.Column("stamp_uri", sa.Text(), nullable=True),
        sa.Column("visibility", sa.SmallInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{table}.id"], name=op.f(f"fk_interaction_requests_{name}"), ondelete="CASCADE"
            )
            for name, table in (
                ("actor_id", "actors"),
                ("target_id", "objects"),
                ("target_actor_id", "actors"),
                ("object_id", "objects"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction_requests")),
        sa.UniqueConstraint("uri", name=op.f("uq_interaction_requests_uri")),
    )
    for names in (
        ("target_actor_id", "id"),
        ("target_id",),
        ("actor_id", "target_id"),
        ("object_id",),
        ("request_uri",),
        ("stamp_uri",),
    ):
        index = f"ix_interaction_requests_{'_'.join(names)}"
        op.create_index(index, "interaction_requests", list(names), unique=False)


def _proofs() -> None:
    op.add_column("keys", sa.Column("for_proofs", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("keys", sa.Column("expires_ms", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_keys_expires_ms",
        "keys",
        ["expires_ms"],
        unique=False,
        sqlite_where=sa.text("expires_ms IS NOT NULL"),
        postgresql_where=sa.text("expires_ms IS NOT NULL"),
    )
    post_quantum = sa.text("public >= 'ukC' AND public < 'ukD'")
    op.create_index(
        "ix_keys_post_quantum",
        "keys",
        ["actor_id"],
        unique=False,
        sqlite_where=post_quantum,
        postgresql_where=post_quantum,
    )


def _domains() -> None:
    op.create_table(
        "domain_lists",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("auto", sa.Text(), server_default="none", nullable=False),
        sa.Column("entries", sa.Text(), server_default="[]", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_lists")),
        sa.UniqueConstraint("url", name=op.f("uq_domain_lists_url")),
    )
    op.add_column("domain_blocks", sa.Column("reject_media", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("domain_blocks", sa.Column("reject_reports", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("domain_blocks", sa.Column("obfuscate", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("domain_blocks", sa.Column("list_id", _ID, nullable=True))
    op.create_index("ix_domain_blocks_list_id", "domain_blocks", ["list_id"], unique=False)
    op.create_table(
        "domain_allows",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_domain_allows")),
    )
    op.create_table(
        "host_marks",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("moment_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("purged", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_marks")),
    )
    op.create_table(
        "user_domain_blocks",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_user_domain_blocks_actor_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_domain_blocks")),
        sa.UniqueConstraint("actor_id", "host", name=op.f("uq_user_domain_blocks_actor_id_host")),
    )
    op.create_index("ix_user_domain_blocks_host", "user_domain_blocks", ["host"], unique=False)
    op.create_table(
        "severances",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_severances")),
    )
    op.create_index("ix_severances_host", "severances", ["host"], unique=False)
    op.create_table(
        "severed_follows",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("severance_id", _ID, nullable=False),
        sa.Column("local_id", _ID, nullable=False),
        sa.Column("remote_id", _ID, nullable=False),
        sa.Column("was_follower", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("show_announces", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("notify", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["local_id"], ["actors.id"], name=op.f("fk_severed_follows_local_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["remote_id"], ["actors.id"], name=op.f("fk_severed_follows_remote_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["severance_id"], ["severances.id"], name=op.f("fk_severed_follows_severance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_severed_follows")),
        sa.UniqueConstraint(
            "severance_id",
            "local_id",
            "remote_id",
            "was_follower",
            name=op.f("uq_severed_follows_severance_id_local_id_remote_id_was_follower"),
        ),
    )
    op.create_index("ix_severed_follows_local_id", "severed_follows", ["local_id"], unique=False)
    op.create_index("ix_severed_follows_remote_id", "severed_follows", ["remote_id"], unique=False)


def _threads() -> None:
    op.create_table(
        "thread_walks",
        sa.Column("thread_id", _ID, autoincrement=False, nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("lease_ms", sa.BigInteger(), nullable=True),
        sa.Column("ours", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("walks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rounds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("found", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("walked_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("thread_id", name=op.f("pk_thread_walks")),
    )
    op.create_index(
        "ix_thread_walks_due_ms",
        "thread_walks",
        ["due_ms"],
        unique=False,
        sqlite_where=sa.text("due_ms IS NOT NULL"),
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_table(
        "thread_sources",
        sa.Column("thread_id", _ID, autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("listed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "uri", name=op.f("pk_thread_sources")),
    )
    op.create_table(
        "thread_gaps",
        sa.Column("thread_id", _ID, autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("answered", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("named_by", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=True),
        sa.Column("next_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("thread_id", "uri", name=op.f("pk_thread_gaps")),
    )


def _errands() -> None:
    op.create_table(
        "errands",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("target_id", _ID, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_errands_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_id"], ["actors.id"], name=op.f("fk_errands_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("kind", "actor_id", name=op.f("uq_errands_kind_actor_id")),
    )
    op.create_index("ix_errands_due_ms", "errands", ["due_ms"], unique=False)
    op.create_index("ix_errands_target_id", "errands", ["target_id"], unique=False)


def _client_to_server() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_submissions_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("actor_id", "key", name=op.f("uq_submissions_actor_id_key")),
    )
    op.create_index("ix_submissions_uri", "submissions", ["uri"], unique=False)
    op.create_index("ix_submissions_created_ms", "submissions", ["created_ms"], unique=False)
    op.create_table(
        "link_previews",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("card", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_previews")),
        sa.UniqueConstraint("url", name=op.f("uq_link_previews_url")),
    )
    op.create_index(
        "ix_link_previews_due_ms",
        "link_previews",
        ["due_ms"],
        unique=False,
        sqlite_where=sa.text("due_ms IS NOT NULL"),
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_index("ix_link_previews_fetched_ms", "link_previews", ["fetched_ms"], unique=False)
    op.create_table(
        "object_previews",
        sa.Column("object_id", _ID, nullable=False),
        sa.Column("preview_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"], ["objects.id"], name=op.f("fk_object_previews_object_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["preview_id"], ["link_previews.id"], name=op.f("fk_object_previews_preview_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_object_previews")),
    )
    op.create_index("ix_object_previews_preview_id", "object_previews", ["preview_id"], unique=False)


def _reactions() -> None:
    op.add_column("likes", sa.Column("implied", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("objects", sa.Column("reactions_count", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("objects", sa.Column("searchable", sa.SmallInteger(), nullable=True))
    op.create_table(
        "reactions",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("object_id", _ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_reactions_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_reactions_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reactions")),
        sa.UniqueConstraint(
            "actor_id", "object_id", "content", "host", name=op.f("uq_reactions_actor_id_object_id_content_host")
        ),
    )
    op.create_index("ix_reactions_object_id", "reactions", ["object_id", "id"], unique=False)
    op.create_index("ix_reactions_uri", "reactions", ["uri"], unique=False)


def _groups() -> None:
    def key(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"), ondelete="CASCADE")

    op.create_table(
        "groups",
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("posting", sa.Text(), server_default="members", nullable=False),
        key("groups", "actor_id", "actors"),
        sa.PrimaryKeyConstraint("actor_id", name=op.f("pk_groups")),
    )
    for table, more in (
        ("group_moderators", ()),
        (
            "group_bans",
            (
                sa.Column("created_ms", sa.BigInteger(), nullable=False),
                sa.Column("expires_ms", sa.BigInteger(), nullable=True),
            ),
        ),
    ):
        op.create_table(
            table,
            sa.Column("group_id", _ID, nullable=False),
            sa.Column("actor_id", _ID, nullable=False),
            *more,
            key(table, "group_id", "actors"),
            key(table, "actor_id", "actors"),
            sa.PrimaryKeyConstraint("group_id", "actor_id", name=op.f(f"pk_{table}")),
        )
        op.create_index(f"ix_{table}_actor_id", table, ["actor_id"], unique=False)
    op.create_table(
        "group_posts",
        sa.Column("object_id", _ID, nullable=False),
        sa.Column("group_id", _ID, nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False),
        key("group_posts", "object_id", "objects"),
        key("group_posts", "group_id", "actors"),
        sa.PrimaryKeyConstraint("object_id", "group_id", name=op.f("pk_group_posts")),
    )
    op.create_index("ix_group_posts_group_id", "group_posts", ["group_id", "object_id"], unique=False)
    op.create_table(
        "told_votes",
        sa.Column("object_id", _ID, nullable=False),
        sa.Column("voter", sa.LargeBinary(), nullable=False),
        sa.Column("group_id", _ID, nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        key("told_votes", "object_id", "objects"),
        key("told_votes", "group_id", "actors"),
        sa.PrimaryKeyConstraint("object_id", "voter", name=op.f("pk_told_votes")),
    )
    op.create_index("ix_told_votes_group_id", "told_votes", ["group_id"], unique=False)
    op.create_table(
        "relays",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("actor_uri", sa.Text(), nullable=True),
        sa.Column("follow_uri", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_relays")),
    )
    op.create_index("ix_relays_actor_uri", "relays", ["actor_uri"], unique=False)
    op.create_index("ix_relays_follow_uri", "relays", ["follow_uri"], unique=False)


def _people_elsewhere() -> None:
    for name in ("claimed_followers", "claimed_following", "claimed_posts"):
        op.add_column("actors", sa.Column(name, sa.Integer(), nullable=True))
    for table, name in (
        ("actors", "looked_ms"),
        ("actors", "moved_ms"),
        ("hosts", "looked_ms"),
        ("polls", "counts_due_ms"),
    ):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("hosts", sa.Column("application_uri", sa.Text(), nullable=True))
    op.create_index("ix_hosts_seen_ms", "hosts", ["seen_ms"], unique=False)
    op.create_index(
        "ix_polls_counts_due_ms",
        "polls",
        ["counts_due_ms"],
        unique=False,
        sqlite_where=sa.text("counts_due_ms IS NOT NULL"),
        postgresql_where=sa.text("counts_due_ms IS NOT NULL"),
    )


def _containers() -> None:
    op.add_column("objects", sa.Column("activity_uri", sa.Text(), nullable=True))
    op.create_index("ix_hosts_software", "hosts", ["software"], unique=False)
