"""Collections in which people recommend others, as other servers read them, and what they are told of changes.

spec: fep-7aa9. Only who lives here can be in a collection of ours so far, so every stamp of consent is ours too and no
FeatureRequest is sent; one that comes from elsewhere is not answered, and no actor of ours states `canFeature`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fediverse_node.domain import wire
from fediverse_node.domain.effects import Deliver, Effect
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor
from fediverse_node.domain.names import Names
from fediverse_node.protocol.contexts import with_context

# As in Mastodon: of one person, and in one collection.
MOST_COLLECTIONS, MOST_ITEMS = 10, 25


@dataclass(frozen=True, slots=True)
class FeaturedItem:
    """Somebody of ours in a collection."""

    id: int
    actor_uri: str
    added_ms: int


@dataclass(frozen=True, slots=True)
class FeaturedCollection:
    """A collection of ours: `description` is plain text, `tag` a hashtag without `#`."""

    id: int
    owner_uri: str
    name: str
    description: str
    language: str | None
    tag: str | None
    sensitive: bool
    discoverable: bool
    created_ms: int
    updated_ms: int
    items: tuple[FeaturedItem, ...] = ()

    def uri(self, names: Names) -> str:
        """Its id for other servers."""
        return names.featured_collection(self.owner_uri, self.id)


def collection_document(collection: FeaturedCollection, names: Names, *, embedded: bool = False) -> dict[str, Any]:
    """The whole collection; `embedded`: without a context.  spec: fep-7aa9#representation-of-featured-collections"""
    uri, summary = collection.uri(names), html.escape(collection.description, quote=False)
    document: dict[str, Any] = {
        "id": uri,
        "type": "FeaturedCollection",
        "attributedTo": collection.owner_uri,
        "name": collection.name,
        "url": names.collection_page(collection.id),
        "sensitive": collection.sensitive,
        "discoverable": collection.discoverable,
        "published": wire.stamp(collection.created_ms),
        "updated": wire.stamp(collection.updated_ms),
        "totalItems": len(collection.items),
        "orderedItems": [item_document(item, uri, names) for item in collection.items],
    }
    if summary:
        document["summary"] = summary
        if collection.language:
            document["summaryMap"] = {collection.language: summary}
    if collection.tag:
        href = names.hashtag_page(collection.tag.lower())
        document["topic"] = {"type": "Hashtag", "href": href, "name": f"#{collection.tag}"}
    return document if embedded else with_context(document)


def item_document(item: FeaturedItem, collection_uri: str, names: Names) -> dict[str, Any]:
    """Somebody in a collection, without a context."""
    return {
        "id": f"{collection_uri}/items/{item.id}",
        "type": "FeaturedItem",
        "featuredObject": item.actor_uri,
        # Removed from the proposal since, but read by those who built it before.
        "featuredObjectType": "Person",
        "featureAuthorization": names.feature_authorization(item.actor_uri, item.id),
        "published": wire.stamp(item.added_ms),
    }


def stamp_document(item_id: int, member_uri: str, collection_uri: str, names: Names) -> dict[str, Any]:
    """That somebody of ours agrees to be in a collection.  spec: fep-7aa9#verification"""
    return with_context(
        {
            "id": names.feature_authorization(member_uri, item_id),
            "type": "FeatureAuthorization",
            "attributedTo": member_uri,
            "interactingObject": collection_uri,
            "interactionTarget": member_uri,
        }
    )


def compose_listing(actor: Actor, collection: FeaturedCollection, kind: str, facts: Facts) -> Iterator[Effect]:
    """Followers are told of a collection on the profile: `kind` is Add, Remove or Update."""
    names = facts.world.names
    target = {} if kind == "Update" else {"target": names.featured_collections(actor.uri)}
    about: dict[str, Any] | str = collection.uri(names)
    if kind != "Remove":
        about = collection_document(collection, names, embedded=True)
    yield from _tell(actor, kind, about, target, facts)


def compose_item(
    actor: Actor, collection: FeaturedCollection, item: FeaturedItem, kind: str, facts: Facts
) -> Iterator[Effect]:
    """Followers are told that somebody is in a collection (Add), or is not any more (Remove)."""
    names = facts.world.names
    uri = collection.uri(names)
    document = item_document(item, uri, names)
    yield from _tell(actor, kind, document if kind == "Add" else document["id"], {"target": uri}, facts)


def _tell(
    actor: Actor, kind: str, about: dict[str, Any] | str, target: dict[str, str], facts: Facts
) -> Iterator[Effect]:
    uri = facts.world.names.activity(actor.username, kind.lower(), facts.world.ids.next())
    to, cc = wire.public_audience(actor.followers_uri)
    document = wire.about(kind, uri, actor.uri, about, to=to, cc=cc, **target)
    yield Deliver(actor.id, kind, uri, document, followers_of=actor.id)
