"""Mastodon 4.5.

It signs with the old draft (five headers on POST, Accept on GET) and reads both forms. It takes what concerns somebody
here and answers 202 to the rest as well; it wants the digest signed. Creates of answers and all Deletes carry a
linked-data signature besides, so that whoever is answered can pass them on to their followers, which they do; what is
for followers carries Collection-Synchronization, which is signed too. Quoting takes consent (`consent.py`).
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import ClassVar

from fediverse_node.lab.personas.consent import Consent
from fediverse_node.lab.personas.drafts import Arrived, Document, Draft, Post, all_uris, embedded, first_uri, objects
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, LD_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.hearing import POST_TYPES
from fediverse_node.lab.personas.linked_data import attach_signature, creator_of
from fediverse_node.lab.personas.persona import ALL_VERBS
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_SYNC = "collection-synchronization"
_POST = ("(request-target)", "host", "date", "digest", "content-type")
_REPLIES_AT_ONCE = 5

_ACTOR_TERMS: Document = {
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "toot": "http://joinmastodon.org/ns#",
    "featured": {"@id": "toot:featured", "@type": "@id"},
    "featuredTags": {"@id": "toot:featuredTags", "@type": "@id"},
    "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
    "movedTo": {"@id": "as:movedTo", "@type": "@id"},
    "schema": "http://schema.org#",
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
    "discoverable": "toot:discoverable",
    "suspended": "toot:suspended",
    "memorial": "toot:memorial",
    "indexable": "toot:indexable",
    "attributionDomains": {"@id": "toot:attributionDomains", "@type": "@id"},
    "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
}
_POST_TERMS: Document = {
    "ostatus": "http://ostatus.org#",
    "atomUri": "ostatus:atomUri",
    "inReplyToAtomUri": "ostatus:inReplyToAtomUri",
    "conversation": "ostatus:conversation",
    "sensitive": "as:sensitive",
    "toot": "http://joinmastodon.org/ns#",
    "votersCount": "toot:votersCount",
    "blurhash": "toot:blurhash",
    "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
    "Hashtag": "as:Hashtag",
    "quote": "https://w3id.org/fep/044f#quote",
    "quoteUri": "http://fedibird.com/ns#quoteUri",
    "_misskey_quote": "https://misskey-hub.net/ns#_misskey_quote",
    "quoteAuthorization": {"@id": "https://w3id.org/fep/044f#quoteAuthorization", "@type": "@id"},
    "gts": "https://gotosocial.org/ns#",
    "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
    "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
    "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
}


class Mastodon(Consent):
    """A server that runs Mastodon."""

    habits: ClassVar[Habits] = Habits(
        software="mastodon",
        version="4.5.2",
        user_agent="Mastodon/4.5.2 (http.rb/5.3.1; +{origin}/)",
        accept=f"{ACTIVITY_JSON}, {LD_JSON}",
        signing=Signing(post=_POST, get=("(request-target)", "host", "date", "accept")),
        # Five minutes and an hour for clocks that are wrong.
        checking=Checking(
            reads_rfc9421=True, reads_linked_data=True, past=timedelta(hours=1, minutes=5), must_cover=("digest",)
        ),
        answers=Answers(vary="Accept, Signature"),
        # As sidekiq does it: the fourth power of the attempt, and fifteen seconds.
        retry_pauses_s=tuple(15.0 + attempt**4 * 1.0 for attempt in range(1, 16)),
        gives_up_at=(404, 410, 501),
        verbs=ALL_VERBS - {"reacts"},
    )

    def context(self, document: Document) -> object:
        if "publicKey" in document:
            return [AS2, SECURITY, _ACTOR_TERMS]
        inner = embedded(document.get("object")) or document
        if inner.get("type") in POST_TYPES and "content" in inner:
            return [AS2, _POST_TERMS]
        return super().context(document)

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        if resident.kind == "Application":
            return document
        return document | {
            "featured": self.part(resident, "collections/featured"),
            "featuredTags": self.part(resident, "collections/tags"),
            "discoverable": True,
            "indexable": False,
            "published": "2026-01-01T00:00:00Z",
            "memorial": False,
            "tag": [],
            "attachment": [],
            "icon": self.icon(resident),
        }

    def page_of(self, resident: Resident) -> str:
        if resident.kind == "Application":
            return self.at("/about/more?instance_actor=true")
        return super().page_of(resident)

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        language = {"en": document["content"]}
        more: Document = {
            "atomUri": uri,
            "inReplyToAtomUri": draft.reply_to,
            "conversation": f"tag:{self.host},{self.now():%Y-%m-%d}:objectId={self.number()}:objectType=Conversation",
            "contentMap": language,
            "replies": {
                "id": f"{uri}/replies",
                "type": "Collection",
                "first": {
                    "type": "CollectionPage",
                    "next": f"{uri}/replies?only_other_accounts=true&page=true",
                    "partOf": f"{uri}/replies",
                    "items": [],
                },
            },
            "interactionPolicy": {"canQuote": {"automaticApproval": [f"{AS2}#Public"]}},
        }
        if draft.poll:
            more["votersCount"] = 0
        if draft.quote:
            more |= {"quote": draft.quote, "_misskey_quote": draft.quote, "quoteUri": draft.quote}
        return document | more

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        text = super().words(draft, handles)
        if draft.quote is None:
            return text
        return f'<p class="quote-inline">RE: <a href="{draft.quote}">{draft.quote}</a></p>{text}'

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        more = {"blurhash": "U4H-lR00D%M{00ofj[WB", "focalPoint": [0.0, 0.0], "width": 1200, "height": 900}
        return [found | more for found in super().attachments(uri, draft)]

    def current(self, post: Post) -> Document:
        """The first own answers stand in the collection of replies itself."""
        document = dict(post.document)
        own = [uri for uri in post.replies if uri in self.posts]
        first = {**document["replies"]["first"], "items": own}
        return document | {"replies": {**document["replies"], "first": first}}

    def create(self, resident: Resident, document: Document) -> Document:
        activity = super().create(resident, document)
        # Whoever is answered passes it on to their followers, who did not get it from here.
        return self._signed(resident, activity) if document.get("inReplyTo") else activity

    def delete(self, resident: Resident, post: Post) -> Document:
        return self._signed(resident, super().delete(resident, post))

    def tombstone(self, post: Post) -> Document:
        return {"id": post.uri, "type": "Tombstone", "atomUri": post.uri}

    def delete_actor(self, resident: Resident) -> Document:
        return self._signed(resident, super().delete_actor(resident))

    def undo(self, resident: Resident, activity: Document) -> Document:
        undo = super().undo(resident, activity)
        return self._signed(resident, undo) if activity["type"] == "Announce" else undo

    def _signed(self, resident: Resident, activity: Document) -> Document:
        return attach_signature(activity, key=resident.key, key_id=resident.key_id, created=self.stamp())

    def announce(self, resident: Resident, uri: str, author: str) -> Document:
        activity = super().announce(resident, uri, author)
        return activity | {"id": f"{resident.uri}/statuses/{self.snowflake()}/activity"}

    def follow(self, resident: Resident, target: str) -> Document:
        return super().follow(resident, target) | {"id": self.at(f"/{self.uuid()}")}

    # Deliveries

    def extra_headers(self, resident: Resident, activity: Document, inbox: str) -> dict[str, str]:
        """FEP-8fcf: a digest of the followers there, with what is for followers alone."""
        followers = self.part(resident, "followers")
        if activity["type"] != "Create" or all_uris(activity.get("to")) != [followers]:
            return {}
        there = [uri for uri in resident.followers if self.is_same_host(uri, inbox)]
        digest = 0
        for uri in there:
            digest ^= int.from_bytes(sha256(uri.encode()).digest(), "big")
        url = f"{resident.uri}/followers_synchronization"
        return {_SYNC: f'collectionId="{followers}", digest="{digest:064x}", url="{url}"'}

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        kind, inner = activity["type"], embedded(activity.get("object")) or {}
        if kind in ("Create", "Update") and inner.get("type") in POST_TYPES:
            if not self.is_same_host(first_uri(inner), signer):
                return "the post is on another host than its author"
            if kind == "Create" and not self._is_relevant(inner, signer):
                return "nobody here has to do with it"
        if kind == "Announce" and not (self.is_followed(signer) or first_uri(activity.get("object")) in self.posts):
            return "nobody here has to do with it"
        return ""

    def _is_relevant(self, document: Document, signer: str) -> bool:
        parent = self.held.get(first_uri(document.get("inReplyTo")))
        return (
            self.is_followed(signer)
            or self.is_for_us(document)
            or self.is_answer_to_us(document)
            or (parent is not None and self.is_followed(parent.author))
        )

    async def hear(self, heard: Arrived) -> None:
        """Afterwards the thread is fetched: what it answers, and the first answers it names."""
        await super().hear(heard)
        document = embedded(heard.activity.get("object"))
        if heard.ignored or heard.activity["type"] != "Create" or document is None:
            return
        self._pass_on(heard.activity, document)
        wanted = [first_uri(document.get("inReplyTo")), *self._first_replies(document)]
        for uri in wanted:
            if uri and not self.is_here(uri) and self.find_post(uri) is None:
                found = await self.fetch(uri)
                if found is not None:
                    self.hold(found)

    def _pass_on(self, activity: Document, answer: Document) -> None:
        """A public answer to somebody here goes on to their followers, if its author has signed it."""
        question = self.posts.get(first_uri(answer.get("inReplyTo")))
        if question is None or not self.is_public(answer) or not creator_of(activity):
            return
        answered = self.residents[question.author]
        others = [uri for uri in answered.followers if not self.is_same_host(uri, activity["actor"])]
        self.later(self._deliver_later(answered, activity, others))

    async def _deliver_later(self, resident: Resident, activity: Document, people: list[str]) -> None:
        await self.deliver_to(resident, activity, people)

    def _first_replies(self, document: Document) -> list[str]:
        """Of the same host, as nobody else can be asked to say what answers there are."""
        replies = embedded(document.get("replies")) or {}
        page = embedded(replies.get("first")) or {}
        home = first_uri(document)
        uris = [first_uri(item) for item in objects(page.get("items") or page.get("orderedItems"))]
        return [uri for uri in uris if self.is_same_host(uri, home)][:_REPLIES_AT_ONCE]
