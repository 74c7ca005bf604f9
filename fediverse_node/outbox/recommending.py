"""People here recommend others, and their followers elsewhere hear of it.  spec: fep-7aa9"""

from __future__ import annotations

from fediverse_node.domain import recommending
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.facts import Needs
from fediverse_node.outbox.deciding import Deciding


class Recommending(Deciding):
    """The part of the outbox that tells of collections; what they hold is stored already."""

    async def tell_of_collection(
        self, actor_id: int, collection: recommending.FeaturedCollection, kind: str
    ) -> Refuse | None:
        """A collection is on the profile now (Add), is not any more (Remove), or has changed (Update)."""
        return await self._act(
            actor_id,
            lambda actor, facts: recommending.compose_listing(actor, collection, kind, facts),
            Needs(),
        )

    async def tell_of_item(
        self, actor_id: int, collection: recommending.FeaturedCollection, item: recommending.FeaturedItem, kind: str
    ) -> Refuse | None:
        """Somebody is in a collection now (Add), or is not any more (Remove)."""
        return await self._act(
            actor_id,
            lambda actor, facts: recommending.compose_item(actor, collection, item, kind, facts),
            Needs(),
        )
