"""WordPress 6.9 with the ActivityPub plugin 7.

A post is an Article, an answer to a comment a Note. Ids are queries (`/?p=12`), authors end in a slash and redirect to
it, JSON escapes every slash, what is not there is a page of the theme. It takes follows and what concerns its own
posts; what else comes is answered 202 and left.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import ClassVar

from aiohttp import web

from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded, first_uri
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_REST = "/wp-json/activitypub/1.0"
_ACTOR_TERMS: Document = {
    "schema": "http://schema.org#",
    "toot": "http://joinmastodon.org/ns#",
    "lemmy": "https://join-lemmy.org/ns#",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
    "Hashtag": "as:Hashtag",
    "featured": {"@id": "toot:featured", "@type": "@id"},
    "featuredTags": {"@id": "toot:featuredTags", "@type": "@id"},
    "discoverable": "toot:discoverable",
    "indexable": "toot:indexable",
    "resource": "webfinger:resource",
}
_POST_TERMS: Document = {
    "Hashtag": "as:Hashtag",
    "sensitive": "as:sensitive",
    "dcterms": "http://purl.org/dc/terms/",
    "gts": "https://gotosocial.org/ns#",
    "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
    "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
    "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
}


class WordPress(Persona):
    """A blog that runs WordPress."""

    habits: ClassVar[Habits] = Habits(
        software="wordpress",
        version="6.9",
        user_agent="WordPress/6.9; {origin}; ActivityPub",
        accept=ACTIVITY_JSON,
        nodeinfo="2.1",
        shared_inbox=f"{_REST}/inbox",
        signing=Signing(post=("(request-target)", "host", "date", "digest"), get=("(request-target)", "host", "date")),
        checking=Checking(past=timedelta(hours=3), future=timedelta(hours=3), must_cover=("digest",)),
        answers=Answers(document_type=ACTIVITY_JSON, accepted_body=b"[]", accepted_type=ACTIVITY_JSON, vary="Accept"),
        retry_pauses_s=(3_600.0, 14_400.0),
        verbs=frozenset(("follows", "edits", "boosts", "attaches", "blocks")),
        audiences=("public", "unlisted"),
    )

    # Where things are

    def person_uri(self, name: str) -> str:
        return self.at(f"/author/{name}/")

    def instance_uri(self) -> str:
        return self.at(f"{_REST}/application")

    def instance_name(self) -> str:
        return "application"

    def page_of(self, resident: Resident) -> str:
        return resident.uri

    def part(self, resident: Resident, name: str) -> str:
        if resident.kind == "Application":
            return f"{resident.uri}/{name}"
        number = list(self.residents).index(resident.uri)
        return self.at(f"{_REST}/actors/{number}/{name}")

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return self.at(f"/?c={self.number()}" if draft.reply_to is not None else f"/?p={self.number()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        kind, _, number = uri.rpartition("?")[2].partition("=")
        return uri if kind == "c" else self.at(f"/{self.now():%Y/%m}/post-{number}/")

    def hashtag_page(self, name: str) -> str:
        return self.at(f"/tag/{name}/")

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return f"{resident.uri}#{kind.lower()}-{int(self.now().timestamp())}-{self.number()}"

    def context(self, document: Document) -> object:
        if "publicKey" in document:
            return [AS2, SECURITY, "https://purl.archive.org/socialweb/webfinger", _ACTOR_TERMS]
        return [AS2, _POST_TERMS]

    def encode(self, document: Document) -> bytes:
        """As PHP writes it."""
        return super().encode(document).replace(b"/", b"\\/")

    # Shapes

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        return document | {
            "attachment": [
                {
                    "type": "PropertyValue",
                    "name": "Blog",
                    "value": f'<a rel="me" target="_blank" href="{self.origin}/">{self.host}</a>',
                }
            ],
            "icon": {"type": "Image", "url": f"{self.icon(resident)['url']}?s=120&#038;d=mm&#038;r=g"},
            "published": "2026-01-01T00:00:00Z",
            "tag": [],
            "featured": self.part(resident, "collections/featured"),
            "discoverable": True,
            "indexable": True,
            "webfinger": f"{resident.name}@{self.handle_host}",
        }

    async def prepare(self, draft: Draft) -> Draft:
        draft = await super().prepare(draft)
        title = draft.title or draft.text.partition("\n")[0][:60]
        return draft if draft.reply_to is not None else replace(draft, title=title)

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        if draft.reply_to is not None:
            return {name: value for name, value in document.items() if name not in ("summary", "sensitive")}
        return document | {
            "type": "Article",
            "name": draft.title,
            "nameMap": {"en": draft.title},
            "summary": f"<p>{escape(draft.text[:100], quote=False)} […]</p>",
            "contentMap": {"en": document["content"]},
            "preview": {"type": "Note", "content": f"<p><strong>{escape(draft.title)}</strong></p>"},
            "interactionPolicy": {"canQuote": {"automaticApproval": PUBLIC, "always": PUBLIC}},
        }

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        return f"{super().words(draft, handles)}\n"

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        found = super().attachments(uri, draft)
        # The address as it stands in HTML: with its ampersands escaped.
        return [item | {"type": "Image", "url": f"{item['url']}?fit=980%2C980&#038;ssl=1"} for item in found]

    def create(self, resident: Resident, document: Document) -> Document:
        stamp = self.stamp()
        return super().create(resident, document) | {"id": f"{document['id']}#activity-create-{stamp}"}

    def update(self, resident: Resident, document: Document) -> Document:
        return super().update(resident, document) | {"id": f"{document['id']}#activity-update-{self.stamp()}"}

    def delete(self, resident: Resident, post: Post) -> Document:
        id_ = f"{post.uri}#activity-delete"
        return self.activity("Delete", resident, self.tombstone(post), id_=id_, to=[PUBLIC])

    # Answers

    async def unusual_answer(self, request: web.Request) -> web.Response | None:
        if request.path.startswith("/author/") and not request.path.endswith("/"):
            return web.Response(status=301, headers={"Location": f"{self.origin}{request.path}/"})
        return None

    def refusal(self, status: int, reason: str) -> web.Response:
        if status in (400, 401, 403):
            data = {"code": "activitypub_signature_verification", "message": reason, "data": {"status": status}}
            return self.finish(web.json_response(data, status=status))
        text = "<!DOCTYPE html><html><head><title>Page not found</title></head><body>Nothing here</body></html>"
        return self.finish(web.Response(status=status, text=text, content_type="text/html"))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        inner = embedded(activity.get("object")) or {}
        target = first_uri(activity.get("object"))
        match activity["type"]:
            case "Create":
                is_comment = self.is_answer_to_us(inner) and self.is_public(inner)
                return "" if is_comment else "it is no comment on what stands here"
            case "Like" | "Announce":
                return "" if target in self.posts else "it is about nothing that stands here"
            case "EmojiReact" | "Flag" | "Block" | "Move" as kind:
                return f"nothing is done with {kind}"
            case _:
                return ""
