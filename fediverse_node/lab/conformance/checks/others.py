"""What belongs to others: posts that are attributed, changed or deleted by those who did not write them.

Where the examined post publishes its replies, they show what counted; where it does not, only the answers can be seen.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fediverse_node.lab.conformance.attempt import SENDING, broke, honest
from fediverse_node.lab.conformance.case import Case, came, document
from fediverse_node.lab.conformance.facts import Json, address, own_address
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped
from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import same_origin

SECTION = Section()
_NEEDS = (*SENDING, Need.CONTROL, Need.OBJECT)
_PAGES = 4
_PATIENCE_S = 6.0


def _note(case: Case, actor: Actor, **more: object) -> dict[str, Any]:
    """A public reply to the examined post that can be fetched from here."""
    stand_in = case.stand_in
    uri = stand_in.new_uri(actor, "notes")
    note: dict[str, Any] = {
        "id": uri,
        "type": "Note",
        "attributedTo": actor.uri,
        "content": "<p>A reply of a conformance check. It will be deleted.</p>",
        "published": case.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "inReplyTo": case.facts.post_uri,
        "to": [PUBLIC],
        "cc": [case.facts.actor_uri],
        "tag": [{"type": "Mention", "href": case.facts.actor_uri, "name": "@someone"}],
        **more,
    }
    return note


async def _tell(case: Case, actor: Actor, kind: str, what: dict[str, Any]) -> Exchange:
    activity = case.activity(actor, kind, what, to=[PUBLIC], cc=[case.facts.actor_uri])
    return await case.send(honest(case, actor, activity))


async def _replies(case: Case) -> set[str] | None:
    """Ids in the replies of the examined post; None where they cannot be read."""
    post = document(await case.read(case.facts.post_uri)) or {}
    url = own_address(post, "replies")
    found = document(await case.read(url)) if url else None
    if found is None:
        return None
    ids = set(_ids(found))
    page: Json | None = found
    link: object = found.get("first")
    for _ in range(_PAGES):
        if isinstance(link, dict):
            page, link = link, link.get("next")
        elif isinstance(link, str) and same_origin(link, case.facts.post_uri):
            page = document(await case.read(link))
            link = page.get("next") if page else None
        else:
            break
        ids |= set(_ids(page or {}))
    return ids


def _ids(page: Json) -> list[str]:
    return [address(item) for item in sequence(page.get("items", page.get("orderedItems")))]


async def _shows(case: Case, uri: str, *, wanted: bool, patience_s: float = _PATIENCE_S) -> bool | None:
    """Whether the replies show it, asked until it is as wanted or time is up; None where they cannot be read."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        found = await _replies(case)
        if found is None:
            return None
        if (uri in found) == wanted or loop.time() > until:
            return uri in found
        await asyncio.sleep(0.5)


async def _reply_that_shows(case: Case) -> tuple[Actor, dict[str, Any]] | Outcome:
    """An honest reply that stands among the replies now, or why there is none."""
    author = case.stand_in.new_actor()
    note = _note(case, author)
    case.stand_in.documents[note["id"]] = {"@context": "https://www.w3.org/ns/activitystreams", **note}
    exchange = await _tell(case, author, "Create", note)
    broken = broke(exchange)
    if broken is not None:
        return broken
    if not 200 <= exchange.status < 300:
        return failed(f"An honest reply was refused: {came(exchange)}")
    shows = await _shows(case, note["id"], wanted=True)
    if shows is None:
        return skipped("The post publishes no replies, so what counts cannot be seen")
    return (author, note) if shows else skipped("An honest reply does not show among the replies")


async def _remove(case: Case, author: Actor, note: dict[str, Any]) -> None:
    case.stand_in.documents.pop(note["id"], None)
    await _tell(case, author, "Delete", {"id": note["id"], "type": "Tombstone"})


@SECTION.check(
    "others.reply",
    "A public reply from elsewhere becomes part of the conversation, and goes when it is deleted",
    why="Conversations over many servers are whole only if each lists the replies that it knows.",
    advice="Publish `replies` with the ids of public replies, wherever they were written; take them out on Delete.",
    refs=("fep-7458", "ap#delete-activity-inbox"),
    needs=_NEEDS,
)
async def reply_comes_and_goes(case: Case) -> Outcome:
    reply = await _reply_that_shows(case)
    if isinstance(reply, Outcome):
        return reply
    author, note = reply
    await _remove(case, author, note)
    still = await _shows(case, note["id"], wanted=False)
    return (
        failed("After its Delete it still stands there.") if still else passed("It came, and went when it was deleted")
    )


