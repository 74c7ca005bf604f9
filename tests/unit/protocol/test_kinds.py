"""What sort of document something is, by its type or by its shape."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.protocol.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"type": "Note"}, Kind.POST),
        ({"type": ["x:Y", "Review"]}, Kind.POST),
        ({"type": "ChatMessage"}, Kind.POST),
        ({"type": "Create"}, Kind.ACTIVITY),
        ({"type": "Lock"}, Kind.ACTIVITY),
        ({"type": "Story:reply", "actor": "a", "object": "b"}, Kind.ACTIVITY),
        ({"type": "Group"}, Kind.ACTOR),
        ({"type": "Artist", "inbox": "https://a.example/inbox"}, Kind.ACTOR),
        ({"type": ["Person", "Tombstone"]}, Kind.TOMBSTONE),
        ({"type": "OrderedCollectionPage"}, Kind.COLLECTION),
        ({"orderedItems": []}, Kind.COLLECTION),
        ({"type": "QuoteAuthorization"}, Kind.APPROVAL),
        ({"type": "CryptographicKey"}, Kind.KEY),
        ({"publicKeyPem": "x", "owner": "y"}, Kind.KEY),
        ({"type": "Mention"}, Kind.LINK),
        ({"subject": "acct:a@b.example", "links": []}, Kind.WEBFINGER),
        ({"version": "2.0", "software": {}}, Kind.NODEINFO),
        ({"links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0"}]}, Kind.NODEINFO_LINKS),
        ({"type": "Story"}, Kind.OTHER),
        ({}, Kind.OTHER),
        ([], Kind.OTHER),
        (None, Kind.OTHER),
    ],
)
def test_a_document_is_of_its_kind(document: Any, kind: Kind) -> None:
    assert kind_of(document) is kind
