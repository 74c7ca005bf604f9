"""Ghost 6, whose federation is made with Fedify.

It knocks with RFC 9421 first and with the old draft when that is refused, and reads both. Everybody is `as:Public`,
lists of one are the one, and posts carry their preview. What has a title is an Article, the rest are Notes. Activities
carry a linked-data signature.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import Any, ClassVar

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, Answers, Checking, Form, Habits, Signing
from fediverse_node.lab.personas.linked_data import attach_signature
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_ROOT = "/.ghost/activitypub"
_POST_TERMS: Document = {
    "Emoji": "toot:Emoji",
    "Hashtag": "as:Hashtag",
    "_misskey_quote": "misskey:_misskey_quote",
    "fedibird": "http://fedibird.com/ns#",
    "misskey": "https://misskey-hub.net/ns#",
    "quoteUri": "fedibird:quoteUri",
    "quoteUrl": "as:quoteUrl",
    "sensitive": "as:sensitive",
    "toot": "http://joinmastodon.org/ns#",
}
_ACTOR_TERMS: Document = {
    "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "movedTo": {"@id": "as:movedTo", "@type": "@id"},
    "featured": {"@id": "toot:featured", "@type": "@id"},
    "discoverable": "toot:discoverable",
    "toot": "http://joinmastodon.org/ns#",
    "schema": "http://schema.org#",
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
}


class Ghost(Persona):
    """A blog that runs Ghost."""

    habits: ClassVar[Habits] = Habits(
        software="ghost",
        version="6.10.0",
        user_agent="Fedify/1.9.2 (Node.js/v22.18.0; +{origin}/)",
        accept="application/activity+json, application/ld+json",
        nodeinfo="2.1",
        shared_inbox=f"{_ROOT}/inbox",
        signing=Signing(
            post=("(request-target)", "content-type", "date", "digest", "host"),
            get=("(request-target)", "accept", "date", "host", "user-agent"),
            rfc9421=("@method", "@target-uri", "@authority", "host", "date", "content-digest"),
            first_knock=Form.RFC9421,
            knocks_twice=True,
            fetches_as_person=True,
        ),
        checking=Checking(reads_rfc9421=True, reads_linked_data=True, past=timedelta(hours=1), must_cover=("digest",)),
        answers=Answers(
            document_type=ACTIVITY_JSON, accepted_body=b"Activity is enqueued.", accepted_type="text/plain", gone=404
        ),
        retry_pauses_s=tuple(min(2.0**attempt, 43_200.0) for attempt in range(10)),
        verbs=frozenset(("likes", "follows", "boosts", "edits", "attaches", "blocks")),
        audiences=("public",),
    )

    def person_uri(self, name: str) -> str:
        return self.at(f"{_ROOT}/users/{name}")

    def instance_uri(self) -> str:
        return self.at(f"{_ROOT}/users/instance")

    def page_of(self, resident: Resident) -> str:
        return self.at(f"/author/{resident.name}/")

    def part(self, resident: Resident, name: str) -> str:
        return self.at(f"{_ROOT}/{name}/{resident.name}")

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return self.at(f"{_ROOT}/{'article' if draft.title else 'note'}/{self.uuid()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri if "/note/" in uri else self.at(f"/{uri.rpartition('/')[2]}/")

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return self.at(f"{_ROOT}/{kind.lower()}/{self.uuid()}")

    def stamp(self) -> str:
        return moments.milliseconds(self.now())

    def context(self, document: Document) -> object:
        if "publicKey" in document:
            return [AS2, SECURITY, "https://w3id.org/security/data-integrity/v1", _ACTOR_TERMS]
        inner = embedded(document.get("object")) or document
        if "content" in inner:
            return [AS2, "https://w3id.org/security/data-integrity/v1", "https://gotosocial.org/ns", _POST_TERMS]
        return ["https://w3id.org/identity/v1", AS2, "https://w3id.org/security/data-integrity/v1"]

    def key_document(self, resident: Resident) -> Document:
        key = super().key_document(resident)
        return {"id": key["id"], "type": "CryptographicKey", "owner": key["owner"], "publicKeyPem": key["publicKeyPem"]}

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        return document | {"discoverable": True, "icon": self.icon(resident), "liked": self.part(resident, "liked")}

    async def prepare(self, draft: Draft) -> Draft:
        draft = await super().prepare(draft)
        return replace(draft, title="") if draft.reply_to is not None else draft

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        del document["sensitive"]
        if not draft.title:
            return {name: value for name, value in document.items() if value not in (None, [])}
        preview = {
            "id": uri.replace("/article/", "/note/"),
            "type": "Note",
            "content": escape(draft.text[:200], quote=False),
        }
        return {
            "id": uri,
            "type": "Article",
            "attributedTo": resident.uri,
            "name": draft.title,
            "content": document["content"],
            "image": self.picture_url(uri, 1),
            "preview": preview,
            "published": document["published"],
            "url": document["url"],
            "to": document["to"],
            "cc": document["cc"],
        }

    def activity(self, kind: str, resident: Resident, what: object, *, id_: str = "", **more: Any) -> Document:
        # Fedify writes what it has read anew, in the one context of the whole.
        activity = super().activity(kind, resident, _without_contexts(what), id_=id_, **more)
        return attach_signature(activity, key=resident.key, key_id=resident.key_id, created=self.stamp())

    def create(self, resident: Resident, document: Document) -> Document:
        to, cc, id_ = document.get("to"), document.get("cc"), self.activity_uri(resident, "Create", "")
        return self.activity("Create", resident, document, id_=id_, to=to, cc=cc)

    def update(self, resident: Resident, document: Document) -> Document:
        to, cc, id_ = document.get("to"), document.get("cc"), self.activity_uri(resident, "Update", "")
        return self.activity("Update", resident, document, id_=id_, to=to, cc=cc)

    def delete(self, resident: Resident, post: Post) -> Document:
        return self.activity(
            "Delete", resident, self.tombstone(post), to=[PUBLIC], cc=[self.part(resident, "followers")]
        )

    def undo(self, resident: Resident, activity: Document) -> Document:
        inner = {name: value for name, value in activity.items() if name not in ("@context", "signature")}
        return self.activity("Undo", resident, inner, to=activity.get("to"))

    def accept(self, resident: Resident, follow: Document) -> Document:
        return super().accept(resident, follow) | {"to": follow["actor"]}

    def encode(self, document: Document) -> bytes:
        return super().encode(_compacted(document))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        kind = activity["type"]
        return f"nothing is done with {kind}" if kind in ("Flag", "Move", "EmojiReact") else ""


def _without_contexts(value: object) -> object:
    if isinstance(value, list):
        return [_without_contexts(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_contexts(item) for name, item in value.items() if name != "@context"}


def _compacted(value: Any) -> Any:
    if isinstance(value, list):
        return [_compacted(item) for item in value]
    if not isinstance(value, dict):
        return "as:Public" if value == PUBLIC else value
    found = {name: _compacted(item) for name, item in value.items()}
    for name in ("to", "cc", "tag", "attachment"):
        if isinstance(found.get(name), list) and len(found[name]) == 1:
            found[name] = found[name][0]
    return found