@SECTION.check(
    "others.delete",
    "Nobody can delete what another wrote",
    why="Mitra and others once took a Delete from anybody who could sign.",
    advice="Take a Delete from the author of the object alone (or ask the origin whether it is gone).",
    refs=("ap#delete-activity-inbox", "fep-fe34"),
    needs=_NEEDS,
)
async def strangers_delete_nothing(case: Case) -> Outcome:
    reply = await _reply_that_shows(case)
    if isinstance(reply, Outcome):
        return reply
    author, note = reply
    thief = case.stand_in.new_actor()
    exchange = await _tell(case, thief, "Delete", {"id": note["id"], "type": "Tombstone"})
    shows = await _shows(case, note["id"], wanted=False, patience_s=case.patience_s)
    await _remove(case, author, note)
    broken = broke(exchange)
    if broken is not None:
        return broken
    return (
        passed(f"{came(exchange)}, and the reply still stood there")
        if shows
        else failed(f"{came(exchange)}, and the reply was gone.")
    )


@SECTION.check(
    "others.attribution",
    "A post that names another author does not count",
    why="Whoever believes attributedTo lets anybody write in anybody's name.",
    advice="Take an embedded object only if its author is the actor; fetch all others from their ids.",
    refs=("fep-fe34", "GHSA-rwcw-vq68-g34p"),
    needs=_NEEDS,
)
async def foreign_author_does_not_count(case: Case) -> Outcome:
    victim, thief = case.stand_in.new_actor(), case.stand_in.new_actor()
    return await _stays_out(case, thief, _note(case, victim, attributedTo=victim.uri))


@SECTION.check(
    "others.own-name",
    "A post in the name of the examined actor, sent from elsewhere, does not count",
    why="What claims to be written here must never come from elsewhere.",
    advice="Take posts of your own actors from your own people alone.",
    refs=("fep-fe34", "CVE-2024-23832"),
    needs=_NEEDS,
)
async def own_name_cannot_be_used(case: Case) -> Outcome:
    thief = case.stand_in.new_actor()
    return await _stays_out(case, thief, _note(case, thief, attributedTo=case.facts.actor_uri))


@SECTION.check(
    "others.foreign-id",
    "A post with an id of another origin counts only as that origin shows it",
    why="The sender could put words into other people's mouths: the id looks like theirs.",
    advice="Fetch an object from its id where the id is not of the actor's origin, and believe that answer.",
    refs=("fep-fe34", "CVE-2024-23832"),
    needs=(*_NEEDS, Need.ORIGINS),
)
async def foreign_id_is_fetched(case: Case) -> Outcome:
    thief = case.stand_in.new_actor()
    elsewhere = case.stand_in.new_actor(origin=case.stand_in.origins[1])
    return await _stays_out(case, thief, _note(case, elsewhere, attributedTo=thief.uri))


async def _stays_out(case: Case, thief: Actor, note: dict[str, Any]) -> Outcome:
    """Send the Create; whatever it is answered, the note must not stand among the replies."""
    exchange = await _tell(case, thief, "Create", note)
    broken = broke(exchange)
    if broken is not None:
        return broken
    if not 200 <= exchange.status < 300:
        return passed(came(exchange))
    reply = await _reply_that_shows(case)
    if isinstance(reply, Outcome):
        return skipped(f"{came(exchange)}; whether it counted cannot be seen: {reply.said[0].lower()}{reply.said[1:]}")
    shows = await _shows(case, note["id"], wanted=True, patience_s=case.patience_s)
    await _remove(case, *reply)
    return (
        failed(f"{came(exchange)}, and it stands among the replies.")
        if shows
        else passed(f"{came(exchange)}, and it does not show; an honest reply after it did")
    )


@SECTION.check(
    "others.like",
    "A Like is counted once, however often it is sent",
    why="Deliveries are repeated whenever an answer gets lost.",
    advice="Count by actor and object.",
    refs=("ap#like-activity-inbox", "ap#likes"),
    needs=_NEEDS,
)
async def like_counts_once(case: Case) -> Outcome:
    actor = case.stand_in.new_actor()
    before = await _likes(case)
    if before is None:
        return skipped("The post does not say how many like it")
    first, second = (case.activity(actor, "Like", case.facts.post_uri) for _ in range(2))
    for like in (first, first, second):
        exchange = await case.send(honest(case, actor, like))
        broken = broke(exchange)
        if broken is not None:
            return broken
    await asyncio.sleep(case.patience_s)
    after = await _likes(case)
    for like in (first, second):
        await case.send(honest(case, actor, case.activity(actor, "Undo", like)))
    await asyncio.sleep(case.patience_s)
    undone = await _likes(case)
    if after is None or after not in (before, before + 1):
        return failed(f"Three deliveries of one person's Like made {before} into {after}.")
    if undone != before:
        return failed(f"After the Undo there are {undone}, and there were {before}.")
    return passed(f"From {before} to {after}, and back after the Undo")


async def _likes(case: Case) -> int | None:
    post = document(await case.read(case.facts.post_uri)) or {}
    url = own_address(post, "likes")
    found: Json | None = document(await case.read(url)) if url else None
    if found is None and isinstance(post.get("likes"), dict):
        found = post["likes"]
    total = found.get("totalItems") if found else None
    return total if type(total) is int else None
