"""Collections: counts, pages that end, items of their own origin, and nothing private.

spec: ap#collections, as2#collections
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.discover import is_public
from fediverse_node.lab.conformance.facts import Json, address, types
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import same_origin

SECTION = Section()
_ACTOR = (Need.ACTOR,)
_PAGES = 6
_HIDDEN = (401, 403, 404, 405)
_NASTY_QUERIES = ("?page=-1", "?page=%00", "?page=999999999999999999999", "?page=true&max_id=%ff", "?page[]=1&page=2")


@dataclass
class _Walk:
    """What the first pages of a collection hold. `fault` ends the walk."""

    items: list[object] = field(default_factory=list)
    pages: int = 0
    has_ended: bool = False
    fault: str = ""


async def _collection(case: Case, name: str) -> Json | Outcome:
    url = case.facts.own(name)
    if url is None:
        return skipped(f"The actor names no {name} of its own origin")
    exchange = await case.read(url)
    found = document(exchange)
    if found is not None:
        return found
    if exchange.status in _HIDDEN and name != "outbox":
        return skipped(f"It is not shown: {came(exchange)}")
    return failed(f"{url}: {came(exchange)}")


def _items(page: Json) -> list[object]:
    return list(sequence(page.get("orderedItems", page.get("items"))))


async def _walk(case: Case, collection: Json) -> _Walk:
    walk = _Walk(items=_items(collection))
    link: object = collection.get("first", collection.get("next"))
    seen: set[str] = set()
    whole = str(collection.get("id"))
    while link is not None and walk.pages < _PAGES:
        page = link if isinstance(link, Mapping) and _holds_items(link) else None
        url = address(link)
        if url and url in seen:
            walk.fault = f"the page {url} leads to itself again"
            return walk
        seen.add(url)
        if page is None:
            if not same_origin(url, whole):
                walk.fault = f"a page is at {link!r}"
                return walk
            exchange = await case.read(url)
            page = document(exchange)
            if page is None:
                walk.fault = f"{url}: {came(exchange)}"
                return walk
        found = _items(page)
        known = {address(item) for item in walk.items}
        if found and all(address(item) in known and address(item) for item in found):
            walk.fault = f"the page {url} repeats what came before"
            return walk
        walk.pages += 1
        walk.items += found
        link = page.get("next")
    walk.has_ended = link is None
    return walk


def _count(walk: _Walk) -> str:
    pages, items = walk.pages, len(walk.items)
    return f"{pages} {'page' if pages == 1 else 'pages'} with {items} {'item' if items == 1 else 'items'}"


def _holds_items(page: Mapping[str, object]) -> bool:
    return "items" in page or "orderedItems" in page


def _add(name: str, ordered: str) -> None:
    @SECTION.check(
        f"{name}.shape",
        f"The {name} collection says what it is and how much it holds",
        why="Servers show the count and decide by the type how to read on.",
        advice=f"Give id, type {ordered} and totalItems, a whole number.",
        refs=("as2#collections",),
        needs=_ACTOR,
    )
    async def shape(case: Case) -> Outcome:
        found = await _collection(case, name)
        if isinstance(found, Outcome):
            return found
        if not {"Collection", "OrderedCollection"}.intersection(types(found)):
            return failed(f"type is {found.get('type')!r}.")
        if found.get("id") != case.facts.own(name):
            return failed(f"It calls itself {found.get('id')!r}.")
        total = found.get("totalItems")
        if total is None:
            return warning("There is no totalItems.")
        if type(total) is not int or total < 0:
            return failed(f"totalItems is {total!r}.")
        if ordered not in types(found):
            return warning(f"It is a Collection; {ordered} is expected.")
        return passed(f"{total} {'item' if total == 1 else 'items'}")

    @SECTION.check(
        f"{name}.pages",
        f"The pages of {name} go on and come to an end",
        why="Whoever reads a collection follows `next` until there is none; a loop keeps them reading for ever.",
        advice="Leave `next` out on the last page, and never lead back to a page that was.",
        refs=("as2#paging",),
        needs=_ACTOR,
    )
    async def pages(case: Case) -> Outcome:
        found = await _collection(case, name)
        if isinstance(found, Outcome):
            return found
        walk = await _walk(case, found)
        if walk.fault:
            return failed(f"After {walk.pages} pages: {walk.fault}.")
        if walk.has_ended:
            return passed(f"{_count(walk)}, then the end")
        return passed(f"{_count(walk)} so far, all different")


_add("outbox", "OrderedCollection")
_add("followers", "OrderedCollection")
_add("following", "OrderedCollection")
_add("featured", "OrderedCollection")


def _activities(items: list[Mapping[str, object]]) -> str:
    return f"{len(items)} {'activity' if len(items) == 1 else 'activities'}"


@SECTION.check(
    "outbox.items",
    "The outbox holds this actor's own activities, with ids of this origin",
    why="An activity counts as its actor's only if its id is of the actor's origin; others are refused as forged.",
    advice="Set actor to the owner of the outbox and give each activity an id on its origin.",
    refs=("ap#outbox", "fep-fe34"),
    needs=_ACTOR,
)
async def items_are_own(case: Case) -> Outcome:
    found = await _collection(case, "outbox")
    if isinstance(found, Outcome):
        return found
    items = [item for item in (await _walk(case, found)).items if isinstance(item, Mapping)]
    for item in items:
        if address(item.get("actor")) != case.facts.actor_uri:
            return failed(f"{item.get('id')} is by {item.get('actor')!r}.")
        if not same_origin(str(item.get("id")), case.facts.actor_uri):
            return failed(f"An activity is called {item.get('id')!r}.")
    return passed(_activities(items)) if items else skipped("It shows no activities")


@SECTION.check(
    "outbox.private",
    "The outbox shows strangers only what is for everybody",
    why="A post for followers or for one person that stands here is read by anybody.",
    advice="Leave out of the outbox whatever does not address the Public collection.",
    refs=("ap#outbox", "CVE-2025-30741"),
    needs=_ACTOR,
)
async def outbox_is_public(case: Case) -> Outcome:
    found = await _collection(case, "outbox")
    if isinstance(found, Outcome):
        return found
    items = [item for item in (await _walk(case, found)).items if isinstance(item, Mapping)]
    for item in items:
        inner = item.get("object")
        is_open = is_public(item) and (not isinstance(inner, Mapping) or "to" not in inner or is_public(inner))
        if ("Create" in types(item) or "Announce" in types(item)) and not is_open:
            return failed(f"{item.get('id')} is addressed to {item.get('to')!r} and {item.get('cc')!r}.")
    return passed(_activities(items)) if items else skipped("It shows no activities")


@SECTION.check(
    "outbox.nonsense",
    "Pages that cannot be are refused without breaking anything",
    why="Page parameters come from strangers and go straight into a query.",
    advice="Read page parameters as numbers, ignore or refuse the rest, and never answer 5xx.",
    refs=("rfc9110#15.5.1",),
    needs=_ACTOR,
)
async def nonsense_is_refused(case: Case) -> Outcome:
    url = case.facts.own("outbox")
    if url is None:
        return skipped("The actor names no outbox of its own origin")
    for query in _NASTY_QUERIES:
        exchange = await case.read(url + query)
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"{query}: {came(exchange)}")
    return passed(f"{len(_NASTY_QUERIES)} kinds of nonsense")
