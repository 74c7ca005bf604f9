"""Collections of other servers, page by page, up to a number of items and pages.

Items are what the collection says: addresses, or embedded documents that prove nothing about other origins.
spec: as2#collections. It does not fetch the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.protocol.collections import CollectionPage, parse_collection
from fediverse_node.protocol.uris import same_origin
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, Document

Item = str | Mapping[str, object]


class Unfinished(Reason):
    """Why a collection was not read to its end, besides the faults of the network."""

    LONG = "it has more items or pages than are read at a time"
    LOOPING = "its pages lead back to a page that was read"
    ELSEWHERE = "its next page is on another server"


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read of a collection. `owner` is who it says it belongs to.

    `fault` says why the reading ended before the last page, if it did; `pages` is how many were asked for.
    """

    id: str
    items: tuple[Item, ...]
    total: int | None
    fault: Fail | TemporaryFail | None = None
    pages: int = 1
    owner: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether its end was reached."""
        return self.fault is None


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
    seen = {uri, id_} | ({page.id} if page is not None and page.id is not None else set())
    pages = 1
    fault: Fail | TemporaryFail | None = None
    while following is not None and fault is None:
        fault = _unfit(following, id_, seen, is_long=len(items) >= max_items or pages >= max_pages)
        if fault is not None:
            break
        seen.add(following)
        pages += 1
        fetched = await _fetch_page(dereferencer, following, budget)
        if not isinstance(fetched, CollectionPage):
            fault = fetched
            break
        items += fetched.items
        following = fetched.next
    if fault is None and len(items) > max_items:
        fault = Fail(Unfinished.LONG)
    return Collected(id_, tuple(items[:max_items]), root.total, fault, pages, root.owner)


def _unfit(following: str, id_: str, seen: set[str], *, is_long: bool) -> Fail | None:
    if following in seen:
        return Fail(Unfinished.LOOPING, following[:200])
    if not same_origin(following, id_):
        return Fail(Unfinished.ELSEWHERE, following[:200])
    return Fail(Unfinished.LONG) if is_long else None


async def _fetch_page(dereferencer: Dereferencer, uri: str, budget: Budget) -> CollectionPage | Fail | TemporaryFail:
    document = await dereferencer.fetch_document(uri, budget=budget)
    return parse_collection(document.body) if isinstance(document, Document) else document
