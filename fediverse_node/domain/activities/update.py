"""Update: something that was said, or an actor, changed.  spec: ap#update-activity-inbox, ap#update-activity-outbox

When an edit counts. An `updated` older than the one known is refused as outdated; a newer one is applied.
Where no `updated` was ever stated for the object, it is an edit made now if the text differs (some servers
send none); once one was stated, an Update without it moves only a poll's counts (Mastodon sends those, with
the text of their moment, and they may arrive after an edit). The same text again leaves no revision.

Updates of actors are not decided here: the sender's document was fetched afresh while facts were gathered,
because only the actor's own host can say what an actor is. The audience of an object never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fediverse_node.domain import approvals, arrival, documents, forwarding, policy, quotes
from fediverse_node.domain.effects import (
    Deliver,
    EditObject,
    Effect,
    FetchLater,
    NewObject,
    Notify,
    Patch,
    QuoteKey,
    Refusal,
    Refuse,
    Remove,
    SettleQuote,
    SettleRequest,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.interaction_policy import plain_policy
from fediverse_node.domain.model import Actor, Approval, InteractionPolicy, Object, Poll, Version, Visibility
from fediverse_node.domain.reception import addressed, received_object
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.actors import ACTOR_TYPES
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.reading import type_among

# Whoever was told once keeps the object, also when an edit no longer names them.
_MENTIONS_LIMIT = 1_000
_KEPT_PARTS = ("quote", "quote_stamp", "reply_stamp", "held_for")
_CLOCKS_DIFFER_MS = 3_600_000


def needs(verified: Verified) -> Needs:
    """As for a Create, and what the object says now."""
    wanted = arrival.needs(verified)
    return replace(wanted, versions=True, announcers=True, approvals=True) if wanted.objects else wanted


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere changed what they said, or who they are."""
    activity, document = verified.activity, arrival.document_of(verified)
    author = facts.actor(activity.actor)
    if author is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    if document is None:
        if activity.object_id != author.uri:
            is_actor = activity.object is not None and type_among(activity.object, ACTOR_TYPES) in ACTOR_TYPES
            yield Refuse(Refusal.NOT_THE_OWNER if is_actor else Refusal.UNSUPPORTED, activity.object_id or "")
        return
    refusal = arrival.refusal_of(document, author, facts)
    if refusal is not None:
        yield refusal
        return
    stored = facts.objects.get(document.id)
    if stored is None:
        # Its Create was missed: better late than never, if it concerns somebody here.
        yield from arrival.arrive(verified, document, author, facts)
    elif stored.actor_id != author.id:
        yield Refuse(Refusal.NOT_THE_OWNER, document.id)
    elif stored.announce_of_id is not None:
        yield Refuse(Refusal.MALFORMED, "an Announce cannot be edited")
    else:
        edits = list(_edit(document, stored, author, facts))
        yield from edits
        if not any(isinstance(effect, Refuse) for effect in edits):
            yield from forwarding.of_change(verified, stored, facts)


def compose(
    record: NewObject,
    author: Actor,
    people: tuple[Actor, ...],
    facts: Facts,
    *,
    recipients: Sequence[int] = (),
) -> Iterator[Effect]:
    """One of ours edits: `record` is the whole new version under the old id, `updated_ms` the moment of the edit.

    `recipients`: remote actors who have the version before without following (formerly mentioned, announcers,
    those who answered).
    """
    if record.actor_id != author.id:
        yield Refuse(Refusal.NOT_THE_OWNER)
        return
    now_ms = record.updated_ms or facts.now_ms()
    known = facts.objects_by_id.get(record.id)
    if known is not None and known.updated_ms is not None:
        # Our clock may have been set back: peers take the later of two edits by what each says of itself.
        now_ms = max(now_ms, known.updated_ms + 1)
    before = facts.versions.get(record.id)
    # What it quotes, and what was agreed to or is still waited for, is not what an edit changes.
    kept = {name: before.parts[name] for name in _KEPT_PARTS if name in before.parts} if before is not None else {}
    is_held = known is not None and known.policy is not None and known.policy.held
    policy_now = replace(record.policy or InteractionPolicy(), held=True) if is_held else record.policy
    record = replace(record, updated_ms=now_ms, parts={**record.parts, **kept}, policy=policy_now)
    changes = {
        **_changes(record),
        "source": record.source,
        "policy": plain_policy(record.policy),
        "edited_ms": now_ms,
        "updated_ms": now_ms,
    }
    # Of what waits for approval only its author and whom it answers know; whom it names is told later.
    yield Patch(
        EditObject(
            record.id,
            changes,
            mention_ids=before.mention_ids if is_held and before is not None else _mention_ids(record, before),
            hashtags=record.hashtags,
            poll=record.poll,
            media_ids=record.media_ids,
        )
    )
    if is_held:
        answered = (record.in_reply_to_actor_id,) if record.in_reply_to_actor_id is not None else ()
        yield _delivery(record, author, answered, facts)
        return
    yield from _tell(record.id, record.thread_id, author, people, before, facts)
    remote = [person.id for person in people if not person.local]
    yield _delivery(record, author, (*remote, *recipients), facts)


