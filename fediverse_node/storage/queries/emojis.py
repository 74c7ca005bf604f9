"""Custom emojis of this server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text, bindparam, delete, literal_column, select

from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import custom_emojis
from fediverse_node.storage.unit import Run, Unit

_IS_OURS = custom_emojis.c.host == literal_column("''")

OURS = Statement(select(custom_emojis).where(_IS_OURS).order_by(custom_emojis.c.category, custom_emojis.c.shortcode))
OURS_BY_SHORTCODE = Statement(
    select(custom_emojis.c.shortcode, custom_emojis.c.url, custom_emojis.c.static_url).where(
        _IS_OURS, one_of(custom_emojis.c.shortcode, "shortcodes")
    )
)
_PUT = upsert(
    custom_emojis,
    ("id", "shortcode", "host", "url", "static_url", "category", "uri"),
    ("shortcode", "host"),
    {name: name for name in ("url", "static_url", "category", "uri")},
)
_REMOVE = Statement(delete(custom_emojis).where(_IS_OURS, custom_emojis.c.shortcode == bindparam("gone", type_=Text())))


def put(row: Mapping[str, Any]) -> Unit[None]:
    """An emoji of ours; one of the same name gets a new picture."""
    yield Run(_PUT, [row])


def remove(shortcode: str) -> Unit[None]:
    """An emoji of ours goes."""
    yield Run(_REMOVE, [{"gone": shortcode}])
