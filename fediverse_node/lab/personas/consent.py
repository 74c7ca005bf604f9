"""Quoting with consent, as Mastodon 4.5 has it: who quotes asks, who is quoted answers with a stamp, or takes it back.

spec: fep-044f. What is public may be quoted by everybody, anything else by nobody. A stamp is believed only as fetched
from the server of whoever gave it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.lab.personas.drafts import PUBLIC, CannotDoError, Document, Draft, Post, embedded, first_uri
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.shapes import AS2
from fediverse_node.lab.personas.town import Resident

_QUOTES = "https://w3id.org/fep/044f#"
_KINDS = ("QuoteRequest", "QuoteAuthorization")
_TERMS: Document = {
    "QuoteRequest": f"{_QUOTES}QuoteRequest",
    "QuoteAuthorization": f"{_QUOTES}QuoteAuthorization",
    "quote": {"@id": f"{_QUOTES}quote", "@type": "@id"},
    "quoteAuthorization": {"@id": f"{_QUOTES}quoteAuthorization", "@type": "@id"},
    "gts": "https://gotosocial.org/ns#",
    "interactingObject": {"@id": "gts:interactingObject", "@type": "@id"},
    "interactionTarget": {"@id": "gts:interactionTarget", "@type": "@id"},
}


class Consent(Persona):
    """Asks before it quotes. `stamps` were given here, by id; `agreed` are posts that quote, with their stamp."""

    def __init__(self, **ports: Any) -> None:
        super().__init__(**ports)
        self.stamps: dict[str, Document] = {}
        self.agreed: dict[str, str] = {}

    def context(self, document: Document) -> object:
        inner = embedded(document.get("object")) or {}
        return [AS2, _TERMS] if document.get("type") in _KINDS or inner.get("type") in _KINDS else AS2

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        stamp = self.agreed.get(uri)
        return document | {"quoteAuthorization": stamp} if stamp else document

    async def unusual_answer(self, request: web.Request) -> web.Response | None:
        stamp = self.stamps.get(self.at(request.path))
        return self.document(self.with_context(stamp)) if stamp else await super().unusual_answer(request)

    # Quoting.

    async def publish(self, resident: Resident, post: Post) -> None:
        quoted = post.draft.quote if post.draft else None
        author = await self.author_of(quoted) if quoted else ""
        if quoted and author in self.residents and author != resident.uri:
            self.agreed[post.uri] = self._stamp(self.residents[author], post.uri, quoted)
            post.document["quoteAuthorization"] = self.agreed[post.uri]
        await super().publish(resident, post)
        if quoted and author and author not in self.residents:
            id_ = f"{resident.uri}/quote_requests/{self.uuid()}"
            request = self.activity("QuoteRequest", resident, quoted, id_=id_, instrument=post.document)
            await self.deliver_personally(resident, request, author)

    async def revoke(self, resident: Resident, uri: str) -> None:
        stamp = next(
            (
                found
                for found in self.stamps.values()
                if found["interactingObject"] == uri and found["attributedTo"] == resident.uri
            ),
            None,
        )
        if stamp is None:
            raise CannotDoError(f"{resident.name} has not agreed to be quoted by {uri}")
        self._forget_stamp(stamp["id"])
        activity = self.activity("Delete", resident, stamp, id_=f"{stamp['id']}#delete", to=[PUBLIC])
        await self.tell(resident, activity, {}, *resident.followers, await self.author_of(uri))

    def _stamp(self, author: Resident, quoting: str, quoted: str) -> str:
        uri = f"{author.uri}/quote_authorizations/{self.snowflake()}"
        self.stamps[uri] = {
            "id": uri,
            "type": "QuoteAuthorization",
            "attributedTo": author.uri,
            "interactingObject": quoting,
            "interactionTarget": quoted,
        }
        return uri

    def _forget_stamp(self, uri: str) -> None:
        self.stamps.pop(uri, None)
        self.agreed = {post: stamp for post, stamp in self.agreed.items() if stamp != uri}

    # What it is told.

    async def act_on(self, activity: Document, signer: str) -> str:
        kind, about = activity["type"], first_uri(activity.get("object"))
        if kind == "QuoteRequest":
            return self._hear_request(activity, signer)
        if kind in ("Accept", "Reject"):
            request = self.activities.get(about, {})
            if request.get("type") == "QuoteRequest":
                return await self._hear_verdict(activity, request, signer)
        if kind == "Delete" and about in self.agreed.values():
            return self._hear_revocation(about, signer)
        refusal = await super().act_on(activity, signer)
        if not refusal and kind in ("Create", "Update"):
            await self._look_at(embedded(activity.get("object")) or {})
        return refusal

    def _hear_request(self, activity: Document, signer: str) -> str:
        quoted, instrument = self.posts.get(first_uri(activity.get("object"))), activity.get("instrument")
        quoting = first_uri(instrument)
        if quoted is None or not self.is_same_host(quoting, signer):
            return "there is no such post here, or it is asked for somebody else's"
        document = embedded(instrument)
        if document is not None:
            self.hold(document)
        author = self.residents[quoted.author]
        inner = {name: activity[name] for name in ("id", "type", "actor", "object")} | {"instrument": quoting}
        if self.is_public(quoted.document):
            stamp = self._stamp(author, quoting, quoted.uri)
            answer = self.activity("Accept", author, inner, result=stamp)
        else:
            answer = self.activity("Reject", author, inner)
        self.later(self._answer(author, answer, signer))
        return ""

    async def _answer(self, author: Resident, answer: Document, asker: str) -> None:
        await self.deliver_personally(author, answer, asker)

    async def _hear_verdict(self, activity: Document, request: Document, signer: str) -> str:
        post, quoted = self.posts.get(first_uri(request["instrument"])), request["object"]
        if post is None or signer != await self.author_of(quoted):
            return "nobody asked them"
        stamp = first_uri(activity.get("result"))
        if activity["type"] == "Accept" and not await self._is_good(stamp, post.uri, quoted, signer):
            return "the stamp is not what it should be"
        if activity["type"] == "Accept":
            self.agreed[post.uri] = stamp
            self.later(self._tell_of_consent(self.residents[post.author], post, stamp))
        return ""

    async def _tell_of_consent(self, resident: Resident, post: Post, stamp: str) -> None:
        """Everybody who has the post learns of the stamp."""
        post.document = post.document | {"quoteAuthorization": stamp}
        await self.tell(resident, self.update(resident, post.document), post.document)

    def _hear_revocation(self, stamp: str, signer: str) -> str:
        if not self.is_same_host(stamp, signer):
            return "that is somebody else's to take back"
        self._forget_stamp(stamp)
        return ""

    async def _look_at(self, document: Document) -> None:
        """Of a post from elsewhere that quotes: is its stamp good?"""
        uri, quoted, stamp = (first_uri(document.get(name)) for name in ("id", "quote", "quoteAuthorization"))
        if quoted and stamp and await self._is_good(stamp, uri, quoted, await self.author_of(quoted)):
            self.agreed[uri] = stamp

    async def _is_good(self, stamp: str, quoting: str, quoted: str, author: str) -> bool:
        document = self.stamps.get(stamp) if self.is_here(stamp) else await self.fetch(stamp)
        return document is not None and all(
            first_uri(document.get(name)) == value
            for name, value in (
                ("id", stamp),
                ("attributedTo", author),
                ("interactingObject", quoting),
                ("interactionTarget", quoted),
            )
        )
