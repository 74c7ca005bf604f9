"""The Announce in an object row, as a document.  spec: ap#announce-activity-outbox"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.domain import wire
from fediverse_node.domain.granting import announce_audience
from fediverse_node.domain.model import visibility_of
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_ID, author_of
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import is_shown

Row = Any


async def load_announce_document(request: web.Request, row: Row) -> dict[str, Any] | None:
    """The Announce; None when what it passes on may not be shown (any more) to whoever sent the request."""
    target = await request.app[WEB].database.fetch_one(OBJECT_BY_ID, object_id=row["announce_of_id"])
    return announce_document(row, target) if target is not None and await is_shown(request, target) else None


def announce_document(row: Row, target: Row) -> dict[str, Any]:
    """The Announce of `target` in `row`."""
    actor, author = author_of(row), author_of(target)
    to, cc = announce_audience(visibility_of(row["visibility"]), actor, author)
    published = wire.stamp(row["published_ms"])
    return wire.about("Announce", row["uri"], actor.uri, target["uri"], to=to, cc=cc, published=published)