def compose_policy(
    record: NewObject, author: Actor, facts: Facts, *, recipients: Sequence[int] = ()
) -> Iterator[Effect]:
    """One of ours lets others do something else with a post: no new version of what it says."""
    if record.actor_id != author.id:
        yield Refuse(Refusal.NOT_THE_OWNER)
        return
    yield Patch(EditObject(record.id, {"policy": plain_policy(record.policy)}, keep_revision=False))
    yield _delivery(record, author, recipients, facts)


def compose_counts(record: NewObject, author: Actor, facts: Facts, *, recipients: Sequence[int] = ()) -> Deliver:
    """A poll of ours got votes or ended: those who have it are told the counts in `record.poll`."""
    return _delivery(record, author, recipients, facts)


def compose_actor(actor: Actor, document: Mapping[str, Any], facts: Facts) -> Iterator[Effect]:
    """One of ours changed its profile; `document` is the new actor document."""
    activity = documents.update_actor_activity(actor, document, facts.world.names, facts.world.ids.next())
    yield Deliver(actor.id, "Update", activity["id"], activity, followers_of=actor.id)


def _delivery(record: NewObject, author: Actor, recipients: Sequence[int], facts: Facts) -> Deliver:
    activity = documents.update_activity(record, author, facts.world.names, facts.world.ids.next())
    return Deliver(
        author.id,
        "Update",
        activity["id"],
        activity,
        to_actor_ids=tuple(dict.fromkeys(recipients)),
        followers_of=author.id if record.visibility is not Visibility.DIRECT else None,
        object_id=record.id,
    )


def _edit(document: ObjectDocument, stored: Object, author: Actor, facts: Facts) -> Iterator[Effect]:
    fresh = received_object(document, author, None, facts)
    before = facts.versions.get(stored.id)
    held = facts.requests_by_object.get(stored.id)
    is_held = held is not None and held.state is not Approval.ACCEPTED
    differs = before is None or not _says_the_same(fresh, before, stored.poll)
    stated = _stated_ms(fresh, facts)
    if stored.updated_ms is None:
        is_newer = differs or (stated is not None and stated > stored.published_ms)
    elif stated is not None and stated < stored.updated_ms:
        yield Refuse(Refusal.OUTDATED, document.id)
        return
    else:
        is_newer = stated is not None and stated > stored.updated_ms
    # Approvals and policies change without an edit: Mastodon sends such an Update with the old `updated`.
    approved = list(_approvals(document, fresh, stored, author, facts, is_newer=is_newer))
    if not is_newer:
        yield from approved
        if fresh.poll is not None and stored.poll is not None and _counts_moved(fresh.poll, stored.poll):
            yield Patch(EditObject(stored.id, {}, poll=fresh.poll, keep_revision=False))
        elif not approved:
            yield Refuse(Refusal.ALREADY_DONE, document.id)
        return
    changes: dict[str, Any] = {**_changes(fresh), "searchable": fresh.searchable}
    if is_held and before is not None:
        changes["parts"] = {**fresh.parts, "held_for": before.parts.get("held_for", [])}
    if before is not None:
        changes["attachments"] = _with_known_ids(fresh.attachments, before.attachments)
    if stated is not None:
        changes["updated_ms"] = stated
    if differs:
        changes["edited_ms"] = min(stated, facts.now_ms()) if stated is not None else facts.now_ms()
    yield Patch(
        EditObject(
            stored.id,
            changes,
            mention_ids=before.mention_ids if is_held and before is not None else _mention_ids(fresh, before),
            hashtags=fresh.hashtags,
            poll=fresh.poll,
            keep_revision=differs,
        )
    )
    yield from approved
    if differs and not is_held:
        yield from _tell(stored.id, stored.thread_id, author, addressed(document, facts), before, facts)


