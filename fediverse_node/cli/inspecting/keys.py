"""The public keys that documents at hand list, by key id. A document speaks for the keys of its own id only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fediverse_node.base.outcome import Reason
from fediverse_node.cli.inspecting.given import Given
from fediverse_node.protocol.actors import ActorDocument, KeyDocument, parse_actor

_DEPTH_LIMIT = 6


class KeyFault(Reason):
    """Why a key is not to be had."""

    OFFLINE = "nobody was asked, because of --offline"
    NOT_LISTED = "the owner that the key names does not list it"


class KeysAtHand:
    """Keys out of files: of actors, also of actors inside of messages, and those that captures name beside them."""

    def __init__(self) -> None:
        self._keys: dict[str, KeyDocument] = {}
        self._of_owners: dict[str, str] = {}

    def add(self, items: Iterable[Given]) -> None:
        """Keep what these hold; what came first stays."""
        for given in items:
            for owner, pem in given.keys:
                self._of_owners.setdefault(owner, pem)
            self._look(given.document, 0)

    def find(self, key_id: str) -> KeyDocument | None:
        """The key with this id."""
        found = self._keys.get(key_id)
        if found is not None:
            return found
        if key_id.startswith("did:key:"):
            # Such an id is the key.  spec: did-key#format
            owner, _, part = key_id.partition("#")
            return KeyDocument(key_id, owner, multibase=part or owner.removeprefix("did:key:"))
        # Captures say whose key it is, and not its id: it is below the owner's address.
        for owner, pem in self._of_owners.items():
            if key_id.startswith((f"{owner}#", f"{owner}/")):
                return KeyDocument(key_id, owner, pem=pem)
        return None

    def _look(self, value: object, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            return
        if isinstance(value, Mapping):
            if "publicKey" in value or "assertionMethod" in value:
                actor = parse_actor(value)
                if isinstance(actor, ActorDocument):
                    self._keep(actor)
            for item in value.values():
                self._look(item, depth + 1)
        elif isinstance(value, list):
            for item in value[:1000]:
                self._look(item, depth + 1)

    def _keep(self, actor: ActorDocument) -> None:
        for key in actor.public_keys:
            if key.owner == actor.id:
                self._keys.setdefault(key.id, key)
