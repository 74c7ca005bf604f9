"""An object as a client wrote it becomes a draft: text, people, hashtags, files, poll, what it answers or quotes.

spec: ap#create-activity-outbox, ap#source-property, as2#naturalLanguageValues. Content is HTML unless `mediaType` says
`text/plain`; it is sanitised as everybody's is. What would be lost (a second language, a title on a Note, files that
are not ours) is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.interaction_policy import parse_policy, quote_permission
from fediverse_node.domain.model import Actor, InteractionPolicy, Poll, Visibility
from fediverse_node.outbox.client_activities.addressing import PEOPLE_LIMIT, Addressed
from fediverse_node.outbox.client_activities.attaching import attached
from fediverse_node.outbox.client_activities.faults import ClientFault, cannot, malformed, missing
from fediverse_node.outbox.client_activities.ports import Ports
from fediverse_node.outbox.composition import refusal_of_duration, refusal_of_options, refusal_of_text
from fediverse_node.outbox.draft import Draft, Written
from fediverse_node.protocol import html, plain_text
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reading import JsonObject, sequence, type_among
from fediverse_node.storage.queries.outbox import OBJECT
from fediverse_node.storage.rows import full_object_of

CREATABLE = ("Note", "Article", "Question")
_PLAIN_TYPES = (None, "text/plain")
_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


@dataclass(frozen=True, slots=True)
class _Text:
    """`content` is HTML, or None where `text` is to be rendered; `plain` is what a reader reads."""

    text: str
    plain: str
    content: str | None = None
    source_type: str | None = None


async def draft_of(
    ports: Ports,
    author: Actor,
    thing: JsonObject,
    addressed: Addressed,
    *,
    before: NewObject | None = None,
    app_id: int | None = None,
    quote_word: str | None = None,
) -> Draft | Fail | TemporaryFail:
    """The draft, or why it cannot be. `before` is what is edited; `quote_word` says who may quote by default."""
    document = _parsed(thing, author)
    if isinstance(document, Fail):
        return document
    text = _text(document, thing)
    if isinstance(text, Fail):
        return text
    poll = _poll(document, before, ports.world.clock.now_ms())
    if isinstance(poll, Fail):
        return poll
    media_ids = await attached(ports, author, thing.get("attachment"), object_id=before.id if before else None)
    if isinstance(media_ids, Fail):
        return media_ids
    summary = html.to_plain_text(document.summary) if document.summary else ""
    refusal = refusal_of_text(ports.config, text.plain, summary, has_more=bool(media_ids or poll))
    if refusal is None and poll is not None and media_ids:
        refusal = "A post has either a poll or files"
    if refusal is not None:
        return cannot(refusal)
    written = await _written(ports, author, document, text, addressed)
    if not isinstance(written, Written):
        return written
    links = await _links(ports, author, document, addressed, written)
    if not isinstance(links, tuple):
        return links
    return Draft(
        text=text.text,
        visibility=addressed.visibility,
        summary=summary,
        sensitive=document.sensitive,
        language=document.language,
        in_reply_to_id=links[0],
        media_ids=media_ids,
        poll=poll,
        app_id=app_id,
        quoted_id=links[1] if before is None else None,
        policy=_policy(document, author, addressed.visibility, before, quote_word),
        written=written,
    )


def _parsed(thing: JsonObject, author: Actor) -> ObjectDocument | Fail:
    type_ = type_among(thing, CREATABLE)
    if type_ not in CREATABLE:
        return cannot(f"{', '.join(CREATABLE)} can be created here, and no {type_[:100] or 'thing without a type'}")
    for name in ("content", "summary", "name"):
        by_language = thing.get(f"{name}Map")
        if isinstance(by_language, Mapping) and len({str(text) for text in by_language.values()}) > 1:
            return cannot(f"{name}Map has several languages, and a post has one here: send one post for each")
    if len(sequence(thing.get("inReplyTo"))) > 1:
        return cannot("a post answers one other post")
    # What is new has no id yet; the one that a client gives means nothing.
    document = parse_object({**thing, "id": f"{author.uri}#new", "attributedTo": author.uri})
    if isinstance(document, Fail):
        return malformed(str(document))
    if document.name and document.type == "Note":
        return cannot("a Note has no name here: send an Article, or put it into the content")
    if document.type == "Article" and document.summary:
        return cannot("the summary of an Article is not kept here: put it into the content")
    return document


def _text(document: ObjectDocument, thing: JsonObject) -> _Text | Fail:
    source, source_type = document.source_text, document.source_media_type
    content = document.content or (document.name if document.type == "Question" else "")
    if not content and source is not None:
        if source_type not in _PLAIN_TYPES:
            return cannot(f"a source of the type {source_type} is not rendered here: send the content with it")
        return _Text(source, source)
    if not document.content_is_html:
        if thing.get("mediaType") != "text/plain":
            return cannot("content is text/html, or text/plain")
        return _Text(content, content)
    sanitised = html.sanitise(content)
    plain = html.to_plain_text(sanitised)
    if source is None:
        return _Text(plain, plain, sanitised)
    return _Text(source, plain, sanitised, source_type or "text/plain")


async def _written(
    ports: Ports, author: Actor, document: ObjectDocument, text: _Text, addressed: Addressed
) -> Written | Fail | TemporaryFail:
    named_uris = [mention.href for mention in document.mentions]
    ids = await ports.actors((*addressed.people, *addressed.unnamed, *named_uris))
    if not isinstance(ids, dict):
        return ids
    is_open = addressed.visibility in _OPEN
    told = {ids[uri] for uri in (*addressed.people, *addressed.unnamed)}
    for uri in named_uris:
        if not is_open and ids[uri] not in told and uri != author.uri:
            return cannot(f"{uri[:200]} is mentioned and not addressed: add them to `to` or `cc`, or leave them out")
    named = {ids[uri] for uri in named_uris}
    people = {f"#{id_}": id_ for id_ in ids.values()}
    for user, host in plain_text.find_mentions(text.plain)[:PEOPLE_LIMIT]:
        # Where HTML comes with its own mentions these count; of others a name without a host could be anybody.
        if text.content is not None and (named_uris or host is None):
            continue
        found = await ports.person(user, host)
        if found is not None and (is_open or found in told):
            people[plain_text.handle_key(user, host)] = found
            named.add(found)
    hashtags = dict.fromkeys((*document.hashtags, *plain_text.extract_hashtags(text.plain)))
    people = {key: id_ for key, id_ in people.items() if id_ != author.id}
    if len(set(people.values())) > PEOPLE_LIMIT:
        return cannot(f"no more than {PEOPLE_LIMIT} people can be mentioned and addressed at once")
    unnamed = frozenset(ids[uri] for uri in addressed.unnamed) - named - {ids[uri] for uri in addressed.people}
    return Written(
        people=people,
        content=text.content,
        hashtags=_one_of_each(hashtags),
        silent_ids=frozenset(people.values()) - named - unnamed,
        unnamed_ids=unnamed & frozenset(people.values()),
        type=document.type if document.type != "Question" else "Note",
        title=html.to_plain_text(document.name) if document.type == "Article" else "",
        source_type=text.source_type,
    )


def _one_of_each(names: Mapping[str, None]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return tuple(found.values())


async def _links(
    ports: Ports, author: Actor, document: ObjectDocument, addressed: Addressed, written: Written
) -> tuple[int | None, int | None] | Fail | TemporaryFail:
    """The post that this one answers, and the one that it quotes."""
    parent_id = quoted_id = None
    if document.in_reply_to is not None:
        found = await ports.visible(author.id, document.in_reply_to)
        if not isinstance(found, int):
            return found
        parent_id = found
    if document.quote is not None:
        found = await ports.visible(author.id, document.quote)
        if not isinstance(found, int):
            return found
        refusal = await _refusal_of_quote(ports, author, found, addressed.visibility, written)
        if refusal is not None:
            return refusal
        quoted_id = found
    return parent_id, quoted_id


async def _refusal_of_quote(
    ports: Ports, author: Actor, quoted_id: int, visibility: Visibility, written: Written
) -> Fail | None:
    """Why this is not quoted to these people; whether its author permits it is decided later."""
    row = await ports.database.fetch_one(OBJECT, id_=quoted_id)
    if row is None or row["announce_of_id"] is not None:
        return missing("what is quoted")
    quoted = full_object_of(row)
    if quoted.visibility is Visibility.DIRECT:
        return Fail(ClientFault.NOT_ALLOWED, "what was said in private cannot be quoted")
    if quoted.visibility is Visibility.FOLLOWERS and visibility in _OPEN:
        return cannot("a post for followers is quoted to followers only")
    is_spoken_to = quoted.actor_id == author.id or quoted.actor_id in written.people.values()
    if visibility is Visibility.DIRECT and not is_spoken_to:
        return cannot("in private, a quote can be sent only to people with its author")
    return None


def _poll(document: ObjectDocument, before: NewObject | None, now_ms: int) -> Poll | Fail | None:
    asked = document.poll
    kept = before.poll if before is not None else None
    if asked is None:
        if document.type == "Question":
            return cannot("a Question needs oneOf or anyOf with what may be chosen")
        return kept
    options = tuple(name.strip() for name, _ in asked.options)
    if len(sequence(document.raw.get("anyOf" if asked.multiple else "oneOf"))) != len(options):
        return cannot("each option of a poll has a name of its own")
    if kept is not None and (kept.options, kept.multiple) == (options, asked.multiple):
        return kept
    ends_ms = to_ms(asked.end_time) if asked.end_time is not None else None
    refusal = refusal_of_options(options)
    refusal = refusal or refusal_of_duration((ends_ms - now_ms) / 1000 if ends_ms is not None else None)
    if refusal is not None:
        return cannot(refusal)
    return Poll(options, (0,) * len(options), multiple=asked.multiple, voters_count=0, expires_ms=ends_ms)


def _policy(
    document: ObjectDocument,
    author: Actor,
    visibility: Visibility,
    before: NewObject | None,
    quote_word: str | None,
) -> InteractionPolicy | None:
    stated = parse_policy(document.interaction_policy, author)
    if stated is not None and stated.quote is None:
        stated = replace(stated, quote=quote_permission(quote_word or "nobody", visibility))
    if stated is not None or before is not None:
        return stated
    return InteractionPolicy(quote=quote_permission(quote_word or "nobody", visibility))


def merged(stored: Mapping[str, Any], given: JsonObject) -> dict[str, object]:
    """An Update of parts: what is given replaces what is stored, null takes it away. spec: ap#update-activity-outbox"""
    kept = dict(stored)
    for name in ("content", "summary", "name"):
        if name in given or f"{name}Map" in given:
            for dropped in (name, f"{name}Map", *(("source", "mediaType") if name == "content" else ())):
                kept.pop(dropped, None)
            by_language = stored.get(f"{name}Map")
            if isinstance(by_language, Mapping) and f"{name}Map" not in given and given.get(name):
                # The text is another, its language is the same.
                kept[f"{name}Map"] = dict.fromkeys(by_language, given[name])
    if "source" in given and "content" not in given:
        kept.pop("content", None)
        kept.pop("contentMap", None)
    return {name: value for name, value in {**kept, **given}.items() if value is not None}
