"""Mobilizon 5.

What is posted are events: with a beginning, an end and a place whose words it takes from schema.org. Answers are
comments. Keys are written in the older form (PKCS #1). It answers as Pleroma does, from which it descends.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import ClassVar

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded
from fediverse_node.lab.personas.habits import Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.shapes import AS2
from fediverse_node.lab.personas.town import Resident
from fediverse_node.signatures.multibase import parse_multibase

_LITEPUB = "https://litepub.social/litepub/context.jsonld"
_MULTICODEC_BYTES = 2
_TERMS: Document = {
    "Hashtag": "as:Hashtag",
    "sc": "http://schema.org#",
    "Place": "sc:Place",
    "PostalAddress": "sc:PostalAddress",
    "address": {"@id": "sc:address", "@type": "sc:PostalAddress"},
    "addressCountry": "sc:addressCountry",
    "addressLocality": "sc:addressLocality",
    "streetAddress": "sc:streetAddress",
    "postalCode": "sc:postalCode",
    "location": {"@id": "sc:location", "@type": "sc:Place"},
    "category": "sc:category",
    "uuid": "sc:identifier",
    "maximumAttendeeCapacity": "sc:maximumAttendeeCapacity",
    "mz": "https://joinmobilizon.org/ns#",
    "joinMode": {"@id": "mz:joinMode", "@type": "mz:joinModeType"},
    "joinModeType": {"@id": "mz:joinModeType", "@type": "rdfs:Class"},
    "ical": "http://www.w3.org/2002/12/cal/ical#",
    "pt": "https://joinpeertube.org/ns#",
    "commentsEnabled": {"@id": "pt:commentsEnabled", "@type": "sc:Boolean"},
}


class Mobilizon(Persona):
    """A server that runs Mobilizon."""

    habits: ClassVar[Habits] = Habits(
        software="mobilizon",
        version="5.1.2",
        user_agent="Mobilizon 5.1.2 - {host}",
        accept="application/activity+json",
        signing=Signing(
            post=("(request-target)", "content-length", "date", "digest", "host"),
            get=("(request-target)", "date", "host"),
        ),
        checking=Checking(must_cover=("digest",)),
        answers=Answers(accepted=200, accepted_body=b'"ok"', accepted_type="application/json", unsigned=400),
        verbs=frozenset(("follows", "boosts", "edits", "reports")),
        audiences=("public",),
    )

    def person_uri(self, name: str) -> str:
        return self.at(f"/@{name}")

    def instance_uri(self) -> str:
        return self.at("/relay")

    def instance_name(self) -> str:
        return "relay"

    def page_of(self, resident: Resident) -> str:
        return resident.uri

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return self.at(f"/{'events' if draft.reply_to is None else 'comments'}/{self.uuid()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return self.at(f"/{kind.lower()}/{self.uuid()}")

    def context(self, document: Document) -> object:
        return [AS2, _LITEPUB, _TERMS]

    def key_document(self, resident: Resident) -> Document:
        # A Multikey holds the same bytes, behind two that say what they are.
        der = (parse_multibase(resident.key.public().multibase()) or b"")[_MULTICODEC_BYTES:]
        text = b64encode(der).decode("ascii")
        lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
        pem = f"-----BEGIN RSA PUBLIC KEY-----\n{lines}\n-----END RSA PUBLIC KEY-----\n\n"
        return super().key_document(resident) | {"publicKeyPem": pem}

    def actor_document(self, resident: Resident) -> Document:
        return super().actor_document(resident) | {"icon": {**self.icon(resident), "mediaType": None}}

    async def prepare(self, draft: Draft) -> Draft:
        draft = await super().prepare(draft)
        title = draft.title or draft.text.partition("\n")[0][:80]
        return draft if draft.reply_to is not None else replace(draft, title=title)

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        document |= {"actor": resident.uri, "uuid": uri.rpartition("/")[2]}
        if draft.reply_to is not None:
            return document
        starts = (self.now() + timedelta(days=7)).replace(hour=18, minute=0, second=0, microsecond=0)
        for name in ("summary", "inReplyTo", "sensitive"):
            del document[name]
        return document | {
            "type": "Event",
            "name": draft.title,
            "content": f"<p>{escape(draft.text, quote=False)}</p>",
            "mediaType": "text/html",
            "category": "meeting",
            "commentsEnabled": True,
            "joinMode": "free",
            "ical:status": "CONFIRMED",
            "maximumAttendeeCapacity": 0,
            "repliesModerationOption": "allow_all",
            "startTime": moments.seconds(starts),
            "endTime": moments.seconds(starts + timedelta(hours=2)),
            "location": {
                "type": "Place",
                "id": self.at(f"/address/{self.uuid()}"),
                "name": "The old harbour",
                "address": {
                    "type": "PostalAddress",
                    "streetAddress": "Quay 4",
                    "addressLocality": "Seatown",
                    "addressCountry": "Freeland",
                    "postalCode": None,
                },
            },
        }

    def create(self, resident: Resident, document: Document) -> Document:
        return super().create(resident, document) | {"attributedTo": resident.uri}

    def delete(self, resident: Resident, post: Post) -> Document:
        tombstone = {**self.tombstone(post), "formerType": post.document["type"]}
        return self.activity("Delete", resident, tombstone, id_=f"{post.uri}/delete", to=[PUBLIC])

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        inner, kind = embedded(activity.get("object")) or {}, activity["type"]
        if kind == "Create" and inner.get("type") == "Note":
            return "" if self.is_answer_to_us(inner) or self.is_for_us(inner) else "it is no comment on an event here"
        return f"nothing is done with {kind}" if kind in ("Like", "EmojiReact", "Move", "Block") else ""
