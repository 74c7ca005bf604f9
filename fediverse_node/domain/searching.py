"""Who may find a post by its words.  spec: fep-268d#searchability-of-objects, fep-5feb

An object says it in `searchableBy`; one that says nothing is found as its author is (`searchableBy` or `indexable` of
the actor). What one may not read one does not find either: that is another question, asked besides.
"""

from __future__ import annotations

from collections.abc import Mapping

from fediverse_node.domain.model import Actor
from fediverse_node.protocol.addressing import PUBLIC, PUBLIC_ALIASES
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.reading import audience

# The values of the column `objects.searchable`, added up. Nothing of it: its author alone.
NOBODY, FOLLOWERS, NAMED, EVERYBODY = 0, 1, 2, 4


def searchable_of(document: ObjectDocument, author: Actor) -> int | None:
    """What a post says about it; None if nothing. An empty list says nothing: it leaves no trace in JSON-LD."""
    listed = set(audience(document.raw.get("searchableBy")))
    if not listed:
        return None
    if not listed.isdisjoint(PUBLIC_ALIASES):
        return EVERYBODY
    named = {mention.href for mention in document.mentions}
    found = FOLLOWERS if author.followers_uri is not None and author.followers_uri in listed else NOBODY
    # All whom it names may: who is listed without being named is not told apart from others here.
    return found | NAMED if named and named <= listed else found


def is_findable(document: Mapping[str, object], *, indexable: bool | None) -> bool:
    """Whether an actor's posts may be found by everybody, as far as they say nothing themselves."""
    listed = audience(document.get("searchableBy"))
    return not PUBLIC_ALIASES.isdisjoint(listed) if listed else bool(indexable)


def stated(actor_uri: str, *, indexable: bool) -> str:
    """`searchableBy` of an actor of ours; its posts inherit it."""
    return PUBLIC if indexable else actor_uri
