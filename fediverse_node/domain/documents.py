"""The documents of our actors and objects, and of the activities that carry them whole.

spec: ap#actor-objects, ap#object-without-create, toot#status-federation, fep-521a, fep-844e, fep-7888.
Built from what is stored; how each property is written is for `protocol/dump.py`. What `web/` serves at an
object's id and what is delivered come from here alike, so they say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fediverse_node.base.clock import from_ms
from fediverse_node.domain import searching, wire
from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.interaction_policy import dump_policy, published_policy
from fediverse_node.domain.model import Actor, Interaction, Object, Poll, Visibility
from fediverse_node.domain.names import Names
from fediverse_node.protocol.actors import ActorDocument, KeyDocument
from fediverse_node.protocol.addressing import PUBLIC, audience_for
from fediverse_node.protocol.attachments import Attachment
from fediverse_node.protocol.authorizations import Authorization, dump_authorization
from fediverse_node.protocol.dump import dump_activity, dump_actor, dump_object, dump_tombstone
from fediverse_node.protocol.objects import ObjectDocument, TombstoneDocument
from fediverse_node.protocol.parts import Emoji, Picture
from fediverse_node.protocol.polls import Poll as WirePoll
from fediverse_node.protocol.tags import Mention
from fediverse_node.signatures.negotiation import RFC9421_ED25519_HREF, RFC9421_HREF


@dataclass(frozen=True, slots=True)
class Profile:
    """An actor of ours with all it publishes, as stored.

    `summary` is HTML. `fields` are {name, value (HTML)}, `emojis` {shortcode, url}. Pictures are paths below
    the media folder. Keys: the RSA one as PEM, the Ed25519 one as multibase; or all that are listed, as `keys`.
    """

    uri: str
    type: str
    username: str
    rsa_pem: str
    ed25519_multibase: str | None = None
    keys: tuple[KeyDocument, ...] = ()
    name: str = ""
    summary: str = ""
    fields: tuple[Mapping[str, Any], ...] = ()
    emojis: tuple[Mapping[str, Any], ...] = ()
    hashtags: tuple[str, ...] = ()  # of the summary
    icon_path: str | None = None
    icon_media_type: str | None = None
    icon_description: str = ""
    image_path: str | None = None
    image_media_type: str | None = None
    image_description: str = ""
    locked: bool = False
    discoverable: bool | None = None
    indexable: bool = False
    memorial: bool = False
    suspended: bool = False
    created_ms: int | None = None
    moved_to_uri: str | None = None
    also_known_as: tuple[str, ...] = ()


def actor_document(profile: Profile, names: Names) -> dict[str, Any]:
    """A person, organisation, service or group of ours. A suspended one keeps its address and its keys only."""
    uri, open_ = profile.uri, not profile.suspended
    return dump_actor(
        ActorDocument(
            id=uri,
            type=profile.type,
            preferred_username=profile.username,
            name=(profile.name or profile.username) if open_ else "",
            summary=profile.summary if open_ else "",
            url=names.profile_page(profile.username),
            inbox=names.inbox(uri),
            shared_inbox=names.shared_inbox,
            outbox=names.outbox(uri),
            followers=names.followers(uri),
            following=names.following(uri),
            featured=names.featured(uri),
            featured_tags=names.featured_tags(uri),
            featured_collections=names.featured_collections(uri),
            attributed_to=(names.moderators(uri),) if profile.type == "Group" else (),
            icon=_picture(profile.icon_path, profile.icon_media_type, profile.icon_description, names)
            if open_
            else None,
            image=(
                _picture(profile.image_path, profile.image_media_type, profile.image_description, names)
                if open_
                else None
            ),
            fields=tuple((str(f["name"]), str(f["value"])) for f in profile.fields) if open_ else (),
            manually_approves=profile.locked,
            discoverable=profile.discoverable,
            indexable=profile.indexable,
            searchable_by=searching.stated(uri, indexable=profile.indexable),
            memorial=profile.memorial,
            suspended=profile.suspended,
            moved_to=profile.moved_to_uri,
            also_known_as=profile.also_known_as,
            published=_second(profile.created_ms) if profile.created_ms is not None else None,
            emojis=tuple(_emoji(item) for item in profile.emojis) if open_ else (),
            public_keys=profile.keys or _keys(uri, profile.rsa_pem, profile.ed25519_multibase, names),
            webfinger=f"{profile.username}@{names.host}",
            implements=_implements(profile.ed25519_multibase),
            endpoints=names.client_endpoints if open_ else (),
            object_id_as_client_id=open_,
        ),
        tags=[(name, names.hashtag_page(name)) for name in profile.hashtags] if open_ else (),
    )


def instance_actor_document(
    names: Names, rsa_pem: str, ed25519_multibase: str | None = None, keys: tuple[KeyDocument, ...] = ()
) -> dict[str, Any]:
    """The server's own actor: it signs our fetches, so that others can look up its key.  spec: fep-d556

    Its username is the host, as on Mastodon, whose WebFinger lookup of it has to come out the same.
    """
    uri = names.instance_actor
    return dump_actor(
        ActorDocument(
            id=uri,
            type="Application",
            preferred_username=names.host,
            name=names.host,
            url=names.base_url,
            inbox=names.inbox(uri),
            shared_inbox=names.shared_inbox,
            outbox=names.outbox(uri),
            manually_approves=True,
            discoverable=False,
            indexable=False,
            public_keys=keys or _keys(uri, rsa_pem, ed25519_multibase, names),
            webfinger=f"{names.host}@{names.host}",
            implements=_implements(ed25519_multibase),
        )
    )


def object_document(
    record: NewObject,
    author: Actor,
    names: Names,
    *,
    replies_first: Sequence[str] | None = None,
    replies_next: str | None = None,
    likes_count: int | None = None,
    shares_count: int | None = None,
    embedded: bool = False,
) -> dict[str, Any]:
    """An object of ours. `record` is the new one, or its database row under the same names.

    `replies_first`: URIs of the first answers, with `replies_next` the page after them. `likes_count` and
    `shares_count` bring along how many there are. `embedded`: without a context.
    """
    mentions = record.parts.get("mentions") or ()
    hashtags = [str(name) for name in record.parts.get("tags") or ()]
    to, cc = audience_of(record, author)
    document = ObjectDocument(
        id=record.uri,
        type=record.type,
        attributed_to=author.uri,
        content=record.content,
        name=str(record.parts.get("title") or ""),
        summary=record.summary,
        sensitive=record.sensitive,
        language=record.language,
        in_reply_to=record.in_reply_to_uri,
        context=context_of(record, names),
        conversation=context_of(record, names),
        url=record.url or names.object_page(author.username, record.id),
        published=_second(record.published_ms),
        # To the millisecond: of two edits in one second the peers would keep the first.
        updated=from_ms(record.updated_ms) if record.updated_ms is not None else None,
        to=to,
        cc=cc,
        audience=groups_of(record),
        attachments=tuple(_attachment(item, names) for item in record.attachments),
        mentions=tuple(Mention(str(item["uri"]), str(item["handle"])) for item in mentions),
        hashtags=tuple(hashtags),
        emojis=tuple(_emoji(item) for item in record.parts.get("emojis") or ()),
        poll=_poll(record.poll) if record.poll is not None else None,
        context_history=names.history(record.id) if _begins_in_the_open(record) else None,
        replies=names.replies(record.uri),
        likes=names.likes(record.uri) if likes_count is not None else None,
        shares=names.shares(record.uri) if shares_count is not None else None,
        quote=record.parts.get("quote"),
        quote_authorization=record.parts.get("quote_stamp"),
        reply_authorization=record.parts.get("reply_stamp"),
        interaction_policy=dump_policy(published_policy(record.policy, record.visibility), author),
        # As its author's client gave it; what was typed as plain text says nothing that the content does not.
        source_text=record.source if record.parts.get("source_type") else None,
        source_media_type=record.parts.get("source_type"),
    )
    return dump_object(
        document,
        hashtag_urls={name: names.hashtag_page(name) for name in hashtags},
        replies_first=replies_first,
        replies_next=replies_next,
        likes_count=likes_count,
        shares_count=shares_count,
        embedded=embedded,
    )


def create_activity(record: NewObject, author: Actor, names: Names) -> dict[str, Any]:
    """The Create of an object of ours, the object in it."""
    to, cc = audience_of(record, author)
    return dump_activity(
        "Create",
        id_=names.create(record.uri),
        actor=author.uri,
        object_=object_document(record, author, names, embedded=True),
        to=to,
        cc=cc,
        published=_second(record.published_ms),
    )


def update_activity(record: NewObject, author: Actor, names: Names, number: int) -> dict[str, Any]:
    """The Update of an object of ours; `number` tells it from other Updates of the same object."""
    to, cc = audience_of(record, author)
    return dump_activity(
        "Update",
        id_=f"{record.uri}#updates/{number}",
        actor=author.uri,
        object_=object_document(record, author, names, embedded=True),
        to=to,
        cc=cc,
    )


def update_actor_activity(actor: Actor, document: Mapping[str, Any], names: Names, number: int) -> dict[str, Any]:
    """The Update of a profile of ours; `document` is what `actor_document` gives."""
    to, cc = wire.public_audience(actor.followers_uri or names.followers(actor.uri))
    return wire.about("Update", f"{actor.uri}#updates/{number}", actor.uri, document, to=to, cc=cc)


def delete_activity(
    object_: Object, author: Actor, deleted_ms: int, *, to: Sequence[str] | None = None
) -> dict[str, Any]:
    """The Delete of an object of ours. `to`: who had it, if not everybody."""
    tombstone = TombstoneDocument(object_.uri, object_.type, _second(deleted_ms))
    return dump_activity(
        "Delete",
        id_=f"{object_.uri}#delete",
        actor=author.uri,
        object_=dump_tombstone(tombstone, embedded=True),
        to=(PUBLIC,) if to is None else to,
    )


def delete_actor_activity(actor: Actor) -> dict[str, Any]:
    """The Delete of an actor of ours."""
    return dump_activity("Delete", id_=f"{actor.uri}#delete", actor=actor.uri, object_=actor.uri, to=(PUBLIC,))


def authorization_document(
    kind: Interaction, uri: str, owner_uri: str, thing_uri: str, target_uri: str
) -> dict[str, Any]:
    """The stamp that `owner` agrees to a quote, reply, like or announce (`thing`) of its post (`target`)."""
    return dump_authorization(Authorization(uri, kind.value, owner_uri, thing_uri, target_uri))


def tombstone_document(uri: str, former_type: str, deleted_ms: int) -> dict[str, Any]:
    """What is served where an object of ours was, with status 410."""
    return dump_tombstone(TombstoneDocument(uri, former_type or None, _second(deleted_ms)))


def audience_of(record: NewObject, author: Actor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc` of an object of ours and of the activities that carry it."""
    named = (*(record.parts.get("mentions") or ()), *(record.parts.get("also_for") or ()))
    mentioned = [str(item["uri"]) for item in named if item["uri"] != author.uri]
    # Lemmy looks for the group here, and not only in `audience`.
    mentioned += [uri for uri in groups_of(record) if uri not in mentioned]
    return audience_for(record.visibility, author.followers_uri, mentioned)


