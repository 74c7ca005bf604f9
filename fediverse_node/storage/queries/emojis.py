"""Custom emojis of this server."""

from __future__ import annotations

from sqlalchemy import literal_column, select

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import custom_emojis

OURS = Statement(
    select(custom_emojis)
    .where(custom_emojis.c.host == literal_column("''"))
    .order_by(custom_emojis.c.category, custom_emojis.c.shortcode)
)
OURS_BY_SHORTCODE = Statement(
    select(custom_emojis.c.shortcode, custom_emojis.c.url, custom_emojis.c.static_url).where(
        custom_emojis.c.host == literal_column("''"), one_of(custom_emojis.c.shortcode, "shortcodes")
    )
)
