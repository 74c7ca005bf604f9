"""An effect as one plain English sentence, and a decision told to whoever watches.

For the lab, `inspect` and receipts: what the database did because of a message. Pure: names are taken from the facts
of the decision, and who is not in them is called by number. It renders nothing for clients and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fediverse_node.base.outcome import Fail
from fediverse_node.base.trace import is_watched, note
from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import InteractionRequest, Quote
from fediverse_node.protocol.uris import host_of

_INBOXES_NAMED = 5


class Telling:
    """A decision that can be told afterwards: it keeps the facts with which it was made."""

    __slots__ = ("_decide", "_facts")

    def __init__(self, decide: Callable[[Facts], Iterable[e.Effect]]) -> None:
        self._decide = decide
        self._facts: Facts | None = None

    def __call__(self, facts: Facts) -> Iterable[e.Effect]:
        """Decide. The writer calls this, in a task of its own: nothing may be noted here."""
        self._facts = facts
        return self._decide(facts)

    def note(self, effects: Sequence[e.Effect], **of: object) -> None:
        """Note what was decided and what was done, after the commit. `of` says whose decision it is."""
        refusal = next((effect for effect in effects if isinstance(effect, e.Refuse)), None)
        note("rule.decided", None if refusal is None else Fail(refusal.reason, refusal.detail), **of)
        if self._facts is None or not is_watched():
            return
        told = sentences(effects, self._facts)
        if told:
            delivers = [effect.uri for effect in effects if isinstance(effect, e.Deliver)]
            note("effects", None, effects=told, delivers=delivers, **of)


def sentences(effects: Sequence[e.Effect], facts: Facts) -> list[str]:
    """What was done, a sentence each. Of a decision that refuses, only what is sent or fetched all the same."""
    refused = any(isinstance(effect, e.Refuse) for effect in effects)
    new = {x.record.id: x.record.uri for x in effects if isinstance(x, e.Put) and isinstance(x.record, e.NewObject)}
    kept = [x for x in effects if not refused or isinstance(x, e.Deliver | e.FetchLater)]
    return [sentence(effect, facts, new=new) for effect in kept]


def sentence(effect: e.Effect, facts: Facts, *, new: Mapping[int, str] | None = None) -> str:
    """One effect. `new` are ids and URIs of objects that the same decision made."""
    names = _Names(facts, new or {})
    match effect:
        case e.Put(record):
            return _put(record, names)
        case e.Patch(change):
            return _patch(change, names)
        case e.Remove(key):
            return _remove(key, names)
        case e.Place(object_id, reader_ids):
            what = "it" if new and object_id in new else names.object(object_id)
            return f"put {what} into {_timelines(len(reader_ids))}"
        case e.Notify(actor_id, type_, from_id, object_id):
            about = f" about {names.object(object_id)}" if object_id is not None else ""
            return f"notifies {names.actor(actor_id)}: {type_.replace('_', ' ')} by {names.actor(from_id)}{about}"
        case e.Deliver():
            return f"will deliver {effect.type} {effect.uri} {_recipients(effect, names)}"
        case e.FetchLater(uri, kind):
            return f"will fetch the {kind} {uri} when there is time"
        case e.Refuse(reason, detail):
            return f"did nothing: {Fail(reason, detail)}"


class _Names:
    """How people and posts are called in a sentence."""

    def __init__(self, facts: Facts, new: Mapping[int, str]) -> None:
        self.facts = facts
        self._new = new

    def actor(self, actor_id: int) -> str:
        actor = self.facts.actors_by_id.get(actor_id)
        return actor.handle if actor is not None else f"actor {actor_id}"

    def object(self, object_id: int) -> str:
        known = self.facts.objects_by_id.get(object_id)
        return self._new.get(object_id) or (known.uri if known is not None else f"object {object_id}")


def _put(record: e.Record, names: _Names) -> str:
    match record:
        case e.NewObject(announce_of_id=int(announced)):
            return f"kept the Announce {record.uri} of {names.object(announced)}"
        case e.NewObject():
            parent = f", in reply to {record.in_reply_to_uri}" if record.in_reply_to_uri else ""
            return f"kept the post {record.uri}{parent}"
        case e.NewLike():
            return f"counts one like more for {names.object(record.object_id)}"
        case e.NewFollow(follower_id=follower_id, followed_id=followed_id, accepted=accepted):
            follower, followed = names.actor(follower_id), names.actor(followed_id)
            return f"{follower} follows {followed} now" if accepted else f"{follower} asks to follow {followed}"
        case e.NewBlock():
            who, whom = names.actor(record.actor_id), names.actor(record.target_id)
            return f"{who} blocks {whom} now, and neither follows the other any more"
        case e.NewVotes():
            choices = " and ".join(str(choice + 1) for choice in record.choices)
            vote = f"the vote of {names.actor(record.actor_id)} for {choices} in {names.object(record.object_id)}"
            return f"counts {vote}" if record.counts else f"remembers {vote}, which its own server counts"
        case e.NewReport():
            who, whom = names.actor(record.actor_id), names.actor(record.target_id)
            return f"kept a report by {who} about {whom} for the moderators"
        case e.NewPin():
            return f"pinned {names.object(record.object_id)} to the profile of {names.actor(record.actor_id)}"
        case e.NewTombstone():
            return f"remembers that {record.uri} is gone"
        case Quote():
            return f"keeps that it quotes {record.quoted_uri}: {record.state.value}"
        case InteractionRequest():
            who, whose = names.actor(record.actor_id), names.actor(record.target_actor_id)
            return f"keeps that {who} asks {whose} about the {record.kind.value} {record.uri}: {record.state.value}"
        case e.NewReaction(reaction=said):
            if said.content == "dislike":
                return f"counts one dislike more for {names.object(said.object_id)}"
            return (
                f"keeps the reaction {said.content} of {names.actor(said.actor_id)} to {names.object(said.object_id)}"
            )
        case e.NewGroupPost():
            return f"knows that {names.object(record.object_id)} is in the group {names.actor(record.group_id)}"
        case e.NewToldVote(value=value):
            vote = "like" if value > 0 else "dislike"
            return f"counts a {vote} for {names.object(record.object_id)} on the word of {names.actor(record.group_id)}"
        case e.NewModerator():
            return f"{names.actor(record.actor_id)} moderates {names.actor(record.group_id)} now"
        case e.NewGroupBan():
            return f"{names.actor(record.actor_id)} may not write in {names.actor(record.group_id)} any more"
        case e.NewErrand(kind="move"):
            return f"goes on with the followers of {names.actor(record.actor_id)}, some at a time"
        case e.NewErrand():
            return f"forgets what {names.actor(record.actor_id)} said, piece by piece"


def _patch(change: e.Change, names: _Names) -> str:
    match change:
        case e.ChangeGroupPost(removed=removed, locked=locked):
            is_now = {(True, None): "out of", (False, None): "back in", (None, True): "closed in"}
            how = is_now.get((removed, locked), "open again in")
            return f"{names.object(change.object_id)} is {how} the group {names.actor(change.group_id)}"
        case e.SettleRelay(url=url, state=state):
            return f"the relay {url} has {state} us"
        case e.SettleQuote(quote):
            return f"the quote of {quote.quoted_uri} in {names.object(quote.object_id)} is {quote.state.value} now"
        case e.SettleRequest(request):
            return f"the {request.kind.value} {request.uri} is {request.state.value} now"
        case e.EditObject():
            columns = _listed(sorted({*change.changes, *(["poll"] if change.poll is not None else [])}))
            before = "; the version before is kept" if change.keep_revision else ""
            return f"changed the post {names.object(change.id)} ({columns or 'nothing of its text'}){before}"
        case e.AcceptFollow():
            return f"{names.actor(change.follower_id)} was accepted and follows {names.actor(change.followed_id)} now"
        case e.ChangeActor():
            return f"changed {names.actor(change.id)} ({_listed(sorted(change.changes))})"


def _remove(key: e.Key, names: _Names) -> str:
    match key:
        case e.ReactionKey():
            return f"takes back a reaction of {names.actor(key.actor_id)} to {names.object(key.object_id)}"
        case e.ToldVoteKey():
            return f"takes back a vote for {names.object(key.object_id)} that a group told of"
        case e.ModeratorKey():
            return f"{names.actor(key.actor_id)} does not moderate {names.actor(key.group_id)} any more"
        case e.GroupBanKey():
            return f"{names.actor(key.actor_id)} may write in {names.actor(key.group_id)} again"
        case e.QuoteKey():
            return f"{names.object(key.object_id)} quotes nothing any more"
        case e.RequestKey():
            return "forgets a request that was taken back"
        case e.LikeKey():
            return f"takes back the like of {names.actor(key.actor_id)} for {names.object(key.object_id)}"
        case e.FollowKey():
            return f"{names.actor(key.follower_id)} does not follow {names.actor(key.followed_id)} any more"
        case e.BlockKey():
            return f"{names.actor(key.actor_id)} does not block {names.actor(key.target_id)} any more"
        case e.PinKey():
            return f"took {names.object(key.object_id)} off the top of the profile of {names.actor(key.actor_id)}"
        case e.ObjectKey():
            memory = " and remembers that it is gone" if key.tombstone else ""
            return f"removed {names.object(key.id)}{memory}"
        case e.ActorKey():
            return f"removed {names.actor(key.id)} and everything said and done by it"


def _recipients(effect: e.Deliver, names: _Names) -> str:
    """Where it goes. Whom storage leaves out (blocked hosts, ourselves) is left out here too."""
    inboxes: dict[str, None] = {}
    unknown = 0
    for actor_id in effect.to_actor_ids:
        actor = names.facts.actors_by_id.get(actor_id)
        if actor is None:
            unknown += 1
        elif not (actor.local or actor.suspended or actor.deleted) and _is_sent_to(actor.best_inbox, effect, names):
            inboxes[actor.best_inbox] = None
    inboxes |= {inbox: None for inbox in effect.inboxes if _is_sent_to(inbox, effect, names)}
    parts = list(_shortened(list(inboxes)))
    if unknown:
        parts.append(f"{unknown} more {'actor' if unknown == 1 else 'actors'}")
    if effect.followers_of is not None:
        followed = names.facts.actors_by_id.get(effect.followers_of)
        parts.append(f"the followers of {followed.handle if followed else f'actor {effect.followers_of}'}")
    if not parts:
        return "to nobody: no recipient is on another server that may be sent to"
    spared = f", but not to {effect.except_host}" if effect.except_host else ""
    return f"to {_listed(parts)}{spared}"


def _is_sent_to(inbox: str, effect: e.Deliver, names: _Names) -> bool:
    host = host_of(inbox)
    if host is None or names.facts.domains.is_suspended(host) or host == effect.except_host:
        return False
    return not names.facts.world.names.is_ours(inbox)


def _shortened(inboxes: Sequence[str]) -> Iterator[str]:
    yield from inboxes[:_INBOXES_NAMED]
    if len(inboxes) > _INBOXES_NAMED:
        left = len(inboxes) - _INBOXES_NAMED
        yield f"{left} more {'inbox' if left == 1 else 'inboxes'}"


def _timelines(readers: int) -> str:
    if not readers:
        return "no home timeline"
    return f"the home {'timeline of 1 person' if readers == 1 else f'timelines of {readers} people'}"


def _listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