def groups_of(record: NewObject) -> tuple[str, ...]:
    """The groups in which an object is written.  spec: fep-1b12#audience-property"""
    return tuple(str(item["uri"]) for item in record.parts.get("groups") or ())


def context_of(record: NewObject, names: Names) -> str | None:
    """The conversation's id: the one that was stated, or ours where the conversation is.  spec: fep-7888"""
    if record.context_uri is not None:
        return record.context_uri
    if record.in_reply_to_uri is None or names.is_ours(record.in_reply_to_uri):
        return names.context(record.thread_id or record.id)
    return None


def _begins_in_the_open(record: NewObject) -> bool:
    """Whether a log is kept of the conversation that this post of ours begins.  spec: fep-171b#top-level-post"""
    if record.in_reply_to_uri is not None or record.context_uri is not None:
        return False
    return record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED)


def _second(ms: int) -> datetime:
    return from_ms(ms - ms % 1000)


def _keys(uri: str, rsa_pem: str, ed25519_multibase: str | None, names: Names) -> tuple[KeyDocument, ...]:
    rsa = KeyDocument(names.key(uri), uri, pem=rsa_pem)
    if ed25519_multibase is None:
        return (rsa,)
    return (rsa, KeyDocument(names.ed25519_key(uri), uri, multibase=ed25519_multibase))


