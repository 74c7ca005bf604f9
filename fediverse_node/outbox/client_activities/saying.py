"""Create, Update, Delete: what a person's client says, changes and takes back.

spec: ap#create-activity-outbox, ap#update-activity-outbox, ap#delete-activity-outbox
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.documents import object_document
from fediverse_node.domain.effects import NewObject, Refuse
from fediverse_node.domain.model import Actor
from fediverse_node.outbox.client_activities import profile
from fediverse_node.outbox.client_activities.addressing import Addressed, address, states_addresses
from fediverse_node.outbox.client_activities.faults import ClientFault, cannot, malformed, missing, of_refusal
from fediverse_node.outbox.client_activities.ports import Acted, Ports
from fediverse_node.outbox.client_activities.reading import Wish
from fediverse_node.outbox.client_activities.writing import draft_of, merged
from fediverse_node.protocol.actors import ACTOR_TYPES
from fediverse_node.protocol.objects import parse_object
from fediverse_node.protocol.reading import JsonObject, type_among
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_ID, OBJECT_BY_URI, author_of, post_of
from fediverse_node.storage.unit import Unit

Row = Any
# Called with the id of a new object, in the transaction that stores it: gives what is to be stored beside it.
Beside = Callable[[str], Unit[Any]]
_LARGEST_DOCUMENT_MEMBERS = 200


async def create(
    ports: Ports,
    author: Actor,
    wish: Wish,
    *,
    beside: Beside,
    app_id: int | None = None,
    quote_word: str | None = None,
) -> Acted | Fail | TemporaryFail:
    """Something new is said, or an option of a poll chosen."""
    thing = wish.object
    if thing is None:
        return malformed("a Create brings its object along")
    if _is_vote(thing, author):
        return await _vote(ports, author, thing)
    addressed = address(author, wish.document, thing)
    if isinstance(addressed, Fail):
        return addressed
    draft = await draft_of(ports, author, thing, addressed, app_id=app_id, quote_word=quote_word)
    if isinstance(draft, Fail | TemporaryFail):
        return draft
    names = ports.world.names

    def also(object_id: int) -> Unit[None]:
        yield from beside(f"{names.object(author.username, object_id)}/activity")

    said = await ports.outbox.post(author.id, draft, beside=also)
    if isinstance(said, Refuse):
        return of_refusal(said)
    uri = names.object(author.username, said)
    row = await ports.database.fetch_one(OBJECT_BY_ID, object_id=said)
    document = _document(row, ports) if row is not None else uri
    return Acted(document, uri=f"{uri}/activity")


async def update(ports: Ports, author: Actor, wish: Wish) -> Acted | Fail | TemporaryFail:
    """Parts of a post, or of the person's own profile, become others."""
    thing, uri = wish.object, wish.object_uri
    if thing is None or uri is None:
        return malformed("an Update brings its object along, with its id")
    if uri == author.uri:
        return await profile.update(ports, author, thing)
    if type_among(thing, ACTOR_TYPES) in ACTOR_TYPES:
        return Fail(ClientFault.WRONG_ACTOR, f"{uri[:200]} is not {author.uri}")
    row = await _own(ports, author, uri)
    if isinstance(row, Fail):
        return row
    before = post_of(row)
    if len(thing) > _LARGEST_DOCUMENT_MEMBERS:
        return malformed("the object has too many members")
    whole = merged(_document(row, ports), thing)
    if type_among(whole, (before.type,)) != before.type:
        return cannot(f"a {before.type} stays one")
    if "inReplyTo" in thing and thing["inReplyTo"] != before.in_reply_to_uri:
        return cannot("what a post answers does not change")
    addressed = _same_audience(before, author, wish.document, thing)
    if isinstance(addressed, Fail):
        return addressed
    whole.pop("inReplyTo", None)
    draft = await draft_of(ports, author, whole, addressed, before=before)
    if isinstance(draft, Fail | TemporaryFail):
        return draft
    refusal = await ports.outbox.edit(author.id, before.id, draft)
    if refusal is not None:
        return of_refusal(refusal)
    changed = await ports.database.fetch_one(OBJECT_BY_ID, object_id=before.id)
    return Acted(_document(changed, ports) if changed is not None else uri)


async def delete(ports: Ports, author: Actor, wish: Wish) -> Acted | Fail | TemporaryFail:
    """A post is taken back, or a boost."""
    uri = wish.object_uri
    if uri is None:
        return malformed("a Delete names its object")
    if uri == author.uri:
        return cannot("an account is deleted by its owner's password, or by the people who run this server")
    row = await _own(ports, author, uri, boosts_too=True)
    if isinstance(row, Fail):
        return row
    if row["announce_of_id"] is not None:
        refusal = await ports.outbox.unannounce(author.id, row["announce_of_id"])
    else:
        refusal = await ports.outbox.delete(author.id, row["id"])
    return of_refusal(refusal) if refusal is not None else Acted(uri)


async def _own(ports: Ports, author: Actor, uri: str, *, boosts_too: bool = False) -> Row | Fail:
    row = await ports.database.fetch_one(OBJECT_BY_URI, uri=uri)
    if row is None or not (boosts_too or row["announce_of_id"] is None):
        return missing(f"nothing of yours is called {uri[:200]}")
    if row["actor_id"] != author.id:
        seen = await ports.visible(author.id, uri)
        if isinstance(seen, int):
            return Fail(ClientFault.NOT_ALLOWED, f"{uri[:200]} is somebody else's")
        return missing(f"nothing of yours is called {uri[:200]}")
    return row


def _document(row: Row, ports: Ports) -> dict[str, Any]:
    return object_document(post_of(row), author_of(row), ports.world.names, embedded=True)


def _same_audience(before: NewObject, author: Actor, *documents: JsonObject) -> Addressed | Fail:
    """Whom the post was for, and is: what was shown to some is not hidden or widened by changing it."""
    for document in documents:
        if not states_addresses(document):
            continue
        stated = address(author, document)
        if isinstance(stated, Fail):
            return stated
        if stated.visibility is not before.visibility:
            return cannot("whom a post is for does not change: delete it, and say it anew")
    listed = (*(before.parts.get("mentions") or ()), *(before.parts.get("also_for") or ()))
    return Addressed(before.visibility, tuple(str(person["uri"]) for person in listed))


def _is_vote(thing: JsonObject, author: Actor) -> bool:
    document = parse_object({**thing, "id": f"{author.uri}#vote", "attributedTo": author.uri})
    return not isinstance(document, Fail) and document.vote_name is not None


async def _vote(ports: Ports, author: Actor, thing: Mapping[str, object]) -> Acted | Fail | TemporaryFail:
    document = parse_object({**thing, "id": f"{author.uri}#vote", "attributedTo": author.uri})
    if isinstance(document, Fail):
        return malformed(str(document))
    found = await ports.visible(author.id, document.in_reply_to)
    if not isinstance(found, int):
        return found
    row = await ports.database.fetch_one(OBJECT_BY_ID, object_id=found)
    poll = post_of(row).poll if row is not None else None
    if poll is None:
        return cannot("a Note with a name and no content is a vote, and what it answers is no poll")
    if document.vote_name not in poll.options:
        return cannot(f"the poll has no such option: {str(document.vote_name)[:100]}")
    refusal = await ports.outbox.vote(author.id, found, [poll.options.index(document.vote_name)])
    if refusal is not None:
        return of_refusal(refusal)
    return Acted({"type": "Note", "name": document.vote_name, "inReplyTo": document.in_reply_to})
