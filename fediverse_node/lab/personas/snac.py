"""snac2 2.94.

It signs host, digest and date, on GETs too, as the person who asks; it says 202 to everything and looks at it later;
what is signed by RFC 9421 it drops without a word. It needs a `to`, and knows everybody by the full address alone. JSON
is indented. A connection is closed after each answer, without notice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import orjson

from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded, objects
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import ALL_VERBS, Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_COVERED = ("(request-target)", "host", "digest", "date")


class Snac(Persona):
    """A server that runs snac2."""

    habits: ClassVar[Habits] = Habits(
        software="snac",
        version="2.94",
        user_agent="snac/2.94; +{origin}/",
        accept=ACTIVITY_JSON,
        shared_inbox="/shared-inbox",
        signing=Signing(post=_COVERED, get=_COVERED, fetches_as_person=True),
        checking=Checking(past=timedelta(hours=12), must_cover=("digest",), answers_first=True, unreadable=0),
        answers=Answers(
            document_type=ACTIVITY_JSON,
            gone=404,
            headers=(("X-Creator", "snac/2.94"), ("Access-Control-Allow-Origin", "*")),
            closes_connection=True,
        ),
        retry_pauses_s=tuple(600.0 * attempt for attempt in range(1, 11)),
        verbs=ALL_VERBS - {"quotes", "reports"},
    )

    def person_uri(self, name: str) -> str:
        return self.at(f"/{name}")

    def instance_uri(self) -> str:
        return self.at("/internal")

    def page_of(self, resident: Resident) -> str:
        return resident.uri

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return f"{resident.uri}/p/{self._tid()}"

    def _tid(self) -> str:
        """Seconds and microseconds."""
        return f"{self.clock.now_ms() // 1000}.{self.randomness.below(1_000_000):06d}"

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return f"{resident.uri}/d/{self._tid()}/{kind}"

    def context(self, document: Document) -> object:
        return [AS2, SECURITY] if "publicKey" in document else AS2

    def encode(self, document: Document) -> bytes:
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        return document | {
            "published": "2026-01-01T00:00:00Z",
            "icon": self.icon(resident),
            "featured": self.part(resident, "featured"),
            "tag": [],
        }

    def audience(self, resident: Resident, draft: Draft) -> tuple[list[str], list[str]]:
        """Followers are not named in what is public."""
        mentions, followers = list(draft.mentions), self.part(resident, "followers")
        match draft.to:
            case "public":
                return [PUBLIC], mentions
            case "unlisted":
                return [followers], [PUBLIC, *mentions]
            case "followers":
                return [followers], mentions
            case _:
                return mentions, []

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        del document["sensitive"]
        parent = self.find_post(draft.reply_to or "")
        thread = (parent.document.get("context") if parent else None) or f"{uri}#ctxt"
        # Everything is an object with a context of its own.
        more = {"@context": AS2, "summary": draft.warning, "context": thread, "sourceContent": draft.text}
        return {**more, **document, "summary": draft.warning} | ({"sensitive": True} if draft.warning else {})

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        return super().words(draft, handles).removeprefix("<p>").removesuffix("</p>") + "<br>"

    def with_context(self, document: Document) -> Document:
        return document if "@context" in document else super().with_context(document)

    def create(self, resident: Resident, document: Document) -> Document:
        more = {"id": f"{document['id']}/Create", "attributedTo": resident.uri}
        return super().create(resident, document) | more

    def update(self, resident: Resident, document: Document) -> Document:
        more = {"id": f"{document['id']}/Update_{self._tid()}", "published": self.stamp()}
        return super().update(resident, document) | more

    def delete(self, resident: Resident, post: Post) -> Document:
        id_ = f"{post.uri}/Delete_{self._tid()}"
        return self.activity("Delete", resident, self.tombstone(post), id_=id_, published=self.stamp(), to=[PUBLIC])

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        more = {"content": reaction} if reaction else {}
        kind = "EmojiReact" if reaction else "Like"
        return self.activity(kind, resident, uri, published=self.stamp(), to=[PUBLIC, author], **more)

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        inner = embedded(activity.get("object")) or {}
        if activity["type"] != "Create":
            return ""
        named = [item for item in (*objects(inner.get("to")), *objects(inner.get("cc"))) if isinstance(item, str)]
        if not objects(inner.get("to")):
            return "no valid recipients"
        is_relevant = self.is_followed(signer) or self.is_for_us(inner) or self.is_answer_to_us(inner)
        return "" if is_relevant and named else "nobody here has to do with it"
