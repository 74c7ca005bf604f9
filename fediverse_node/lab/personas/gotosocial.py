"""GoToSocial 0.20.

It shows nothing to unsigned requests but the bare key, which has an address without a fragment; it calls RSA `hs2019`,
does not read RFC 9421, wants a User-Agent and an ActivityPub content type, and has no shared inbox. Lists of one are
written as the one, keys in alphabetical order. It takes what concerns somebody here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import orjson

from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded, first_uri
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, LD_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.hearing import POST_TYPES
from fediverse_node.lab.personas.persona import ALL_VERBS, Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_GTS = "https://gotosocial.org/ns"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TOOT = "http://joinmastodon.org/ns#"
_ONE_OR_MANY = ("to", "cc", "tag", "alsoKnownAs")


class GoToSocial(Persona):
    """A server that runs GoToSocial."""

    habits: ClassVar[Habits] = Habits(
        software="gotosocial",
        version="0.20.0",
        user_agent="gotosocial/0.20.0 (+{origin})",
        accept=f"{LD_JSON},{ACTIVITY_JSON}",
        post_type=LD_JSON,
        nodeinfo="2.1",
        shared_inbox=None,
        authorized_fetch=True,
        signing=Signing(
            post=("(request-target)", "host", "date", "digest"),
            get=("(request-target)", "host", "date"),
            algorithm="hs2019",
            key_fragment="/main-key",
        ),
        checking=Checking(
            past=timedelta(days=30),
            must_cover=("date",),
            refetches_keys=False,
            needs_user_agent=True,
            inbox_types=(ACTIVITY_JSON, "application/ld+json"),
        ),
        answers=Answers(
            document_type=ACTIVITY_JSON,
            accepted_body=b'{"status":"Accepted"}',
            accepted_type="application/json",
            vary="Accept-Encoding",
            cache="no-store",
            gone=404,
            headers=(("Server", "gotosocial"), ("X-Robots-Tag", "noindex, nofollow")),
        ),
        retry_pauses_s=tuple(120.0 * attempt for attempt in range(1, 6)),
        verbs=ALL_VERBS - {"reacts", "quotes"},
    )

    def ulid(self) -> str:
        """26 characters: ten of time, sixteen of chance."""
        value = (self.clock.now_ms() << 80) | self.randomness.below(1 << 80)
        return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))

    def instance_uri(self) -> str:
        return self.at(f"/users/{self.host}")

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return f"{resident.uri}/statuses/{self.ulid()}"

    def post_page(self, resident: Resident, uri: str) -> str:
        return f"{self.page_of(resident)}/statuses/{uri.rpartition('/')[2]}"

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        match kind:
            case "Like":
                return f"{resident.uri}/liked/{self.ulid()}"
            case "Follow":
                return f"{resident.uri}/follow/{self.ulid()}"
            case "Block":
                return f"{resident.uri}/blocks/{self.ulid()}"
            case "Announce":
                return f"{resident.uri}/statuses/{self.ulid()}"
            case _:
                return self.at(f"/{self.ulid()}")

    def context(self, document: Document) -> object:
        if "publicKey" in document:
            terms = {
                "discoverable": "toot:discoverable",
                "featured": {"@id": "toot:featured", "@type": "@id"},
                "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
                "toot": _TOOT,
            }
            return [_GTS, SECURITY, AS2, terms]
        inner = embedded(document.get("object")) or document
        if inner.get("type") not in POST_TYPES or "interactionPolicy" not in inner:
            return AS2
        post_terms = {
            "Hashtag": "as:Hashtag",
            "sensitive": "as:sensitive",
            "toot": _TOOT,
            "votersCount": f"{_TOOT}votersCount",
        }
        return [_GTS, AS2, post_terms]

    def encode(self, document: Document) -> bytes:
        """As Go writes it: in order, lists of one as the one, and nothing that HTML could misread."""
        text = orjson.dumps(_collapsed(document), option=orjson.OPT_SORT_KEYS)
        return text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")

    # Shapes

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        return document | {
            "discoverable": True,
            "featured": self.part(resident, "collections/featured"),
            "hidesCcPublicFromUnauthedWeb": False,
            "hidesToPublicFromUnauthedWeb": False,
            "icon": self.icon(resident),
            "published": "2026-01-01T00:00:00Z",
            "tag": [],
        }

    def key_answer(self, path: str) -> Document | None:
        """The key is shown to everybody, with just enough of its owner."""
        uri = self.at(path)
        resident = next((found for found in self.residents.values() if found.key_id == uri), None)
        if resident is None:
            return None
        stub = {"id": resident.uri, "type": resident.kind, "preferredUsername": resident.name}
        return {"@context": [SECURITY, AS2], **stub, "publicKey": self.key_document(resident)}

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        if draft.reply_to is None:
            del document["inReplyTo"]
        who = [PUBLIC] if draft.to in ("public", "unlisted") else [resident.uri, *draft.mentions]
        rule = {"always": who, "approvalRequired": [], "automaticApproval": who, "manualApproval": []}
        document |= {
            "summary": draft.warning,
            "contentMap": {"en": document["content"]},
            "interactionPolicy": {"canAnnounce": rule, "canLike": rule, "canReply": rule},
            "replies": {
                "first": {
                    "id": f"{uri}/replies?page=true",
                    "next": f"{uri}/replies?page=true&only_other_accounts=false",
                    "partOf": f"{uri}/replies",
                    "type": "CollectionPage",
                },
                "id": f"{uri}/replies",
                "type": "Collection",
            },
        }
        return document | ({"votersCount": 0} if draft.poll else {})

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        found = super().attachments(uri, draft)
        # The text of a picture is its summary, where others say name.
        return [
            {
                "blurhash": "LIIE|gRj00WB-;j[t7j[4nWBj[Rj",
                "focalPoint": [-0.5, 0.5],
                "mediaType": item["mediaType"],
                "name": item["name"],
                "summary": item["name"],
                "type": "Image",
                "url": item["url"],
            }
            for item in found
        ]

    def create(self, resident: Resident, document: Document) -> Document:
        return super().create(resident, document) | {"id": f"{document['id']}/activity#Create"}

    def update(self, resident: Resident, document: Document) -> Document:
        return super().update(resident, document) | {"id": f"{document['id']}/activity#Update"}

    def delete(self, resident: Resident, post: Post) -> Document:
        to, cc = post.document["to"], post.document["cc"]
        return self.activity("Delete", resident, post.uri, id_=f"{post.uri}/activity#Delete", to=to, cc=cc)

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        return super().like(resident, uri, author, reaction) | {"to": [author]}

    def follow(self, resident: Resident, target: str) -> Document:
        return super().follow(resident, target) | {"to": [target]}

    def accept(self, resident: Resident, follow: Document) -> Document:
        return super().accept(resident, follow) | {"to": [follow["actor"]]}

    def vote(self, resident: Resident, question: Document, option: str) -> Document:
        vote = super().vote(resident, question, option)
        return vote | {"id": f"{resident.uri}/activity#vote/{self.ulid()}"}

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        kind, inner = activity["type"], embedded(activity.get("object")) or {}
        if kind == "Create" and inner.get("type") in POST_TYPES:
            is_relevant = self.is_followed(signer) or self.is_for_us(inner) or self.is_answer_to_us(inner)
            return "" if is_relevant else "nobody here has to do with it"
        if kind == "Announce" and not (self.is_followed(signer) or first_uri(activity.get("object")) in self.posts):
            return "nobody here has to do with it"
        return ""


def _collapsed(value: object) -> object:
    if isinstance(value, list):
        return [_collapsed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _collapsed(item[0] if name in _ONE_OR_MANY and isinstance(item, list) and len(item) == 1 else item)
        for name, item in value.items()
    }
