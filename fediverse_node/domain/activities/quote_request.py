"""QuoteRequest: somebody elsewhere asks whether their post may quote one of ours.  spec: fep-044f#quoterequest

Answered at once, by what the quoted post's policy says: an Accept with a stamp, or a Reject. The quoting post comes
along, or was fetched before this; it is stored, because the stamp is about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import arrival, policy, quotes
from fediverse_node.domain.effects import Effect, Patch, Put, Refusal, Refuse, SettleQuote
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.interaction_policy import Standing
from fediverse_node.domain.model import Actor, Approval, Object, Quote
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.uris import same_origin


def needs(verified: Verified) -> Needs:
    """What is quoted, the post that quotes, and everything that post needs to arrive."""
    activity, wanted = verified.activity, arrival.needs(verified)
    named = tuple(uri for uri in (activity.object_id, activity.instrument_id) if uri)
    return replace(wanted, objects=tuple(dict.fromkeys((*wanted.objects, *named))), approvals=True)


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere wants to quote one of ours."""
    activity = verified.activity
    author, quoted = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    request_uri, quoting_uri = own_id(activity), activity.instrument_id
    if author is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    if request_uri is None or quoting_uri is None:
        yield Refuse(Refusal.MALFORMED, "a QuoteRequest needs an id and an instrument")
        return
    if quoted is None or not quoted.local:
        yield Refuse(Refusal.UNKNOWN_OBJECT if quoted is None else Refusal.NOT_OURS, activity.object_id or "")
        return
    owner = facts.author(quoted)
    if owner is None or policy.is_gone(author, facts):
        yield Refuse(Refusal.SUSPENDED, author.host)
        return
    if not same_origin(quoting_uri, author.uri):
        yield Refuse(Refusal.WRONG_ORIGIN, quoting_uri)
        return
    effects = list(_answered(verified, author, quoted, request_uri, quoting_uri, facts))
    found = next((quote for quote in map(_quote_of, effects) if quote is not None), None)
    yield from effects
    is_accepted = found is not None and found.state is Approval.ACCEPTED
    if is_accepted or not any(isinstance(effect, Refuse) for effect in effects) or _is_told(effects):
        stamp = found.stamp_uri if found is not None and is_accepted else None
        yield quotes.answer(
            "Accept" if is_accepted else "Reject",
            owner,
            author,
            quoted.uri,
            quoting_uri,
            request_uri,
            facts,
            stamp_uri=stamp,
        )


def _quote_of(effect: Effect) -> Quote | None:
    if isinstance(effect, Put) and isinstance(effect.record, Quote):
        return effect.record
    return effect.change.quote if isinstance(effect, Patch) and isinstance(effect.change, SettleQuote) else None


def _is_told(effects: list[Effect]) -> bool:
    """Whoever may not do it is told so; who sends nonsense is not."""
    return any(isinstance(effect, Refuse) and effect.reason is Refusal.NOT_PERMITTED for effect in effects)


def _answered(
    verified: Verified, author: Actor, quoted: Object, request_uri: str, quoting_uri: str, facts: Facts
) -> Iterator[Effect]:
    is_allowed = quotes.may_be_quoted_by(author, quoted, facts) in (Standing.ALLOWED, Standing.VOUCHED)
    known = facts.objects.get(quoting_uri)
    if known is not None:
        yield from _known(known, author, quoted, request_uri, facts, is_allowed=is_allowed)
        return
    if not is_allowed:
        yield Refuse(Refusal.NOT_PERMITTED, "its author does not let everybody quote it")
        return
    document = arrival.document_of(verified)
    if document is None or document.id != quoting_uri:
        yield Refuse(Refusal.UNKNOWN_OBJECT, quoting_uri)
        return
    refusal = arrival.refusal_of(document, author, facts)
    if refusal is not None:
        yield refusal
    elif document.quote != quoted.uri:
        yield Refuse(Refusal.NOT_PERMITTED, "the post does not quote what is asked for")
    else:
        for effect in arrival.arrive(replace(verified, solicited=True), document, author, facts):
            if isinstance(effect, Put) and isinstance(effect.record, Quote):
                effect = Put(replace(effect.record, request_uri=request_uri))
            yield effect


def _known(
    known: Object, author: Actor, quoted: Object, request_uri: str, facts: Facts, *, is_allowed: bool
) -> Iterator[Effect]:
    quote = facts.quotes.get(known.id)
    if known.actor_id != author.id:
        yield Refuse(Refusal.NOT_THE_OWNER, known.uri)
    elif quote is None or quote.quoted_uri != quoted.uri:
        yield Refuse(Refusal.NOT_PERMITTED, "the post does not quote what is asked for")
    elif quote.state is Approval.REVOKED:
        yield Refuse(Refusal.NOT_PERMITTED, "its author took the approval back")
    elif is_allowed or quote.state is Approval.ACCEPTED:
        # What was accepted stays so when the policy changes.
        settled = replace(quotes.accepted_by_us(quote, quoted, facts), request_uri=request_uri)
        yield Patch(SettleQuote(settled))
        if quote.state is not Approval.ACCEPTED:
            yield from quotes.follow_up(settled, author, known.thread_id, quotes.DEEPEST, facts)
    else:
        yield Patch(SettleQuote(replace(quote, state=Approval.REJECTED, request_uri=request_uri)))
