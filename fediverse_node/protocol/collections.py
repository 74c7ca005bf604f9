"""Collections and their pages, both ways. spec: as2#collections, ap#collections"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.reading import AS2_NAMESPACE, integer, sequence, type_among, uri
from fediverse_node.protocol.reasons import WireReason

COLLECTION_TYPES = frozenset({"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"})
ITEMS_LIMIT = 1000
AS2_CONTEXT = AS2_NAMESPACE.rstrip("#")


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """A collection or one page of it: `items` are addresses or embedded objects, in the order sent.

    `first_page` is the first page where the collection brings it along instead of its address.
    """

    id: str | None
    type: str
    items: tuple[str | Mapping[str, object], ...] = ()
    next: str | None = None
    first: str | None = None
    total: int | None = None
    part_of: str | None = None
    first_page: CollectionPage | None = None
    owner: str | None = None  # `attributedTo`
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


def parse_collection(doc: object) -> CollectionPage | Fail:
    """Read any JSON value as a collection or a page; never raises. More than 1,000 items are cut."""
    page = _parse_page(doc)
    if isinstance(page, Fail):
        return page
    first = page.raw.get("first")
    if not isinstance(first, Mapping):
        return page
    inner = _parse_page(first)
    if isinstance(inner, Fail):
        return page
    return replace(page, first_page=inner)


def _parse_page(doc: object) -> CollectionPage | Fail:
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    type_ = type_among(doc, COLLECTION_TYPES)
    if type_ not in COLLECTION_TYPES:
        return Fail(WireReason.NOT_A_COLLECTION, type_)
    found: list[str | Mapping[str, object]] = []
    listed = doc.get("orderedItems")
    for item in sequence(listed if listed is not None else doc.get("items"))[:ITEMS_LIMIT]:
        if isinstance(item, Mapping):
            found.append(item)
        elif isinstance(item, str) and (address := uri(item)) is not None:
            found.append(address)
    id_ = doc.get("id")
    return CollectionPage(
        id=uri(id_) if isinstance(id_, str) else None,
        type=type_,
        items=tuple(found),
        next=uri(doc.get("next")),
        first=uri(doc.get("first")),
        total=integer(doc.get("totalItems")),
        part_of=uri(doc.get("partOf")),
        owner=uri(doc.get("attributedTo")),
        raw=doc,
    )


def dump_collection(
    uri_: str,
    *,
    total: int | None,
    first: str | None = None,
    last: str | None = None,
    items: Iterable[object] | None = None,
    ordered: bool = True,
    attributed_to: str | None = None,
    with_context: bool = True,
) -> dict[str, object]:
    """An OrderedCollection (or Collection): with `first` when it has pages, with `items` when it is short."""
    doc: dict[str, object] = {"@context": AS2_CONTEXT} if with_context else {}
    doc |= {"id": uri_, "type": "OrderedCollection" if ordered else "Collection"}
    if attributed_to is not None:
        doc["attributedTo"] = attributed_to
    if total is not None:
        doc["totalItems"] = total
    for key, value in (("first", first), ("last", last)):
        if value is not None:
            doc[key] = value
    if items is not None:
        doc["orderedItems" if ordered else "items"] = list(items)
    return doc


def dump_page(
    uri_: str,
    *,
    part_of: str,
    items: Sequence[object],
    next_: str | None = None,
    prev: str | None = None,
    ordered: bool = True,
    with_context: bool = True,
) -> dict[str, object]:
    """One page of a collection."""
    doc: dict[str, object] = {"@context": AS2_CONTEXT} if with_context else {}
    doc |= {"id": uri_, "type": "OrderedCollectionPage" if ordered else "CollectionPage", "partOf": part_of}
    for key, value in (("next", next_), ("prev", prev)):
        if value is not None:
            doc[key] = value
    doc["orderedItems" if ordered else "items"] = list(items)
    return doc
