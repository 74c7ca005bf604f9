"""Words with the prefixes of identity/v1, which Fedify lists first: it embeds our own actors so in what it answers."""

from __future__ import annotations

from fediverse_node.protocol.jsonld import NeedsProcessing, gate
from fediverse_node.protocol.jsonld_processing import compact_document

ACCEPT = {
    "@context": [
        "https://w3id.org/identity/v1",
        "https://www.w3.org/ns/activitystreams",
        "https://w3id.org/security/data-integrity/v1",
        "https://gotosocial.org/ns",
    ],
    "id": "https://peer.example/users/ada/answers/1",
    "type": "Accept",
    "actor": "https://peer.example/users/ada",
    "object": {
        "id": "https://social.example/users/alice/follows/1",
        "type": "Follow",
        "actor": {
            "id": "https://social.example/users/alice",
            "type": "Person",
            "name": "Alice",
            "sec:assertionMethod": {
                "id": "https://social.example/users/alice#ed25519-key",
                "type": "sec:Multikey",
                "sec:controller": {"id": "https://social.example/users/alice"},
                "sec:publicKeyMultibase": {"type": "sec:multibase", "@value": "z6Mk"},
            },
        },
        "object": "https://peer.example/users/ada",
    },
}


def test_an_accept_of_fedify_that_embeds_our_actor_is_read() -> None:
    assert isinstance(gate(ACCEPT, size_bytes=2000), NeedsProcessing)
    read = compact_document(ACCEPT)
    assert isinstance(read, dict), read
    follow = read["object"]
    assert isinstance(follow, dict)
    assert (read["type"], read["actor"], follow["object"]) == ("Accept", ACCEPT["actor"], ACCEPT["actor"])
    # The words that identity/v1 moves to schema.org stay where Activity Streams puts them.
    assert (follow["actor"]["type"], follow["actor"]["name"]) == ("Person", "Alice")
    [key] = follow["actor"]["assertionMethod"]
    assert (key["type"], key["publicKeyMultibase"]) == ("Multikey", "z6Mk")
