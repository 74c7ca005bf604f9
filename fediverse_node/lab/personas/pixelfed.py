"""Pixelfed 0.12.

Nothing is said without a picture but answers and private messages. It signs the content type and the user agent as
well, puts the security context first, writes dates with +00:00, and looks at what came a moment after it said 200; what
is not exactly of the shape it expects it drops without a word. Whoever may not see a post is sent to the sign-in page,
which is 200 and HTML. Stories are an Add with a bearcap: the story itself is shown for its token.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from aiohttp import web

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import (
    PUBLIC,
    Document,
    Draft,
    Post,
    all_uris,
    embedded,
    first_uri,
    objects,
)
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, LD_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import ALL_VERBS, Person, Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_POST_TERMS: Document = {
    "Hashtag": "as:Hashtag",
    "sensitive": "as:sensitive",
    "schema": "http://schema.org/",
    "pixelfed": "http://pixelfed.org/ns#",
    "commentsEnabled": {"@id": "pixelfed:commentsEnabled", "@type": "schema:Boolean"},
    "capabilities": {"@id": "pixelfed:capabilities", "@container": "@set"},
    "announce": {"@id": "pixelfed:canAnnounce", "@type": "@id"},
    "like": {"@id": "pixelfed:canLike", "@type": "@id"},
    "reply": {"@id": "pixelfed:canReply", "@type": "@id"},
    "toot": "http://joinmastodon.org/ns#",
    "Emoji": "toot:Emoji",
    "blurhash": "toot:blurhash",
}
_ACTOR_TERMS: Document = {
    "toot": "http://joinmastodon.org/ns#",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
    "movedTo": {"@id": "as:movedTo", "@type": "@id"},
    "indexable": "toot:indexable",
    "suspended": "toot:suspended",
}
_STORY_LASTS_S = 86_400


class Pixelfed(Persona):
    """A server that runs Pixelfed."""

    habits: ClassVar[Habits] = Habits(
        software="pixelfed",
        version="0.12.6",
        user_agent="(Pixelfed/0.12.6; +{origin})",
        accept=LD_JSON,
        post_type=LD_JSON,
        shared_inbox="/f/inbox",
        signing=Signing(
            post=("(request-target)", "host", "date", "digest", "content-type", "user-agent"),
            get=("(request-target)", "host", "date", "accept", "user-agent"),
            algorithm_last=True,
        ),
        checking=Checking(
            past=timedelta(days=1), future=timedelta(days=1), must_cover=("digest",), answers_first=True, unreadable=400
        ),
        answers=Answers(document_type=ACTIVITY_JSON, accepted=200, gone=404, hidden=302),
        retry_pauses_s=(),
        verbs=ALL_VERBS - {"reacts", "quotes", "asks", "votes", "pins"},
    )

    def __init__(self, **ports: Any) -> None:
        super().__init__(**ports)
        self.stories: dict[str, tuple[str, Document]] = {}  # by address: the token that opens it, and the story

    def instance_uri(self) -> str:
        return self.at("/i/actor")

    def page_of(self, resident: Resident) -> str:
        return self.at(f"/{resident.name}")

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return self.at(f"/p/{resident.name}/{self.snowflake()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def stamp(self) -> str:
        return moments.offset(self.now())

    def context(self, document: Document) -> object:
        if "publicKey" in document:
            return [SECURITY, AS2, _ACTOR_TERMS]
        inner = embedded(document.get("object")) or document
        return [SECURITY, AS2, _POST_TERMS] if "capabilities" in inner else AS2

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        icon = {"type": "Image", "mediaType": "image/jpeg", "url": self.icon(resident)["url"]}
        return document | {"indexable": False, "published": "2026-01-01T00:00:00Z", "icon": icon}

    async def prepare(self, draft: Draft) -> Draft:
        draft = await super().prepare(draft)
        if draft.pictures or draft.reply_to is not None or draft.to == "direct":
            return draft
        return replace(draft, pictures=("",))

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        document = super().post_document(resident, uri, draft, handles)
        return document | {
            "commentsEnabled": True,
            "capabilities": {"announce": PUBLIC, "like": PUBLIC, "reply": PUBLIC},
            "location": None,
        }

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        # Captions are no paragraphs.
        return super().words(draft, handles).removeprefix("<p>").removesuffix("</p>")

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        more = {"type": "Image", "blurhash": "U4H-lR00D%M{00ofj[WB", "width": 1440, "height": 1080}
        return [found | more for found in super().attachments(uri, draft)]

    def delete(self, resident: Resident, post: Post) -> Document:
        tombstone = {"id": post.uri, "type": "Tombstone"}
        return self.activity("Delete", resident, tombstone, id_=f"{post.uri}#delete")

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        return self.activity("Like", resident, uri, id_=f"{resident.uri}#likes/{self.snowflake()}")

    # Stories

    async def tells_story(self, person: Person, text: str) -> str:
        """A picture that is gone tomorrow. Followers get its address and a token; the address of the story."""
        resident = person.resident
        uri = self.at(f"/stories/{resident.name}/{self.snowflake()}")
        token = self.randomness.token(24)
        published = self.now()
        self.stories[uri] = (
            token,
            {
                "id": uri,
                "type": "Story",
                "to": [self.part(resident, "followers")],
                "cc": [],
                "attributedTo": resident.uri,
                "published": moments.offset(published),
                "expiresAt": moments.offset(published + timedelta(seconds=_STORY_LASTS_S)),
                "duration": 5,
                "can_reply": True,
                "can_react": True,
                "attachment": {
                    "type": "Image",
                    "url": self.picture_url(uri, 1),
                    "mediaType": "image/png",
                    "name": text,
                },
            },
        )
        story = {"id": uri, "type": "Story", "object": f"bear:?t={token}&u={uri}"}
        to = [self.part(resident, "followers")]
        activity = self.activity("Add", resident, story, id_=f"{uri}/activity", to=to)
        await self.deliver_to(resident, activity, list(resident.followers))
        return uri

    # Answers

    async def unusual_answer(self, request: web.Request) -> web.Response | None:
        if request.path == "/login":
            text = "<!DOCTYPE html><html><head><title>Login</title></head><body>Login to continue</body></html>"
            return web.Response(text=text, content_type="text/html")
        story = self.stories.get(self.at(request.path))
        if story is None:
            return None
        if request.headers.get("Authorization") != f"Bearer {story[0]}":
            return self.refusal(404, "not found")
        return self.document(self.with_context(story[1]))

    def refusal(self, status: int, reason: str) -> web.Response:
        if status == 302:
            return web.Response(status=302, headers={"Location": self.at("/login")})
        text = f"<!DOCTYPE html><html><head><title>{status}</title></head><body>{reason}</body></html>"
        return self.finish(web.Response(status=status, text=text, content_type="text/html"))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        if "@context" not in activity or not isinstance(activity.get("id"), str):
            return "the activity has no @context or no id"
        kind, what = activity["type"], activity.get("object")
        if kind in ("Follow", "Like", "Announce") and not isinstance(what, str):
            return f"the object of a {kind} must be an address"
        if kind == "Like" and first_uri(what) not in self.posts:
            return "there is no such post here"
        return self._judge_create(embedded(what) or {}, signer) if kind == "Create" else ""

    def _judge_create(self, document: Document, signer: str) -> str:
        if not document.get("published") or not isinstance(document.get("to"), list):
            return "the post has no date, or is for nobody"
        if document.get("inReplyTo"):
            is_known = self.find_post(first_uri(document["inReplyTo"])) is not None
            return "" if is_known else "it answers what is not here"
        if not self.is_public(document) and all_uris(document.get("to")) and self.is_for_us(document):
            return ""  # a private message
        if not any(_is_picture(item) for item in objects(document.get("attachment"))):
            return "there is no picture in it"
        return "" if self.is_followed(signer) else "nobody here follows them"


def _is_picture(item: object) -> bool:
    media_type = item.get("mediaType") if isinstance(item, dict) else None
    return isinstance(media_type, str) and media_type.startswith(("image/", "video/"))
