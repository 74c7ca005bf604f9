"""People here say something about a post with one picture.  spec: fep-c0e0"""

from __future__ import annotations

from fediverse_node.domain import reactions
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.facts import Needs
from fediverse_node.outbox.deciding import Deciding


class Reacting(Deciding):
    """The part of the outbox that reacts."""

    async def react(self, actor_id: int, object_id: int, picture: reactions.Picture) -> Refuse | None:
        """Say something about an object with one picture."""
        needs = Needs(object_ids=(object_id,), reactions=True)
        return await self._about_with(
            actor_id,
            object_id,
            lambda actor, target, facts: reactions.compose(actor, target, picture, facts),
            needs,
        )

    async def unreact(self, actor_id: int, object_id: int, content: str, host: str = "") -> Refuse | None:
        """Take that back: an emoji, or `:name:` of a custom emoji of `host`."""
        needs = Needs(object_ids=(object_id,), reactions=True)
        return await self._about_with(
            actor_id,
            object_id,
            lambda actor, target, facts: reactions.compose_undo(actor, target, content, host, facts),
            needs,
        )
