"""What the whole client API needs to remember. One function for each subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# SQLite makes a column an alias of the row id only if its type is INTEGER, to the letter.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _announcements()
    _acquaintance()
    _moderation()
    _address_rules()
    _moderated_people()
    _reviews()


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
    # Whoever is warned again is told again.
    op.drop_index("uq_notifications_once", "notifications")
    repeated = sa.text("type <> 'report' AND type <> 'update' AND type <> 'moderation_warning'")
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


def _references(table: str, **targets: str) -> list[sa.ForeignKeyConstraint]:
    """Rows of other tables, with which this one's go."""
    return [
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"), ondelete="CASCADE")
        for name, target in targets.items()
    ]
