"""Quotes: which of them are shown, and what follows when that changes.  spec: fep-044f

How a quote stands when it comes in (`assess`):

- of oneself: accepted;
- of a post of ours: as its policy says, also where the quoting server cannot ask; our own record is the stamp;
- of a post elsewhere, with a stamp: pending until the stamp was fetched from the quoted author's origin and says
  exactly this (`verified`);
- of a post elsewhere, without a stamp: pending where the quoted post has an interaction policy, because then its server
  answers requests. Where it has none nobody there can approve or refuse, and the quote is shown (Misskey, Akkoma,
  links of FEP-e232), as long as everybody may read the quoted post;
- of what not everybody may read, by somebody else: rejected.

Who may see the quoted post, and whether the reader blocks its author, is asked when it is shown, and not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import documents, policy, wire
from fediverse_node.domain.effects import (
    Deliver,
    Effect,
    FetchLater,
    NewObject,
    Notify,
    Patch,
    Put,
    Refusal,
    Refuse,
    SettleQuote,
)
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import Actor, Approval, Interaction, Object, Quote, Visibility
from fediverse_node.protocol.authorizations import Authorization
from fediverse_node.protocol.uris import is_http_uri, same_origin

_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)
# A quote of a quote of a quote must end somewhere: each costs as much as so many parents of a thread.
DEPTH_OF_A_QUOTE = 60
DEEPEST = 200


def may_be_quoted_by(author: Actor, quoted: Object, facts: Facts) -> Standing:
    """What somebody may expect who wants to quote this post: blocks, its audience, its policy."""
    if quoted.announce_of_id is not None or quoted.visibility is Visibility.DIRECT:
        return Standing.DENIED
    if not policy.may_interact(author, quoted, facts):
        return Standing.DENIED
    if quoted.actor_id != author.id and quoted.visibility not in _OPEN:
        return Standing.DENIED
    return standing(Interaction.QUOTE, author, quoted, facts)


def assess(
    object_id: int, author: Actor, quoted_uri: str, claimed_stamp: str | None, quoted: Object | None, facts: Facts
) -> Quote:
    """How the quote in a post stands that somebody elsewhere wrote. `quoted` is None where it is not here (yet)."""
    quote = Quote(object_id, author.id, quoted_uri, stamp_uri=_usable(claimed_stamp, quoted_uri))
    if quoted is None:
        gone = quoted_uri in facts.tombstones
        return replace(quote, state=Approval.DELETED if gone else Approval.PENDING)
    quote = replace(quote, quoted_id=quoted.id, quoted_actor_id=quoted.actor_id)
    if quoted.actor_id == author.id:
        return replace(quote, state=Approval.ACCEPTED, stamp_uri=None)
    if quoted.local:
        return _by_our_own_policy(quote, author, quoted, facts)
    if quoted.announce_of_id is not None or quoted.visibility not in _OPEN:
        return replace(quote, state=Approval.REJECTED, stamp_uri=None)
    shown = quote.stamp_uri is None and quoted.policy is None
    return replace(quote, state=Approval.ACCEPTED if shown else Approval.PENDING)


def _usable(stamp_uri: str | None, quoted_uri: str) -> str | None:
    """spec: fep-fe34: only the quoted author's own server can say what its author agreed to."""
    return stamp_uri if stamp_uri is not None and same_origin(stamp_uri, quoted_uri) else None


def _by_our_own_policy(quote: Quote, author: Actor, quoted: Object, facts: Facts) -> Quote:
    allowed = may_be_quoted_by(author, quoted, facts) in (Standing.ALLOWED, Standing.VOUCHED)
    if not allowed:
        return replace(quote, state=Approval.REJECTED, stamp_uri=None)
    return accepted_by_us(quote, quoted, facts)


def accepted_by_us(quote: Quote, quoted: Object, facts: Facts) -> Quote:
    """The quote of a post of ours, with the stamp that we serve for it from now on."""
    owner = facts.author(quoted)
    stamp = facts.world.names.quote_authorization(owner.username, quote.object_id) if owner is not None else None
    return replace(
        quote, state=Approval.ACCEPTED, quoted_id=quoted.id, quoted_actor_id=quoted.actor_id, stamp_uri=stamp
    )


def arrive(quote: Quote, author: Actor, thread_id: int | None, depth: int, facts: Facts) -> Iterator[Effect]:
    """A quote that is new here: it is stored, what it needs is fetched, and who is quoted here is told."""
    yield Put(quote)
    yield from follow_up(quote, author, thread_id, depth, facts)


