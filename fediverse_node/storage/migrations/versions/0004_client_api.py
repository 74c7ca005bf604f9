"""What the whole client API needs to remember. One function for each subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_OBJECT_INDEX = (
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

# SQLite makes a column an alias of the row id only if its type is INTEGER, to the letter.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _announcements()
    _acquaintance()
    _moderation()
    _address_rules()
    _moderated_people()
    _reviews()
    _mail_and_push()
    _second_factors()
    _collections()
    _annual_reports()
    _invites()
    _search()


def _announcements() -> None:
    op.create_table(
        "announcements",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("starts_ms", sa.BigInteger(), nullable=True),
        sa.Column("ends_ms", sa.BigInteger(), nullable=True),
        sa.Column("all_day", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    op.create_table(
        "announcement_reads",
        sa.Column("announcement_id", _ID, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        *_references("announcement_reads", announcement_id="announcements", actor_id="actors"),
        sa.PrimaryKeyConstraint("announcement_id", "actor_id", name=op.f("pk_announcement_reads")),
    )
    op.create_index("ix_announcement_reads_actor_id", "announcement_reads", ["actor_id"], unique=False)
    op.create_table(
        "announcement_reactions",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("announcement_id", _ID, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_references("announcement_reactions", announcement_id="announcements", actor_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement_reactions")),
        sa.UniqueConstraint(
            "announcement_id", "actor_id", "name", name=op.f("uq_announcement_reactions_announcement_id_actor_id_name")
        ),
    )
    op.create_index("ix_announcement_reactions_actor_id", "announcement_reactions", ["actor_id"], unique=False)


def _acquaintance() -> None:
    op.create_table(
        "endorsements",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("target_id", _ID, nullable=False),
        *_references("endorsements", actor_id="actors", target_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endorsements")),
        sa.UniqueConstraint("actor_id", "target_id", name=op.f("uq_endorsements_actor_id_target_id")),
    )
    op.create_index("ix_endorsements_target_id", "endorsements", ["target_id"], unique=False)
    op.create_table(
        "dismissed_suggestions",
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("target_id", _ID, nullable=False),
        *_references("dismissed_suggestions", actor_id="actors", target_id="actors"),
        sa.PrimaryKeyConstraint("actor_id", "target_id", name=op.f("pk_dismissed_suggestions")),
    )
    op.create_index("ix_dismissed_suggestions_target_id", "dismissed_suggestions", ["target_id"], unique=False)
    op.create_index(
        "ix_actors_directory",
        "actors",
        ["last_status_ms", "id"],
        unique=False,
        sqlite_where=sa.text("discoverable = 1"),
        postgresql_where=sa.text("discoverable"),
    )


def _moderation() -> None:
    op.create_table(
        "admin_actions",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("details", sa.Text(), server_default="{}", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_actions")),
    )
    op.create_index("ix_admin_actions_target", "admin_actions", ["kind", "target"], unique=False)
    op.create_index("ix_admin_actions_actor_id", "admin_actions", ["actor_id"], unique=False)
    op.create_table(
        "account_warnings",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("report_id", _ID, nullable=True),
        sa.Column("object_ids", sa.Text(), server_default="[]", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        *_references("account_warnings", actor_id="actors"),
        sa.ForeignKeyConstraint(["by_id"], ["actors.id"], name=op.f("fk_account_warnings_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_account_warnings_report_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_warnings")),
    )
    op.create_index("ix_account_warnings_actor_id", "account_warnings", ["actor_id"], unique=False)
    op.create_index("ix_account_warnings_report_id", "account_warnings", ["report_id"], unique=False)
    for name, kind in (("assigned_id", _ID), ("resolved_by_id", _ID), ("updated_ms", sa.BigInteger())):
        op.add_column("reports", sa.Column(name, kind, nullable=True))
    for table in ("domain_blocks", "domain_allows"):
        op.add_column(table, sa.Column("number", _ID, nullable=True))
    # Whoever is warned or recommended again is told again.
    op.drop_index("uq_notifications_once", "notifications")
    repeated = sa.text(
        "type <> 'report' AND type <> 'update' AND type <> 'moderation_warning' "
        "AND type <> 'added_to_collection' AND type <> 'collection_update'"
    )
    op.create_index(
        "uq_notifications_once",
        "notifications",
        ["actor_id", "type", "from_actor_id", sa.text("coalesce(object_id, 0)")],
        unique=True,
        sqlite_where=repeated,
        postgresql_where=repeated,
    )


def _address_rules() -> None:
    op.create_table(
        "email_domain_blocks",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("allow_with_approval", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_domain_blocks")),
        sa.UniqueConstraint("domain", name=op.f("uq_email_domain_blocks_domain")),
    )
    op.create_table(
        "email_domain_tries",
        sa.Column("block_id", _ID, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *_references("email_domain_tries", block_id="email_domain_blocks"),
        sa.PrimaryKeyConstraint("block_id", "day", "address", name=op.f("pk_email_domain_tries")),
    )
    op.create_table(
        "canonical_email_blocks",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("actor_id", _ID, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        *_references("canonical_email_blocks", actor_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canonical_email_blocks")),
        sa.UniqueConstraint("hash", name=op.f("uq_canonical_email_blocks_hash")),
    )
    op.create_index("ix_canonical_email_blocks_actor_id", "canonical_email_blocks", ["actor_id"], unique=False)
    op.create_table(
        "ip_blocks",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ip_blocks")),
        sa.UniqueConstraint("network", name=op.f("uq_ip_blocks_network")),
    )


def _moderated_people() -> None:
    op.create_table(
        "user_addresses",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        *_references("user_addresses", user_id="users"),
        sa.PrimaryKeyConstraint("user_id", "address", name=op.f("pk_user_addresses")),
    )
    op.create_index("ix_user_addresses_address", "user_addresses", ["address"], unique=False)
    op.create_index("ix_user_addresses_used_ms", "user_addresses", ["used_ms"], unique=False)
    op.create_table(
        "user_days",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        *_references("user_days", user_id="users"),
        sa.PrimaryKeyConstraint("user_id", "day", name=op.f("pk_user_days")),
    )
    op.create_index("ix_user_days_day", "user_days", ["day"], unique=False)
    op.add_column("actors", sa.Column("sensitized_ms", sa.BigInteger(), nullable=True))
    for name in ("app_id", "invited_by_id"):
        op.add_column("users", sa.Column(name, _ID, nullable=True))


def _reviews() -> None:
    op.create_table(
        "tag_reviews",
        sa.Column("tag_id", _ID, nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=True) for name in ("trendable", "usable", "listable")),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("reviewed_ms", sa.BigInteger(), nullable=True),
        *_references("tag_reviews", tag_id="tags"),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_tag_reviews")),
    )
    op.create_table(
        "trend_reviews",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reviewed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trend_reviews")),
        sa.UniqueConstraint("kind", "target", name=op.f("uq_trend_reviews_kind_target")),
    )


def _second_factors() -> None:
    op.create_table(
        "authenticators",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        *_references("authenticators", user_id="users"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_authenticators")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        *_references("recovery_codes", user_id="users"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "half_sign_ins",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        *_references("half_sign_ins", user_id="users"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_half_sign_ins")),
    )


def _mail_and_push() -> None:
    op.add_column("push_subscriptions", sa.Column("locked_token", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "push_messages",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("subscription_id", _ID, nullable=False),
        sa.Column("notification_id", _ID, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        *_references("push_messages", subscription_id="push_subscriptions", notification_id="notifications"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_messages")),
        sa.UniqueConstraint(
            "subscription_id", "notification_id", name=op.f("uq_push_messages_subscription_id_notification_id")
        ),
    )
    op.create_index("ix_push_messages_due_ms", "push_messages", ["due_ms"], unique=False)
    op.create_index("ix_push_messages_notification_id", "push_messages", ["notification_id"], unique=False)
    op.create_table(
        "mails",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("to_address", "subject", "plain", "html")),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_due_ms", "mails", ["due_ms"], unique=False)
    op.create_table(
        "mail_links",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        *_references("mail_links", user_id="users"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_mail_links")),
    )
    op.create_index("ix_mail_links_user_id", "mail_links", ["user_id"], unique=False)


def _collections() -> None:
    op.create_table(
        "featured_collections",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("sensitive", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("discoverable", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        *_references("featured_collections", actor_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_featured_collections")),
    )
    op.create_index("ix_featured_collections_actor_id", "featured_collections", ["actor_id"], unique=False)
    op.create_table(
        "featured_items",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("collection_id", _ID, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        *_references("featured_items", collection_id="featured_collections", actor_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_featured_items")),
        sa.UniqueConstraint("collection_id", "actor_id", name=op.f("uq_featured_items_collection_id_actor_id")),
    )
    op.create_index("ix_featured_items_actor_id", "featured_items", ["actor_id"], unique=False)
    op.create_table(
        "featured_notices",
        sa.Column("notification_id", _ID, nullable=False),
        sa.Column("collection_id", _ID, nullable=False),
        *_references("featured_notices", notification_id="notifications", collection_id="featured_collections"),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_featured_notices")),
    )
    op.create_index("ix_featured_notices_collection_id", "featured_notices", ["collection_id"], unique=False)


def _annual_reports() -> None:
    op.create_table(
        "annual_reports",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("read_ms", sa.BigInteger(), nullable=True),
        *_references("annual_reports", actor_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annual_reports")),
        sa.UniqueConstraint("actor_id", "year", name=op.f("uq_annual_reports_actor_id_year")),
    )


def _invites() -> None:
    op.create_table(
        "invites",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("most_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        *_references("invites", actor_id="actors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sa.UniqueConstraint("code", name=op.f("uq_invites_code")),
    )
    op.create_index("ix_invites_actor_id", "invites", ["actor_id"], unique=False)


def _search() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "object_words",
        sa.Column("object_id", _ID, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.Column("crowded", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_references("object_words", object_id="objects"),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_object_words")),
    )
    if is_sqlite:
        for statement in _OBJECT_INDEX:
            op.execute(sa.text(statement))
    else:
        op.create_index("ix_object_words_words", "object_words", ["words"], unique=False, postgresql_using="gin")
    op.add_column("errands", sa.Column("cursor_id", _ID, nullable=True))
    # What is there already is gone through piece by piece, once the node runs. No row has a number below nought.
    op.execute(
        "INSERT INTO errands (id, kind, actor_id, created_ms, due_ms) "
        "SELECT -min(id), 'all_words', min(id), 0, 0 FROM actors WHERE local HAVING min(id) IS NOT NULL"
    )


def _references(table: str, **targets: str) -> list[sa.ForeignKeyConstraint]:
    """Rows of other tables, with which this one's go."""
    return [
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"), ondelete="CASCADE")
        for name, target in targets.items()
    ]
