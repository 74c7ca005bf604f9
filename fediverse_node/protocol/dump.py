"""Our documents on their way out. spec: ap#actor-objects, as2-vocabulary, toot#status-federation

The same frozen values that reading gives are written: `parse_actor(dump_actor(a)) == a`. Everybody is
always written as the full IRI, `to` and `cc` always stand there (snac2 drops a post without `to`), dates
always have a zone, and the context holds only what is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from fediverse_node.protocol.actors import ActorDocument, KeyDocument
from fediverse_node.protocol.attachments import Attachment
from fediverse_node.protocol.contexts import with_context
from fediverse_node.protocol.objects import ObjectDocument, TombstoneDocument
from fediverse_node.protocol.parts import Emoji, Picture
from fediverse_node.protocol.polls import Poll

RFC9421_URI = "https://datatracker.ietf.org/doc/html/rfc9421"
_IMPLEMENTED_NAMES = {RFC9421_URI: "RFC-9421: HTTP Message Signatures"}
LINKED_OBJECT_TYPE = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
_LONG_DATE_FIELDS = "%Y-%m-%dT%H:%M:%S"


def dump_date(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`, with the fraction only when there is one."""
    moment = moment.astimezone(UTC)
    seconds = moment.strftime(_LONG_DATE_FIELDS)
    if not moment.microsecond:
        return seconds + "Z"
    return f"{seconds}.{moment.microsecond:06d}".rstrip("0") + "Z"


def dump_actor(actor: ActorDocument, *, tags: Iterable[tuple[str, str]] = ()) -> dict[str, object]:
    """An actor of ours. `tags` are the hashtags of the biography: (name without `#`, URL)."""
    doc: dict[str, object] = {"id": actor.id, "type": actor.type, "preferredUsername": actor.preferred_username}
    _put(doc, "name", actor.name or None)
    doc["summary"] = actor.summary
    if actor.language and actor.summary:
        doc["summaryMap"] = {actor.language: actor.summary}
    _put(doc, "url", actor.url)
    for key, value in (
        ("inbox", actor.inbox),
        ("outbox", actor.outbox),
        ("followers", actor.followers),
        ("following", actor.following),
        ("featured", actor.featured),
        ("featuredTags", actor.featured_tags),
        ("featuredCollections", actor.featured_collections),
    ):
        _put(doc, key, value)
    # spec: fep-1b12#group-moderation: one address, as Lemmy reads it.
    _put(doc, "attributedTo", next(iter(actor.attributed_to), None))
    if actor.shared_inbox:
        doc["endpoints"] = {"sharedInbox": actor.shared_inbox, **dict(actor.endpoints)}
    _put(doc, "objectIDAsClientID", actor.object_id_as_client_id or None)
    doc["manuallyApprovesFollowers"] = actor.manually_approves
    _put(doc, "discoverable", actor.discoverable)
    _put(doc, "indexable", actor.indexable)
    _put(doc, "searchableBy", actor.searchable_by)
    _put(doc, "memorial", actor.memorial or None)
    _put(doc, "suspended", actor.suspended or None)
    _put(doc, "published", dump_date(actor.published) if actor.published else None)
    _put(doc, "updated", dump_date(actor.updated) if actor.updated else None)
    _put(doc, "webfinger", actor.webfinger)
    doc |= _dump_keys(actor) | _dump_implements(actor)
    _put(doc, "icon", _dump_picture(actor.icon))
    _put(doc, "image", _dump_picture(actor.image))
    doc["attachment"] = [{"type": "PropertyValue", "name": name, "value": value} for name, value in actor.fields]
    doc["tag"] = [*(_dump_hashtag(name, url) for name, url in tags), *map(_dump_emoji, actor.emojis)]
    _put(doc, "movedTo", actor.moved_to)
    _put(doc, "alsoKnownAs", list(actor.also_known_as) or None)
    _put(doc, "attributionDomains", list(actor.attribution_domains) or None)
    return with_context(doc)