def _implements(ed25519_multibase: str | None) -> tuple[str, ...]:
    return (RFC9421_HREF,) if ed25519_multibase is None else (RFC9421_HREF, RFC9421_ED25519_HREF)


def _picture(path: str | None, media_type: str | None, description: str, names: Names) -> Picture | None:
    return Picture(names.media(path), description, media_type) if path else None


def _emoji(item: Mapping[str, Any]) -> Emoji:
    return Emoji(str(item["shortcode"]), str(item["url"]), id=item.get("id"))


def _attachment(item: Mapping[str, Any], names: Names) -> Attachment:
    """A local file as stored: {path, preview_path, media_type, description, blurhash, focus, width, height, ...}."""
    path, preview, focus = item.get("path"), item.get("preview_path"), item.get("focus")
    is_film = item.get("type") in ("video", "gifv")
    return Attachment(
        type=str(item.get("type") or "unknown"),
        url=names.media(path) if path else str(item.get("remote_url") or ""),
        media_type=item.get("media_type"),
        name=item.get("description") or "",
        blurhash=item.get("blurhash"),
        focus=(float(focus[0]), float(focus[1])) if focus else None,
        width=item.get("width"),
        height=item.get("height"),
        duration_s=item.get("duration_s"),
        preview_url=names.media(preview) if preview and is_film else None,
    )


def _poll(poll: Poll) -> WirePoll:
    hidden = poll.hide_totals and poll.closed_ms is None
    return WirePoll(
        multiple=poll.multiple,
        options=tuple((name, 0 if hidden else count) for name, count in zip(poll.options, poll.counts, strict=True)),
        end_time=_second(poll.expires_ms) if poll.expires_ms is not None else None,
        closed=_second(poll.closed_ms) if poll.closed_ms is not None else None,
        voters_count=poll.voters_count,
    )
