"""Akkoma 3.15, and with it Pleroma, which it comes from.

Objects and activities have addresses of their own that say nothing of their author. Dates have microseconds, polls
that are over say so without a zone, answers are the JSON text "ok". It signs in alphabetical order with the length of
the body, and wants requests to be at most two hours old. Reactions are EmojiReact.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from aiohttp import web

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded, first_uri
from fediverse_node.lab.personas.habits import Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import ALL_VERBS, Persona
from fediverse_node.lab.personas.shapes import AS2
from fediverse_node.lab.personas.town import Resident


class Akkoma(Persona):
    """A server that runs Akkoma."""

    habits: ClassVar[Habits] = Habits(
        software="akkoma",
        version="3.15.2",
        user_agent="Akkoma 3.15.2; {origin} <admin@{host}>",
        accept="application/activity+json",
        nodeinfo="2.1",
        signing=Signing(
            post=("(request-target)", "content-length", "date", "digest", "host"),
            get=("(request-target)", "date", "host"),
        ),
        checking=Checking(past=timedelta(hours=2), future=timedelta(minutes=40), must_cover=("digest",)),
        answers=Answers(accepted=200, accepted_body=b'"ok"', accepted_type="application/json", unsigned=400, gone=404),
        retry_pauses_s=tuple(15.0 + attempt**4 * 1.0 for attempt in range(1, 6)),
        verbs=ALL_VERBS,
    )

    def instance_uri(self) -> str:
        return self.at("/internal/fetch")

    def instance_name(self) -> str:
        return "internal.fetch"

    def page_of(self, resident: Resident) -> str:
        return resident.uri

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return self.at(f"/objects/{self.uuid()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return self.at(f"/activities/{self.uuid()}")

    def stamp(self) -> str:
        return moments.microseconds(self.now())

    def context(self, document: Document) -> object:
        return [AS2, self.at("/schemas/litepub-0.1.jsonld"), {"@language": "und"}]

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        return document | {
            "alsoKnownAs": list(resident.also_known_as),
            "attachment": [],
            "capabilities": {},
            "discoverable": True,
            "endpoints": {
                "oauthAuthorizationEndpoint": self.at("/oauth/authorize"),
                "oauthRegistrationEndpoint": self.at("/api/v1/apps"),
                "oauthTokenEndpoint": self.at("/oauth/token"),
                "sharedInbox": self.at("/inbox"),
                "uploadMedia": self.at("/api/ap/upload_media"),
            },
            "featured": self.part(resident, "collections/featured"),
            "tag": [],
            "icon": self.icon(resident),
        }

    def key_document(self, resident: Resident) -> Document:
        key = super().key_document(resident)
        return key | {"publicKeyPem": f"{key['publicKeyPem']}\n"}

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        thread = self._thread_of(draft)
        del document["url"]
        source = {"content": self.plain_words(draft, handles), "mediaType": "text/plain"}
        more: Document = {
            "actor": resident.uri,
            "summary": draft.warning,
            "context": thread,
            "conversation": thread,
            "source": source,
            "contentMap": {"en": document["content"]},
        }
        if draft.poll:
            # The end has microseconds and says no zone.
            document["closed"] = f"{self.now() + timedelta(seconds=draft.poll.lasts_s):%Y-%m-%dT%H:%M:%S.%f}"
            del document["endTime"]
            more["votersCount"] = 0
        if draft.quote:
            more["quoteUri"] = draft.quote
        return document | more

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        quote = f'<a href="{draft.quote}">{draft.quote}</a>'
        inline = f'<span class="quote-inline"><br/><br/>RE: {quote}</span>' if draft.quote else ""
        return super().words(draft, handles) + inline

    def _thread_of(self, draft: Draft) -> str:
        parent = self.find_post(draft.reply_to or "")
        thread = parent.document.get("context") if parent is not None else None
        return str(thread or self.at(f"/contexts/{self.uuid()}"))

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        """Their address is a list of links."""
        return [
            {
                "type": "Document",
                "mediaType": "image/png",
                "name": found["name"] or "",
                "url": [{"type": "Link", "mediaType": "image/png", "href": found["url"]}],
            }
            for found in super().attachments(uri, draft)
        ]

    def create(self, resident: Resident, document: Document) -> Document:
        activity = super().create(resident, document)
        return activity | {"id": self.at(f"/activities/{self.uuid()}"), "context": document["context"]}

    def update(self, resident: Resident, document: Document) -> Document:
        return super().update(resident, document) | {"id": self.at(f"/activities/{self.uuid()}")}

    def delete(self, resident: Resident, post: Post) -> Document:
        # The id alone, for those who got it.
        to, cc = post.document["to"], post.document["cc"]
        return self.activity("Delete", resident, post.uri, to=[*to, *cc])

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        kind = "EmojiReact" if reaction else "Like"
        to = [self.part(resident, "followers"), author]
        more = {"content": reaction} if reaction else {}
        return self.activity(kind, resident, uri, to=to, cc=[PUBLIC], context=self._context_of(uri), **more)

    def announce(self, resident: Resident, uri: str, author: str) -> Document:
        to = [self.part(resident, "followers"), author]
        stamp = self.stamp()
        return self.activity(
            "Announce", resident, uri, to=to, cc=[PUBLIC], published=stamp, context=self._context_of(uri)
        )

    def _context_of(self, uri: str) -> str | None:
        post = self.find_post(uri)
        return post.document.get("context") if post is not None else None

    def undo(self, resident: Resident, activity: Document) -> Document:
        undo = super().undo(resident, activity)
        return undo | {"id": self.at(f"/activities/{self.uuid()}"), "cc": activity.get("cc", [])}

    def follow(self, resident: Resident, target: str) -> Document:
        return self.activity("Follow", resident, target, to=[target], cc=[], state="pending")

    def accept(self, resident: Resident, follow: Document) -> Document:
        return super().accept(resident, follow) | {"to": [follow["actor"]], "cc": []}

    def vote(self, resident: Resident, question: Document, option: str) -> Document:
        vote = super().vote(resident, question, option)
        asker = vote["to"]
        note = vote["object"] | {"id": self.at(f"/objects/{self.uuid()}"), "to": [asker], "cc": []}
        note |= {"published": self.stamp(), "actor": resident.uri}
        return vote | {"id": self.at(f"/activities/{self.uuid()}"), "to": [asker], "cc": [], "object": note}

    def refusal(self, status: int, reason: str) -> web.Response:
        text = {400: "Invalid HTTP Signature", 401: "Request not signed", 404: "Not found"}.get(status, reason)
        return self.finish(web.json_response(text, status=status))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        inner = embedded(activity.get("object")) or {}
        if activity["type"] in ("Create", "Update") and inner:
            if not self.is_same_host(first_uri(inner), signer):
                return "the object is on another host than its actor"
            if not isinstance(inner.get("to"), list | str):
                return "the object is for nobody"
        return ""