def _approvals(
    document: ObjectDocument, fresh: NewObject, stored: Object, author: Actor, facts: Facts, *, is_newer: bool
) -> Iterator[Effect]:
    """What the new version says of its quote, of its policy, and of the approval of what it answers."""
    held = facts.requests_by_object.get(stored.id)
    if held is not None and held.state in (Approval.PENDING, Approval.REJECTED):
        stamp, owner = document.reply_authorization, facts.actors_by_id.get(held.target_actor_id)
        is_news = stamp is not None and stamp != held.stamp_uri and owner is not None and not owner.local
        if stamp is not None and owner is not None and is_news and approvals.is_stamp_of(stamp, owner):
            yield Patch(SettleRequest(replace(held, state=Approval.PENDING, stamp_uri=stamp)))
            yield FetchLater(stamp, "stamp")
    policy_now, is_waiting = fresh.policy, stored.policy is not None and stored.policy.held
    if is_waiting:
        policy_now = replace(policy_now or InteractionPolicy(), held=True)
    if policy_now != stored.policy:
        yield Patch(EditObject(stored.id, {"policy": plain_policy(policy_now)}, keep_revision=False))
    known, quoted_uri = facts.quotes.get(stored.id), document.quote
    if known is not None and known.quoted_uri == quoted_uri:
        claimed, stamp = quotes.claim(known, document.quote_authorization, facts)
        if claimed != known:
            yield Patch(SettleQuote(claimed))
        if stamp is not None:
            yield FetchLater(stamp, "stamp")
    elif is_newer and known is not None and quoted_uri is None:
        yield Remove(QuoteKey(stored.id))
    elif is_newer and quoted_uri is not None:
        # Another post than before: nothing that was agreed to counts for it.
        quoted = facts.objects.get(quoted_uri)
        quote = quotes.assess(stored.id, author, quoted_uri, document.quote_authorization, quoted, facts)
        yield Patch(SettleQuote(quote))
        yield from quotes.follow_up(quote, author, stored.thread_id, 0, facts)


def _stated_ms(fresh: NewObject, facts: Facts) -> int | None:
    """When the edit was made, by its author's clock; by ours where that is wrong by more than a signature's may be.

    By one clock only can two edits be told apart: a repeated one must not win over a later one. But a time far to come
    would keep out all edits until then.
    """
    if fresh.updated_ms is None:
        return None
    return fresh.updated_ms if fresh.updated_ms <= facts.now_ms() + _CLOCKS_DIFFER_MS else facts.now_ms()


def _changes(record: NewObject) -> dict[str, Any]:
    return {
        "content": record.content,
        "summary": record.summary,
        "sensitive": record.sensitive,
        "language": record.language,
        "url": record.url,
        "parts": record.parts,
        "attachments": record.attachments,
    }


def _says_the_same(fresh: NewObject, before: Version, poll: Poll | None) -> bool:
    return (
        fresh.content == before.content
        and fresh.summary == before.summary
        and fresh.sensitive == before.sensitive
        and fresh.parts.get("title") == before.parts.get("title")
        and [_file(item) for item in fresh.attachments] == [_file(item) for item in before.attachments]
        and (fresh.poll.options if fresh.poll else ()) == (poll.options if poll else ())
    )


def _file(attachment: Mapping[str, Any]) -> tuple[object, object]:
    return attachment.get("remote_url"), attachment.get("description") or ""


def _with_known_ids(
    fresh: tuple[Mapping[str, Any], ...], before: tuple[Mapping[str, Any], ...]
) -> tuple[Mapping[str, Any], ...]:
    """Clients know a file by its id: one that stays keeps it."""
    ids = {item.get("remote_url"): item.get("id") for item in before}
    return tuple({**item, "id": ids.get(item["remote_url"]) or item["id"]} for item in fresh)


def _counts_moved(fresh: Poll, stored: Poll) -> bool:
    # Counts of other options are counts of another version.
    if fresh.options != stored.options or fresh.multiple != stored.multiple:
        return False
    return (fresh.counts, fresh.voters_count, fresh.expires_ms, fresh.closed_ms) != (
        stored.counts,
        stored.voters_count,
        stored.expires_ms,
        stored.closed_ms,
    )


def _mention_ids(record: NewObject, before: Version | None) -> tuple[int, ...]:
    told = before.mention_ids if before is not None else ()
    return tuple(dict.fromkeys((*record.mention_ids, *told)))[:_MENTIONS_LIMIT]


def _tell(
    object_id: int,
    thread_id: int | None,
    author: Actor,
    people: tuple[Actor, ...],
    before: Version | None,
    facts: Facts,
) -> Iterator[Effect]:
    """Who is mentioned only now is told of the mention; who announced or quoted it, that it says something else now."""
    told = set(before.mention_ids) if before is not None else set()
    for person in dict.fromkeys(people):
        if person.id not in told and policy.may_notify(person, author.id, thread_id, facts):
            yield Notify(person.id, "mention", author.id, object_id)
    for quoter_id, quoting_id in facts.quoters.get(object_id, ()):
        if quoter_id != author.id and policy.wants_to_hear(quoter_id, author.id, thread_id, facts):
            yield Notify(quoter_id, "quoted_update", author.id, quoting_id)
    for announcer_id in facts.announcers.get(object_id, ()):
        if announcer_id != author.id and policy.wants_to_hear(announcer_id, author.id, thread_id, facts):
            yield Notify(announcer_id, "update", author.id, object_id)
