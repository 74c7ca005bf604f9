"""What a person's client does about others and what they said: Follow, Like, Announce, Block, Undo, Accept, Add, Flag.

spec: ap#follow-activity-outbox, ap#add-activity-outbox, ap#remove-activity-outbox, ap#like-activity-outbox,
ap#block-activity-outbox, ap#undo-activity-outbox. What an activity of this kind says of its audience is not read, but
of an Announce: a Like or a Follow goes to the one it is about, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.model import Actor, Visibility
from fediverse_node.outbox.client_activities.addressing import address
from fediverse_node.outbox.client_activities.faults import cannot, malformed, missing, of_refusal
from fediverse_node.outbox.client_activities.ports import Acted, Ports
from fediverse_node.outbox.client_activities.reading import Wish, wish_of
from fediverse_node.protocol.reading import text
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_ID
from fediverse_node.storage.queries.submissions import ASKED, DONE

Outcome = Acted | Fail | TemporaryFail
Do = Callable[[Ports, Actor, Wish], Awaitable[Outcome]]
_LONGEST_COMMENT = 1000
_UNDOABLE = ("Follow", "Like", "Announce", "Block")


async def follow(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Follow somebody, or ask to."""
    return await _to_actor(ports, author, wish, ports.outbox.follow)


async def block(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Have nothing to do with somebody."""
    return await _to_actor(ports, author, wish, ports.outbox.block)


async def like(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Favour a post."""
    found = await ports.visible(author.id, wish.object_uri)
    if not isinstance(found, int):
        return found
    return _done(wish, await ports.outbox.like(author.id, found))


async def announce(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Pass a post on, to everybody or to one's followers."""
    addressed = address(author, wish.document)
    if isinstance(addressed, Fail):
        return addressed
    if addressed.visibility is Visibility.DIRECT:
        return cannot("a post is passed on to everybody or to one's followers: say to whom in `to` or `cc`")
    if addressed.unnamed:
        return cannot("nobody can be told of an Announce in bto or bcc")
    found = await ports.visible(author.id, wish.object_uri)
    if not isinstance(found, int):
        return found
    made = await ports.outbox.announce(author.id, found, addressed.visibility)
    if isinstance(made, Refuse):
        return of_refusal(made)
    row = await ports.database.fetch_one(OBJECT_BY_ID, object_id=made) if made is not None else None
    return Acted(wish.object_uri or "", uri=str(row["uri"]) if row is not None else None)


async def undo(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Take back what was done: named by its id, or told again whole."""
    if wish.object is not None and "object" in wish.object:
        inner = wish_of(wish.object, author)
        if isinstance(inner, Fail):
            return inner
        kind, subject = inner.type, await _subject(ports, author, inner)
    else:
        row = await ports.database.fetch_one(DONE, uri=wish.object_uri or "", actor_id=author.id)
        if row is None:
            return missing(f"no activity of yours that can be undone is called {str(wish.object_uri)[:200]}")
        kind, subject = row["kind"], int(row["subject_id"])
    if kind not in _UNDOABLE:
        return cannot(f"{', '.join(_UNDOABLE)} can be undone, and no {kind}: what was said is deleted")
    if not isinstance(subject, int):
        return subject
    outbox = ports.outbox
    takes_back = {
        "Follow": outbox.unfollow,
        "Like": outbox.unlike,
        "Announce": outbox.unannounce,
        "Block": outbox.unblock,
    }
    return _done(wish, await takes_back[kind](author.id, subject))


async def _subject(ports: Ports, author: Actor, inner: Wish) -> int | Fail | TemporaryFail:
    if inner.type in ("Follow", "Block"):
        return await ports.actor(inner.object_uri)
    return await ports.visible(author.id, inner.object_uri)


async def accept(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Let somebody follow, or approve of what waits for approval."""
    return await _answer(ports, author, wish, accepts=True)


async def reject(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Let somebody not follow (any more), or not approve."""
    return await _answer(ports, author, wish, accepts=False)


async def _answer(ports: Ports, author: Actor, wish: Wish, *, accepts: bool) -> Outcome:
    row = await ports.database.fetch_one(ASKED, uri=wish.object_uri or "", actor_id=author.id)
    if row is None:
        return missing(f"nothing that waits for your answer is called {str(wish.object_uri)[:200]}")
    subject_id = int(row["subject_id"])
    if row["kind"] == "Request":
        return _done(wish, await ports.outbox.answer_request(author.id, subject_id, accept=accepts))
    say = ports.outbox.accept_follower if accepts else ports.outbox.reject_follower
    return _done(wish, await say(author.id, subject_id))


async def add(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Pin a post to the profile."""
    return await _pin(ports, author, wish, ports.outbox.pin)


async def remove(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Take a pin away; or somebody out of one's followers."""
    if wish.target_uri == author.followers_uri:
        return await _to_actor(ports, author, wish, ports.outbox.remove_follower)
    return await _pin(ports, author, wish, ports.outbox.unpin)


async def _pin(ports: Ports, author: Actor, wish: Wish, act: Callable[[int, int], Awaitable[Refuse | None]]) -> Outcome:
    featured = author.featured_uri or ports.world.names.featured(author.uri)
    if wish.target_uri is None:
        return malformed(f"{wish.type} names a collection as its target")
    if wish.target_uri != featured:
        return cannot(f"posts can be pinned to {featured} and to no other collection")
    found = await ports.visible(author.id, wish.object_uri)
    if not isinstance(found, int):
        return found
    outcome = _done(wish, await act(author.id, found))
    return outcome if isinstance(outcome, Fail) else Acted(outcome.object, target=featured)


async def flag(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Tell the moderators about somebody, with posts; those of the other server too if `to` names the person."""
    target: int | None = None
    posts: list[int] = []
    for uri in wish.objects:
        found = await ports.visible(author.id, uri)
        if isinstance(found, int):
            posts.append(found)
            continue
        person = await ports.actor(uri)
        if not isinstance(person, int):
            return person
        if target is not None and target != person:
            return cannot("a report is about one person: send one for each")
        target = person
    owners = {int(row["actor_id"]) for id_ in posts if (row := await _row(ports, id_)) is not None}
    if target is None:
        target = next(iter(owners), None)
    if target is None:
        return malformed("a Flag names an actor, or posts")
    comment = text(wish.document.get("content"), _LONGEST_COMMENT + 1).strip()
    if len(comment) > _LONGEST_COMMENT:
        return cannot(f"a comment has at most {_LONGEST_COMMENT} characters")
    addressed = address(author, wish.document)
    if isinstance(addressed, Fail):
        return addressed
    forward = await ports.actor_uri(target) in (*addressed.people, *addressed.unnamed)
    made = await ports.outbox.report(author.id, target, comment=comment, object_ids=posts, forward=forward)
    if isinstance(made, Refuse):
        return of_refusal(made)
    # Under an id of its own: the one that other servers get must not lead to whoever reported.
    uri = ports.world.names.activity(author.username, "flag", made)
    return Acted(wish.objects, uri=uri, more={"content": comment})


async def _row(ports: Ports, object_id: int) -> Mapping[str, int] | None:
    return await ports.database.fetch_one(OBJECT_BY_ID, object_id=object_id)


async def _to_actor(
    ports: Ports, author: Actor, wish: Wish, act: Callable[[int, int], Awaitable[Refuse | None]]
) -> Outcome:
    found = await ports.actor(wish.object_uri)
    if not isinstance(found, int):
        return found
    return _done(wish, await act(author.id, found))


def _done(wish: Wish, refusal: Refuse | None) -> Acted | Fail:
    return of_refusal(refusal) if refusal is not None else Acted(wish.object_uri or "")


async def move(ports: Ports, author: Actor, wish: Wish) -> Outcome:
    """Not by a client's word alone: it cannot be taken back, and takes all followers along."""
    return cannot("an account is moved with its owner's password, in the settings: an app alone may not do that")


ACTS: Mapping[str, Do] = {
    "Follow": follow,
    "Like": like,
    "Announce": announce,
    "Block": block,
    "Undo": undo,
    "Accept": accept,
    "Reject": reject,
    "Add": add,
    "Remove": remove,
    "Flag": flag,
    "Move": move,
}
