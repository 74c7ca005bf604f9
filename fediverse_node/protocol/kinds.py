"""What sort of document this is, before anything of it is read. spec: as2-vocabulary, rfc7033#4.4, nodeinfo-2.1

By its type where it is a known one, else by its shape: servers invent types, and an activity that nobody knows is an
activity still. Says nothing about whether the document can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from fediverse_node.protocol.actors import ACTOR_TYPES
from fediverse_node.protocol.collections import COLLECTION_TYPES
from fediverse_node.protocol.objects import OBJECT_TYPES, SAME_AS
from fediverse_node.protocol.reading import mappings, types

ACTIVITY_TYPES = frozenset(
    {
        "Accept", "Activity", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike", "EmojiReact", "Flag",
        "Follow", "Ignore", "Invite", "Join", "Leave", "Like", "Listen", "Lock", "Move", "Offer", "Read", "Reject",
        "Remove", "TentativeAccept", "TentativeReject", "Travel", "Undo", "Update", "View",
        "QuoteRequest", "ReplyRequest", "LikeRequest", "AnnounceRequest",
    }
)  # fmt: skip
# Stamps by which an author approves what others do with a post.  spec: fep-044f, gts-interaction#approval-objects
APPROVAL_TYPES = frozenset(
    {
        "QuoteAuthorization", "ReplyAuthorization", "LikeAuthorization", "AnnounceAuthorization",
        "ReplyApproval", "LikeApproval", "AnnounceApproval",
    }
)  # fmt: skip
_KEY_TYPES = frozenset({"Key", "CryptographicKey", "Multikey", "PublicKey"})
_LINK_TYPES = frozenset({"Link", "Mention", "Hashtag"})
_SPECIFIC = {
    **dict.fromkeys(ACTOR_TYPES, "actor"),
    **dict.fromkeys((*OBJECT_TYPES, *SAME_AS), "post"),
    **dict.fromkeys(COLLECTION_TYPES, "collection"),
    **dict.fromkeys(ACTIVITY_TYPES, "activity"),
    **dict.fromkeys(APPROVAL_TYPES, "approval"),
    **dict.fromkeys(_KEY_TYPES, "key"),
    **dict.fromkeys(_LINK_TYPES, "link"),
}


class Kind(Enum):
    """The sorts of documents; a member's value is the word for it."""

    ACTIVITY = "activity"
    POST = "post"
    ACTOR = "actor"
    COLLECTION = "collection"
    TOMBSTONE = "tombstone"
    APPROVAL = "approval"
    KEY = "key"
    LINK = "link"
    WEBFINGER = "webfinger"
    NODEINFO = "nodeinfo"
    NODEINFO_LINKS = "nodeinfo links"
    OTHER = "other"


def kind_of(doc: object) -> Kind:
    """The sort of any JSON value; OTHER is what this server has no use for. Never raises."""
    if not isinstance(doc, Mapping):
        return Kind.OTHER
    names = types(doc)
    if "Tombstone" in names:
        return Kind.TOMBSTONE
    for name in names:
        if name in _SPECIFIC:
            return Kind(_SPECIFIC[name])
    if not names and (found := _untyped(doc)) is not None:
        return found
    if "publicKeyPem" in doc and "publicKey" not in doc:
        return Kind.KEY
    if "inbox" in doc and "object" not in doc:
        return Kind.ACTOR
    if "actor" in doc and "object" in doc:
        return Kind.ACTIVITY
    return Kind.OTHER


def _untyped(doc: Mapping[str, object]) -> Kind | None:
    links = mappings(doc.get("links"), 20)
    if any("nodeinfo" in str(link.get("rel"))[:100] for link in links):
        return Kind.NODEINFO_LINKS
    if isinstance(doc.get("subject"), str) and "links" in doc:
        return Kind.WEBFINGER
    if isinstance(doc.get("software"), Mapping) and "version" in doc:
        return Kind.NODEINFO
    if "orderedItems" in doc or "items" in doc:
        return Kind.COLLECTION
    return None
