"""Collections of other servers, page by page, up to a number of items and pages.

Items are what the collection says: addresses, or embedded documents that prove nothing about other origins.
spec: as2#collections. It does not fetch the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.protocol.collections import CollectionPage, parse_collection
from fediverse_node.protocol.uris import same_origin
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, Document

Item = str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read of a collection. `is_complete` is False where a limit, a fault or a loop ended the reading."""

    id: str
    items: tuple[Item, ...]
    total: int | None
    is_complete: bool


async def fetch_collection(
    dereferencer: Dereferencer, uri: str, *, budget: Budget, max_items: int = 200, max_pages: int = 10
) -> Collected | Fail | TemporaryFail:
    """The items of the collection at `uri`, in its order. Pages of other origins are not followed."""
    root = await _fetch_page(dereferencer, uri, budget)
    if not isinstance(root, CollectionPage):
        return root
    id_ = root.id or uri
    items = list(root.items)
    page = root.first_page
    items += page.items if page is not None else ()
    following = page.next if page is not None else root.first or root.next
    seen = {uri, id_}
    pages = 1
    while following is not None and len(items) < max_items and pages < max_pages:
        if following in seen or not same_origin(following, id_):
            break
        seen.add(following)
        pages += 1
        fetched = await _fetch_page(dereferencer, following, budget)
        if not isinstance(fetched, CollectionPage):
            break
        items += fetched.items
        following = fetched.next
    is_complete = following is None and len(items) <= max_items
    return Collected(id_, tuple(items[:max_items]), root.total, is_complete)


async def _fetch_page(dereferencer: Dereferencer, uri: str, budget: Budget) -> CollectionPage | Fail | TemporaryFail:
    document = await dereferencer.fetch_document(uri, budget=budget)
    return parse_collection(document.body) if isinstance(document, Document) else document