def follow_up(quote: Quote, author: Actor, thread_id: int | None, depth: int, facts: Facts) -> Iterator[Effect]:
    """What a quote in this state needs from the network, and who hears of it."""
    if quote.state is Approval.PENDING:
        if quote.quoted_id is None:
            is_wanted = is_http_uri(quote.quoted_uri, allow_plain=True) and depth + DEPTH_OF_A_QUOTE <= DEEPEST
            if is_wanted and not facts.world.names.is_ours(quote.quoted_uri):
                yield FetchLater(quote.quoted_uri, "quoted", depth + DEPTH_OF_A_QUOTE)
        elif quote.stamp_uri is not None and is_http_uri(quote.stamp_uri, allow_plain=True):
            yield FetchLater(quote.stamp_uri, "stamp")
    elif quote.state is Approval.ACCEPTED and quote.actor_id != quote.quoted_actor_id:
        quoted_author = facts.actors_by_id.get(quote.quoted_actor_id or 0)
        if quoted_author is not None and policy.may_notify(quoted_author, author.id, thread_id, facts):
            yield Notify(quoted_author.id, "quote", author.id, quote.object_id)


def settle_waiting(uri: str, quoted: Object, facts: Facts) -> Iterator[Effect]:
    """A post has come in that stored quotes wait for: they are assessed with it."""
    for waiting in facts.waiting_quotes.get(uri, ()):
        author = facts.actors_by_id.get(waiting.actor_id)
        if author is None:
            continue
        quote = assess(waiting.object_id, author, uri, waiting.stamp_uri, quoted, facts)
        yield Patch(SettleQuote(quote))
        yield from follow_up(quote, author, None, DEEPEST, facts)


# Stamps


def verified(stamp: Authorization | None, quote: Quote, facts: Facts) -> Iterator[Effect]:
    """A stamp was looked up at its origin: `stamp` is what stood there under exactly that id, None if there is none.

    spec: fep-044f#verifying-a-quoteauthorization. All has to agree: what quotes, what is quoted, whose word it is.
    """
    author = facts.actors_by_id.get(quote.actor_id)
    quoting = facts.objects_by_id.get(quote.object_id)
    if author is None or quoting is None or quote.quoted_id is None or quote.quoted_actor_id is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, quote.quoted_uri)
        return
    quoted_author = facts.actors_by_id.get(quote.quoted_actor_id)
    is_valid = (
        stamp is not None
        and quoted_author is not None
        and stamp.kind == Interaction.QUOTE.value
        and stamp.id == quote.stamp_uri
        and stamp.interacting_object == quoting.uri
        and stamp.interaction_target == quote.quoted_uri
        and stamp.attributed_to == quoted_author.uri
        and same_origin(stamp.id, quoted_author.uri)
    )
    was_accepted = quote.state is Approval.ACCEPTED
    if is_valid:
        state = Approval.ACCEPTED
    else:
        state = Approval.REVOKED if was_accepted else Approval.REJECTED
    settled = replace(quote, state=state, checked_ms=facts.now_ms())
    yield Patch(SettleQuote(settled))
    if not was_accepted:
        yield from follow_up(settled, author, None, DEEPEST, facts)


def claim(quote: Quote, stamp_uri: str | None, facts: Facts) -> tuple[Quote, str | None]:
    """The author of a stored quote names this stamp now: the quote as it stands then, and what has to be looked up.

    What was accepted stays so while its stamp is looked up again; what was revoked needs a new stamp. What our own
    people agreed to is known here, whatever others say of it.
    """
    if facts.world.names.is_ours(quote.quoted_uri):
        return quote, None
    usable = _usable(stamp_uri, quote.quoted_uri)
    if quote.quoted_actor_id == quote.actor_id or quote.state is Approval.DELETED:
        return quote, None
    if quote.state is Approval.ACCEPTED:
        return quote, quote.stamp_uri if usable != quote.stamp_uri else None
    if usable is None:
        return quote, None
    if usable == quote.stamp_uri:
        # It is said again: perhaps it can be looked up now.
        return quote, usable if quote.state is Approval.PENDING and quote.quoted_id is not None else None
    return replace(quote, state=Approval.PENDING, stamp_uri=usable), usable if quote.quoted_id is not None else None


# Ours


def compose(record: NewObject, author: Actor, quoted: Object, facts: Facts) -> tuple[Quote | None, Standing]:
    """The quote in a new post of ours, and what its author may expect; None where it may not be."""
    found = may_be_quoted_by(author, quoted, facts)
    if found is Standing.DENIED:
        return None, found
    quote = Quote(record.id, author.id, quoted.uri, quoted.id, quoted.actor_id)
    if quoted.actor_id == author.id:
        return replace(quote, state=Approval.ACCEPTED), found
    if quoted.local and found is not Standing.ASK:
        return accepted_by_us(quote, quoted, facts), found
    if quoted.local:
        # Whoever asks to decide each quote has no way to do so here.
        return None, Standing.DENIED
    uri = facts.world.names.activity(author.username, "quote_request", record.id)
    return replace(quote, request_uri=uri), found


def quoting(record: NewObject, quote: Quote) -> NewObject:
    """The new post with what its document says of its quote."""
    stamp = {"quote_stamp": quote.stamp_uri} if quote.stamp_uri is not None else {}
    return replace(record, parts={**record.parts, "quote": quote.quoted_uri, **stamp})


