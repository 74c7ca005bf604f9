"""Groups, here and elsewhere: what is in them, who has a say in them, and what they tell.  spec: fep-1b12"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Table, Text

from fediverse_node.storage.tables.columns import flag_column, metadata, ms_column, ref_column, text_column

# How a group of ours wants it; one without a row has the defaults.
groups = Table(
    "groups",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    Column("posting", Text, nullable=False, server_default="members"),  # everybody members moderators
)

group_moderators = Table(
    "group_moderators",
    metadata,
    ref_column("group_id", "actors", primary_key=True),
    ref_column("actor_id", "actors", primary_key=True),
    Index("ix_group_moderators_actor_id", "actor_id"),
)

# Who may not write in a group: in ours because its moderators said so, in others because they told us.
group_bans = Table(
    "group_bans",
    metadata,
    ref_column("group_id", "actors", primary_key=True),
    ref_column("actor_id", "actors", primary_key=True),
    ms_column("created_ms"),
    ms_column("expires_ms", nullable=True),
    Index("ix_group_bans_actor_id", "actor_id"),
)

# What was written in a group, as its author said, or as an answer to something in it.
group_posts = Table(
    "group_posts",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    ref_column("group_id", "actors", primary_key=True),
    # Its moderators took it out; to its author and whoever follows them it is still there.
    flag_column("removed"),
    flag_column("locked"),
    Index("ix_group_posts_group_id", "group_id", "object_id"),
)

# Votes of which only the group has told. They count, without names: `voter` is a digest of who it was.
told_votes = Table(
    "told_votes",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    Column("voter", LargeBinary, primary_key=True),
    ref_column("group_id", "actors"),
    Column("value", SmallInteger, nullable=False),  # 1 like, -1 dislike
    Index("ix_told_votes_group_id", "group_id"),
)

# Servers that pass on what is public to whoever subscribes.  spec: fep-ae0c
relays = Table(
    "relays",
    metadata,
    Column("url", Text, primary_key=True),  # as it was given: an inbox, or an actor
    Column("style", Text, nullable=False),  # mastodon litepub
    Column("inbox", Text, nullable=False),
    text_column("actor_uri", nullable=True),
    Column("follow_uri", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="asked"),  # asked accepted rejected
    ms_column("created_ms"),
    ms_column("answered_ms", nullable=True),
    Index("ix_relays_actor_uri", "actor_uri"),
    Index("ix_relays_follow_uri", "follow_uri"),
)
