"""What people here who moderate a group of ours do in it; and how a group wants it.  spec: fep-1b12#group-moderation"""

from __future__ import annotations

from collections.abc import Iterable

from fediverse_node.base.outcome import Fail
from fediverse_node.domain import groups, wire
from fediverse_node.domain.effects import Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.groups import POSTING
from fediverse_node.domain.model import Actor
from fediverse_node.outbox.deciding import UNKNOWN, UNKNOWN_ACTOR, Deciding
from fediverse_node.protocol.activitystreams import parse_activity
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.storage.queries.groups import set_posting


class GroupDesk(Deciding):
    """Every method is somebody's act: `actor_id` is a moderator, or the group itself."""

    async def remove_post(self, actor_id: int, group_id: int, object_id: int, *, back: bool = False) -> Refuse | None:
        """Take a post out of the group, or put it `back`; it stays with its author."""
        return await self._about_post("Delete", actor_id, group_id, object_id, is_undo=back)

    async def lock(self, actor_id: int, group_id: int, object_id: int, *, open_again: bool = False) -> Refuse | None:
        """Close a conversation in the group."""
        return await self._about_post("Lock", actor_id, group_id, object_id, is_undo=open_again)

    async def ban(self, actor_id: int, group_id: int, person_id: int, *, lift: bool = False) -> Refuse | None:
        """Let somebody write in the group no more, nor follow it."""
        return await self._about_person("Block", actor_id, group_id, person_id, is_undo=lift)

    async def moderator(self, actor_id: int, group_id: int, person_id: int, *, no_more: bool = False) -> Refuse | None:
        """Give somebody a say in the group."""
        return await self._about_person("Remove" if no_more else "Add", actor_id, group_id, person_id, is_undo=False)

    async def set_posting(self, group_id: int, posting: str) -> None:
        """Who may write in the group: everybody, members or moderators."""
        if posting not in POSTING:
            raise ValueError(posting)
        await self._writer.run(lambda: set_posting(group_id, posting))

    async def _about_post(
        self, kind: str, actor_id: int, group_id: int, object_id: int, *, is_undo: bool
    ) -> Refuse | None:
        def act(actor: Actor, facts: Facts) -> Iterable[Effect]:
            about, group = facts.objects_by_id.get(object_id), facts.actors_by_id.get(group_id)
            if about is None or group is None:
                return [UNKNOWN]
            return _moderated(kind, actor, group, about.uri, is_undo, facts)

        return await self._act(actor_id, act, Needs(object_ids=(object_id,), actor_ids=(group_id,), groups=True))

    async def _about_person(
        self, kind: str, actor_id: int, group_id: int, person_id: int, *, is_undo: bool
    ) -> Refuse | None:
        def act(actor: Actor, facts: Facts) -> Iterable[Effect]:
            person, group = facts.actors_by_id.get(person_id), facts.actors_by_id.get(group_id)
            if person is None or group is None:
                return [UNKNOWN_ACTOR]
            return _moderated(kind, actor, group, person.uri, is_undo, facts)

        return await self._act(actor_id, act, Needs(actor_ids=(group_id, person_id), groups=True))


def _moderated(kind: str, actor: Actor, group: Actor, about_uri: str, is_undo: bool, facts: Facts) -> Iterable[Effect]:
    """The activity of a moderator here, and what follows from it: the same as if it came from elsewhere."""
    names = facts.world.names
    uri = names.activity(actor.username, kind.lower(), facts.world.ids.next())
    more: dict[str, str] = {"audience": group.uri}
    if kind == "Block":
        more["target"] = group.uri
    if kind in ("Add", "Remove"):
        more["target"] = names.moderators(group.uri)
    document = wire.about(kind, uri, actor.uri, about_uri, to=(PUBLIC,), cc=(group.uri,), **more)
    if is_undo:
        document = wire.about(
            "Undo", f"{uri}/undo", actor.uri, document, to=(PUBLIC,), cc=(group.uri,), audience=group.uri
        )
    activity = parse_activity(document)
    effects = [] if isinstance(activity, Fail) else list(groups.moderate(activity, document, actor, facts))
    return effects or [Refuse(Refusal.NOT_PERMITTED, "only moderators of a group may do this, and only in it")]
