"""Looks up what quotes and approvals need from the network: stamps at their origin, and posts that are quoted.

spec: fep-044f#verifying-a-quoteauthorization. A stamp counts only as the document found under its own id at the server
of the author whose word it is; what the document has to say is for `domain/quotes.py` and `domain/approvals.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain import approvals, quotes
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import Effect, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.protocol.authorizations import Authorization, parse_authorization
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, Document
from fediverse_node.transport.faults import FetchFault

_NOTHING = 0
# What says that there is no stamp, as opposed to that somebody does not show it to us just now.
_DEFINITE = frozenset({FetchFault.GONE, FetchFault.NOT_FOUND})


class Stamps:
    """Fetches stamps and quoted posts, and settles what waits for them."""

    def __init__(self, *, writer: Writer, gatherer: Gatherer, dereferencer: Dereferencer) -> None:
        self._writer = writer
        self._gatherer = gatherer
        self._dereferencer = dereferencer

    async def look_up(self, uri: str) -> int | Fail | TemporaryFail:
        """Ask for the stamp at its origin and settle everything that claims it."""
        refusal = self._gatherer.refusal_to_ask(uri)
        if refusal is not None:
            return refusal
        document = await self._dereferencer.fetch_document(uri, budget=Budget(fetches=3, time_s=15.0))
        if isinstance(document, TemporaryFail):
            return document
        stamp = parse_authorization(document.body) if isinstance(document, Document) else document
        note("approval.stamp", stamp if isinstance(stamp, Fail) else None, stamp=uri)
        if isinstance(document, Fail) and document.reason not in _DEFINITE:
            return document  # it may be there: what claims it stays as it is
        found = stamp if isinstance(stamp, Authorization) else None
        telling = Telling(lambda facts: _settled(uri, found, facts))
        decided = await self._writer.decide(Decision(Needs(stamps=(uri,), whole=True), telling))
        telling.note(decided.effects, fetched=uri)
        return stamp if isinstance(stamp, Fail) else _NOTHING

    async def bring_quoted(self, uri: str, *, depth: int) -> int | Fail | TemporaryFail:
        """Fetch a post that is quoted. What waits for it is settled when it is stored, or now if it was here before."""
        found = await self._gatherer.object(uri, depth=depth)
        if not isinstance(found, int):
            return found
        telling = Telling(lambda facts: _assessed(uri, facts))
        decided = await self._writer.decide(Decision(Needs(objects=(uri,), orphans_of=(uri,)), telling))
        telling.note(decided.effects, fetched=uri)
        return found


def _settled(uri: str, stamp: Authorization | None, facts: Facts) -> Iterable[Effect]:
    effects: list[Effect] = []
    for quote in facts.quotes_by_stamp.get(uri, ()):
        effects += quotes.verified(stamp, quote, facts)
    for request in facts.requests_by_stamp.get(uri, ()):
        effects += approvals.verified(stamp, request, facts)
    # Several may claim one stamp; what cannot be settled of one of them keeps nothing from the others.
    done = [effect for effect in effects if not isinstance(effect, Refuse)]
    return done or effects[:1]


def _assessed(uri: str, facts: Facts) -> Iterator[Effect]:
    quoted = facts.objects.get(uri)
    if quoted is not None:
        yield from quotes.settle_waiting(uri, quoted, facts)