def publish(record: NewObject, quote: Quote, author: Actor, facts: Facts) -> Iterator[Effect]:
    """The quote of a new post of ours: stored, told or asked for."""
    yield Put(quote)
    yield from follow_up(quote, author, record.thread_id, DEEPEST, facts)
    yield from request(record, quote, author, facts)


def request(record: NewObject, quote: Quote, author: Actor, facts: Facts) -> Iterator[Effect]:
    """Ask the author of a post elsewhere whether a post of ours may quote it.  spec: fep-044f#quoterequest"""
    quoted_author = facts.actors_by_id.get(quote.quoted_actor_id or 0)
    if quote.state is not Approval.PENDING or quote.request_uri is None or quoted_author is None:
        return
    instrument = documents.object_document(record, author, facts.world.names, embedded=True)
    document = wire.about(
        "QuoteRequest", quote.request_uri, author.uri, quote.quoted_uri, to=(quoted_author.uri,), instrument=instrument
    )
    yield Deliver(
        author.id,
        "QuoteRequest",
        quote.request_uri,
        document,
        to_actor_ids=(quoted_author.id,),
        object_id=record.id,
    )


def answer(
    kind: str, owner: Actor, author: Actor, quoted_uri: str, instrument_uri: str, request_uri: str, facts: Facts,
    *, stamp_uri: str | None = None,
) -> Deliver:  # fmt: skip
    """What one of ours says to a QuoteRequest: an Accept with its stamp, or a Reject."""
    asked = {
        "type": "QuoteRequest",
        "id": request_uri,
        "actor": author.uri,
        "object": quoted_uri,
        "instrument": instrument_uri,
    }
    more = {"result": stamp_uri} if stamp_uri is not None else {}
    uri = facts.world.names.activity(owner.username, kind.lower(), facts.world.ids.next())
    document = wire.about(kind, uri, owner.uri, asked, to=(author.uri,), **more)
    return Deliver(owner.id, kind, uri, document, to_actor_ids=(author.id,))


def tell_of_stamp(quote: Quote, author: Actor, facts: Facts) -> Iterator[Effect]:
    """A post of ours has another stamp than before, or none: those who have it learn that."""
    record = facts.records.get(quote.object_id)
    if record is None or not author.local:
        return
    parts = {key: value for key, value in record.parts.items() if key != "quote_stamp"}
    if quote.state is Approval.ACCEPTED and quote.stamp_uri is not None:
        parts["quote_stamp"] = quote.stamp_uri
    names = facts.world.names
    activity = documents.update_activity(replace(record, parts=parts), author, names, facts.world.ids.next())
    yield Deliver(
        author.id,
        "Update",
        activity["id"],
        activity,
        to_actor_ids=record.mention_ids,
        followers_of=author.id if record.visibility is not Visibility.DIRECT else None,
        object_id=record.id,
    )


def compose_revoke(quote: Quote, owner: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours does not agree any more that a post of theirs is quoted there.  spec: fep-044f#revoking"""
    if quote.quoted_actor_id != owner.id or quote.actor_id == owner.id:
        yield Refuse(Refusal.NOT_THE_OWNER)
        return
    if quote.state is not Approval.ACCEPTED or quote.stamp_uri is None:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield Patch(SettleQuote(replace(quote, state=Approval.REVOKED)))
    author = facts.actors_by_id.get(quote.actor_id)
    to, cc = wire.public_audience(owner.followers_uri, *((author.uri,) if author is not None else ()))
    uri = f"{quote.stamp_uri}#delete"
    # By its id alone: who learns of the revocation shall not learn of the posts.
    document = wire.about("Delete", uri, owner.uri, quote.stamp_uri, to=to, cc=cc)
    told = (author.id,) if author is not None and not author.local else ()
    yield Deliver(owner.id, "Delete", uri, document, to_actor_ids=told, followers_of=owner.id)
    if author is not None and author.local:
        # They are the ones who have to pass it on to whom their post went.
        yield Deliver(owner.id, "Delete", uri, document, followers_of=author.id)
        yield from tell_of_stamp(replace(quote, state=Approval.REVOKED), author, facts)


def revoked(quote: Quote, owner: Actor, received: bytes | None, facts: Facts) -> Iterator[Effect]:
    """The quoted author elsewhere took the stamp back.

    `received`: its Delete as it came, where it is signed inside, so that others can check it for themselves.
    """
    if quote.quoted_actor_id != owner.id:
        yield Refuse(Refusal.NOT_THE_OWNER, quote.stamp_uri or "")
        return
    if quote.state is Approval.REVOKED:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    settled = replace(quote, state=Approval.REVOKED)
    yield Patch(SettleQuote(settled))
    author = facts.actors_by_id.get(quote.actor_id)
    if author is None or not author.local:
        return
    yield from tell_of_stamp(settled, author, facts)
    if received is not None:
        uri = f"{quote.stamp_uri}#delete"
        yield Deliver(author.id, "Delete", uri, {}, followers_of=author.id, except_host=owner.host, body=received)