def dump_object(
    post: ObjectDocument,
    *,
    hashtag_urls: Mapping[str, str] | None = None,
    replies_first: Sequence[str] | None = None,
    replies_next: str | None = None,
    likes_count: int | None = None,
    shares_count: int | None = None,
    embedded: bool = False,
) -> dict[str, object]:
    """A post of ours.

    `hashtag_urls`: the page of each hashtag (as in `post.hashtags`). `replies_first`: ids of the first
    replies, brought along inside the `replies` collection. `embedded`: without a context, to stand inside
    an activity.
    """
    doc: dict[str, object] = {"id": post.id, "type": post.type, "attributedTo": post.attributed_to}
    _put(doc, "name", post.name or None)
    doc["summary"] = post.summary or None
    doc["inReplyTo"] = post.in_reply_to
    doc["published"] = dump_date(post.published) if post.published else None
    _put(doc, "updated", dump_date(post.updated) if post.updated else None)
    _put(doc, "url", post.url)
    doc["to"], doc["cc"] = list(post.to), list(post.cc)
    # Of one group its address alone: Lemmy reads no list here.
    _put(
        doc,
        "audience",
        (list(post.audience) if len(post.audience) > 1 else post.audience[0]) if post.audience else None,
    )
    doc["sensitive"] = post.sensitive
    _put(doc, "context", post.context)
    _put(doc, "contextHistory", post.context_history)
    _put(doc, "conversation", post.conversation)
    if post.vote_name is None:
        doc["content"] = post.content
        if post.language and post.content:
            doc["contentMap"] = {post.language: post.content}
    if not post.content_is_html:
        doc["mediaType"] = "text/plain"
    if post.source_text is not None:
        doc["source"] = {"content": post.source_text, "mediaType": post.source_media_type or "text/plain"}
    doc["attachment"] = [_dump_attachment(item) for item in post.attachments]
    doc["tag"] = _dump_tags(post, hashtag_urls or {})
    if post.poll is not None:
        doc |= _dump_poll(post.poll)
    if post.quote is not None:
        # One property for each family of servers that shows quotes; the link among the tags is one more.
        doc |= dict.fromkeys(("quote", "quoteUrl", "quoteUri", "_misskey_quote"), post.quote)
        _put(doc, "quoteAuthorization", post.quote_authorization)
    if post.reply_authorization is not None:
        doc |= {"replyAuthorization": post.reply_authorization, "approvedBy": post.reply_authorization}
    _put(doc, "interactionPolicy", post.interaction_policy)
    _put(doc, "startTime", dump_date(post.starts) if post.starts else None)
    if post.type == "Event":
        _put(doc, "endTime", dump_date(post.ends) if post.ends else None)
        _put(doc, "location", {"type": "Place", "name": post.place} if post.place else None)
    _put(doc, "replies", _dump_replies(post.replies, replies_first, replies_next))
    _put(doc, "likes", _dump_count(post.likes, likes_count))
    _put(doc, "shares", _dump_count(post.shares, shares_count))
    if doc["published"] is None:
        del doc["published"]
    return doc if embedded else with_context(doc)


def dump_activity(
    type_: str,
    *,
    id_: str,
    actor: str,
    object_: object,
    to: Iterable[str] = (),
    cc: Iterable[str] = (),
    published: datetime | None = None,
    target: object = None,
    **more: object,
) -> dict[str, object]:
    """An activity of ours. `object_` is an id, an embedded document (without context) or a list of ids.

    `more` are further properties under their wire names (`content`, `instrument`, `result`, `tag`).
    """
    doc: dict[str, object] = {"id": id_, "type": type_, "actor": actor}
    _put(doc, "published", dump_date(published) if published else None)
    doc["to"], doc["cc"] = list(to), list(cc)
    doc["object"] = object_
    _put(doc, "target", target)
    for key, value in more.items():
        _put(doc, key, value)
    return with_context(doc)


def dump_tombstone(tombstone: TombstoneDocument, *, embedded: bool = False) -> dict[str, object]:
    """What stands where an object of ours was."""
    doc: dict[str, object] = {"id": tombstone.id, "type": "Tombstone"}
    _put(doc, "formerType", tombstone.former_type)
    _put(doc, "deleted", dump_date(tombstone.deleted) if tombstone.deleted else None)
    return doc if embedded else with_context(doc)


def _put(doc: dict[str, object], key: str, value: object) -> None:
    if value is not None:
        doc[key] = value


def _dump_keys(actor: ActorDocument) -> dict[str, object]:
    pems = [key for key in actor.public_keys if key.pem]
    keys = [key for key in actor.public_keys if key.multibase and not key.is_post_quantum]
    others = [key for key in actor.public_keys if key.is_post_quantum]
    doc: dict[str, object] = {}
    if pems:
        # One, not an array: Mastodon before 4.4 reads an object only.
        doc["publicKey"] = {"id": pems[0].id, "owner": pems[0].owner, "publicKeyPem": pems[0].pem}
    if keys:
        doc["assertionMethod"] = [_dump_multikey(key) for key in keys]
    if others:
        # Mitra wants objects under assertionMethod, and Fedify throws on objects with ML-DSA keys: so they stand here.
        doc["verificationMethod"] = [_dump_multikey(key) for key in others]
    return doc


