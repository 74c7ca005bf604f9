"""What a group elsewhere tells its followers: an Announce of what somebody did in it.

spec: fep-1b12#the-announce-activity

By the time this decides, the inbox has found out what it could about the inner activity: by a proof inside it, or at
the origin of what it is about (`inbox/wrapped.py`); posts, edits and deletions have had their effect then, or not.
Here it is decided what the group itself has a say in, and of that it is believed: what is in it, what is pinned or
closed in it, and who may write there. And votes: nothing at their origin shows them, nobody signs them, so they are
counted on the group's word, for posts whose author put them in that group, without names and without a notification.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from fediverse_node.base.clock import to_ms
from fediverse_node.domain import policy
from fediverse_node.domain.effects import (
    ChangeGroupPost,
    Effect,
    GroupBanKey,
    NewGroupBan,
    NewGroupPost,
    NewPin,
    NewToldVote,
    ObjectKey,
    Patch,
    PinKey,
    Put,
    Refusal,
    Refuse,
    Remove,
    ToldVoteKey,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.groups import GROUP
from fediverse_node.domain.model import Actor, GroupPost, Object
from fediverse_node.protocol.activitystreams import Activity, inner_activity
from fediverse_node.protocol.reading import uri

VOTES = {"Like": 1, "EmojiReact": 1, "Dislike": -1}
# Of whom they tell is not kept: only whether the same one has voted before.
_VOTER = b"voter\n"


def voter_of(actor_uri: str) -> bytes:
    """32 bytes for somebody who voted."""
    return sha256(_VOTER + actor_uri.encode()).digest()


def needs(activity: Activity, inner: Activity) -> Needs:
    """The group, the post it is about and how that stands there, and whom it tells of."""
    undone = inner_activity(inner) if inner.type == "Undo" else None
    act = undone or inner
    is_person = act.type == "Block"
    return Needs(
        acting=activity.actor,
        actors=(act.object_id,) if is_person and act.object_id else (),
        objects=(act.object_id,) if act.object_id and not is_person else (),
        audience=True,
        groups=True,
        voters=(act.actor,) if act.type in VOTES else (),
    )


def decide(activity: Activity, inner: Activity, facts: Facts) -> Iterator[Effect]:
    """What follows for the group. A new post in it is for `announce.py` to show."""
    group = facts.actor(activity.actor)
    if group is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
    elif policy.is_gone(group, facts):
        yield Refuse(Refusal.SUSPENDED, group.host)
    elif group.type != GROUP:
        yield Refuse(Refusal.UNSUPPORTED, "only groups pass on what others do")
    else:
        yield from _decide(group, inner, facts)


def _decide(group: Actor, inner: Activity, facts: Facts) -> Iterator[Effect]:
    undone = inner_activity(inner) if inner.type == "Undo" else None
    if inner.type == "Undo" and undone is None:
        yield Refuse(Refusal.UNSUPPORTED, "what is taken back is not told")
        return
    act = undone or inner
    if act.type == "Block":
        yield from _block(group, act, undone is not None, facts)
        return
    target = facts.objects.get(act.object_id or "")
    if target is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, act.object_id or "")
        return
    stands = next((post for post in facts.group_posts.get(target.id, ()) if post.group_id == group.id), None)
    if act.type in ("Create", "Update"):
        # What our own people write is where they put it.
        yield from () if stands is not None or target.local else (Put(NewGroupPost(target.id, group.id)),)
    elif act.type in VOTES:
        yield from _vote(group, act, undone is not None, target, stands, facts)
    elif act.type == "Delete":
        yield from _remove(group, undone is not None, target, stands, facts)
    elif stands is None or stands.removed:
        yield Refuse(Refusal.NOT_PERMITTED, "it is not in that group")
    elif act.type == "Lock":
        yield Patch(ChangeGroupPost(target.id, group.id, locked=undone is None))
    elif act.type in ("Add", "Remove") and act.target_id is not None and act.target_id == group.featured_uri:
        is_added = (act.type == "Add") == (undone is None)
        pin = NewPin(facts.world.ids.next(), group.id, target.id)
        yield Put(pin) if is_added else Remove(PinKey(group.id, target.id))
    else:
        yield Refuse(Refusal.UNSUPPORTED, act.type)


def _vote(
    group: Actor, act: Activity, is_undo: bool, target: Object, stands: GroupPost | None, facts: Facts
) -> Iterator[Effect]:
    known = facts.actor(act.actor)
    if facts.world.names.is_ours(act.actor) or (known is not None and (known.id, target.id) in facts.likes):
        # What our people do we know better, and what somebody said themselves is counted already.
        yield Refuse(Refusal.ALREADY_DONE, act.actor)
    elif stands is None or stands.removed:
        yield Refuse(Refusal.NOT_PERMITTED, "its author did not put it in that group")
    elif is_undo:
        yield Remove(ToldVoteKey(target.id, voter_of(act.actor)))
    else:
        yield Put(NewToldVote(target.id, voter_of(act.actor), group.id, VOTES[act.type]))


def told_before(actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    """Somebody says themselves what a group has told before: it counts once."""
    told = voter_of(actor.uri)
    if (target.id, told) in facts.told_votes:
        yield Remove(ToldVoteKey(target.id, told))


def _remove(group: Actor, is_undo: bool, target: Object, stands: GroupPost | None, facts: Facts) -> Iterator[Effect]:
    """Its author's server was asked already and shows it still: so moderators took it out of the group."""
    if is_undo:
        yield from () if stands is None else (Patch(ChangeGroupPost(target.id, group.id, removed=False)),)
        return
    shown = facts.announces.get((group.id, target.id))
    if shown is not None:
        yield Remove(ObjectKey(shown.id, tombstone=False))
    if stands is not None:
        yield Patch(ChangeGroupPost(target.id, group.id, removed=True))
    if shown is None and stands is None:
        yield Refuse(Refusal.NOT_PERMITTED, "it is not in that group")


def _block(group: Actor, act: Activity, is_undo: bool, facts: Facts) -> Iterator[Effect]:
    person = facts.actor(act.object_id)
    if person is None or not person.local:
        yield Refuse(Refusal.NOT_OURS, act.object_id or "")
    elif act.target_id != group.uri and uri(act.raw.get("audience")) != group.uri:
        yield Refuse(Refusal.NOT_PERMITTED, "nobody is banned from elsewhere")
    elif is_undo:
        yield Remove(GroupBanKey(group.id, person.id))
    else:
        yield Put(NewGroupBan(group.id, person.id, to_ms(act.ends) if act.ends is not None else None))
