"""Documents of ours with a proof of their author's in them, so that they stay ours wherever they are copied to.

spec: fep-8b32. Made when they are asked for: what they say changes with their answers. Who may see them is decided
before; what was said in private is given without, as when it was sent.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.base.clock import from_ms
from fediverse_node.delivery.sealing import proof_keys, seal_document
from fediverse_node.web import responses
from fediverse_node.web.context import WEB

Row = Any


async def proven_response(request: web.Request, row: Row, document: dict[str, Any]) -> web.Response:
    """The document of an object of ours (`row`) or of its Create, as its author would have signed it last."""
    keys = request.app[WEB].keys
    found = await keys.keys_of(row["actor_id"]) if keys is not None else None
    if found is not None:
        # Not of this moment: the same document shall have the same validator.
        said = from_ms(row["updated_ms"] or row["published_ms"])
        document = seal_document(document, proof_keys(found), said)
    return responses.activity(request, document)