def _dump_multikey(key: KeyDocument) -> dict[str, object]:
    doc: dict[str, object] = {"id": key.id, "type": "Multikey", "controller": key.owner}
    _put(doc, "publicKeyMultibase", key.multibase)
    _put(doc, "expires", dump_date(key.expires) if key.expires else None)
    return doc


def _dump_implements(actor: ActorDocument) -> dict[str, object]:
    """spec: fep-844e: applications say it themselves, people through the application they use."""
    if not actor.implements:
        return {}
    listed = [{"href": uri, "name": _IMPLEMENTED_NAMES.get(uri, uri)} for uri in actor.implements]
    if actor.type == "Application":
        return {"implements": listed}
    return {"generator": {"type": "Application", "implements": listed}}


def _dump_picture(picture: Picture | None) -> dict[str, object] | None:
    if picture is None:
        return None
    doc: dict[str, object] = {"type": "Image"}
    _put(doc, "mediaType", picture.media_type)
    doc["url"] = picture.url
    _put(doc, "name", picture.description or None)
    return doc


def _dump_emoji(emoji: Emoji) -> dict[str, object]:
    doc: dict[str, object] = {}
    _put(doc, "id", emoji.id)
    doc |= {"type": "Emoji", "name": f":{emoji.shortcode}:"}
    _put(doc, "updated", dump_date(emoji.updated) if emoji.updated else None)
    icon: dict[str, object] = {"type": "Image"}
    _put(icon, "mediaType", emoji.media_type)
    doc["icon"] = icon | {"url": emoji.url}
    return doc


def _dump_hashtag(name: str, url: str | None) -> dict[str, object]:
    doc: dict[str, object] = {"type": "Hashtag", "name": f"#{name}"}
    _put(doc, "href", url)
    return doc


def _dump_tags(post: ObjectDocument, hashtag_urls: Mapping[str, str]) -> list[dict[str, object]]:
    tags: list[dict[str, object]] = []
    for mention in post.mentions:
        name = mention.name if mention.name.startswith("@") or not mention.name else f"@{mention.name}"
        tags.append({"type": "Mention", "href": mention.href, "name": name})
    tags += [_dump_hashtag(name, hashtag_urls.get(name)) for name in post.hashtags]
    tags += [_dump_emoji(emoji) for emoji in post.emojis]
    if post.quote is not None:
        # spec: fep-e232#micro-syntax
        tags.append(
            {
                "type": "Link",
                "mediaType": LINKED_OBJECT_TYPE,
                "rel": "https://misskey-hub.net/ns#_misskey_quote",
                "href": post.quote,
                "name": f"RE: {post.quote}",
            }
        )
    return tags


def _dump_attachment(item: Attachment) -> dict[str, object]:
    doc: dict[str, object] = {"type": "Document"}
    _put(doc, "mediaType", item.media_type)
    doc |= {"url": item.url, "name": item.name or None}
    _put(doc, "blurhash", item.blurhash)
    _put(doc, "focalPoint", list(item.focus) if item.focus else None)
    _put(doc, "width", item.width)
    _put(doc, "height", item.height)
    if item.duration_s is not None:
        doc["duration"] = f"PT{item.duration_s:.3f}".rstrip("0").rstrip(".") + "S"
    _put(doc, "icon", {"type": "Image", "url": item.preview_url} if item.preview_url else None)
    return doc


def _dump_poll(poll: Poll) -> dict[str, object]:
    options = [
        {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": votes}}
        for name, votes in poll.options
    ]
    doc: dict[str, object] = {"anyOf" if poll.multiple else "oneOf": options}
    _put(doc, "endTime", dump_date(poll.end_time) if poll.end_time else None)
    _put(doc, "closed", dump_date(poll.closed) if poll.closed else None)
    _put(doc, "votersCount", poll.voters_count)
    return doc


def _dump_replies(uri: str | None, first: Sequence[str] | None, next_: str | None) -> object:
    if uri is None or first is None:
        return uri
    page: dict[str, object] = {"type": "CollectionPage", "partOf": uri}
    _put(page, "next", next_)
    return {"id": uri, "type": "Collection", "first": page | {"items": list(first)}}


def _dump_count(uri: str | None, count: int | None) -> object:
    if uri is None or count is None:
        return uri
    return {"id": uri, "type": "Collection", "totalItems": count}
