"""PeerTube 7.

People have accounts, accounts have channels, and a video is by both: `attributedTo` is a list. An account creates a
video for its own followers; the channel announces it to those of the channel. What people say are comments on videos.
Every activity carries a linked-data signature. It answers 204; to bad signatures 403; to wishes for documents that are
not there 406; browsers get the same page everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import Any, ClassVar

from aiohttp import web

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, embedded, first_uri
from fediverse_node.lab.personas.habits import Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.linked_data import attach_signature
from fediverse_node.lab.personas.persona import Person, Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_SIGNATURE_TERM = {"RsaSignature2017": "https://w3id.org/security#RsaSignature2017"}
_ACTOR_TERMS: Document = {
    "pt": "https://joinpeertube.org/ns#",
    "sc": "http://schema.org/",
    "playlists": {"@id": "pt:playlists", "@type": "@id"},
    "support": {"@type": "sc:Text", "@id": "pt:support"},
    "icons": "as:icon",
}
_VIDEO_TERMS: Document = {
    "pt": "https://joinpeertube.org/ns#",
    "sc": "http://schema.org/",
    "Hashtag": "as:Hashtag",
    "category": "sc:category",
    "licence": "sc:license",
    "sensitive": "as:sensitive",
    "language": "sc:inLanguage",
    "identifier": "sc:identifier",
    "isLiveBroadcast": "sc:isLiveBroadcast",
    "Infohash": "pt:Infohash",
    "uuid": {"@type": "sc:identifier", "@id": "pt:uuid"},
    "originallyPublishedAt": "sc:datePublished",
    "views": {"@type": "sc:Number", "@id": "pt:views"},
    "state": {"@type": "sc:Number", "@id": "pt:state"},
    "size": {"@type": "sc:Number", "@id": "pt:size"},
    "fps": {"@type": "sc:Number", "@id": "pt:fps"},
    "commentsEnabled": {"@type": "sc:Boolean", "@id": "pt:commentsEnabled"},
    "commentsPolicy": {"@type": "sc:Number", "@id": "pt:commentsPolicy"},
    "downloadEnabled": {"@type": "sc:Boolean", "@id": "pt:downloadEnabled"},
    "waitTranscoding": {"@type": "sc:Boolean", "@id": "pt:waitTranscoding"},
    "support": {"@type": "sc:Text", "@id": "pt:support"},
    "likes": {"@id": "as:likes", "@type": "@id"},
    "dislikes": {"@id": "as:dislikes", "@type": "@id"},
    "shares": {"@id": "as:shares", "@type": "@id"},
    "comments": {"@id": "as:comments", "@type": "@id"},
}
_HEIGHTS = ((1080, 1920), (720, 1280), (360, 640))


class PeerTube(Persona):
    """A server that runs PeerTube."""

    habits: ClassVar[Habits] = Habits(
        software="peertube",
        version="7.3.0",
        user_agent="PeerTube/7.3.0 (+{origin})",
        accept="application/activity+json, application/ld+json",
        signing=Signing(
            post=("(request-target)", "host", "date", "digest"),
            get=("(request-target)", "host", "date"),
        ),
        checking=Checking(
            reads_linked_data=True,
            past=timedelta(minutes=30),
            future=timedelta(minutes=30),
            must_cover=("digest", "host", "date"),
        ),
        answers=Answers(accepted=204, unsigned=403, gone=404),
        retry_pauses_s=(10.0, 60.0, 600.0, 3_600.0),
        verbs=frozenset(("likes", "edits", "reports", "attaches")),
        audiences=("public",),
    )

    def channel(self, person: Person, name: str = "") -> Person:
        """A channel of somebody here; always the same for the same name."""
        name = name or f"{person.name}_channel"
        found = next((each for each in self.residents.values() if each.name == name and each.kind == "Group"), None)
        return self.person_of(found or self.settle_in(name, kind="Group", owner=person.uri))

    async def follows_as_server(self, uri: str) -> None:
        """The server follows: accounts subscribe to channels of other PeerTubes alone."""
        await self.follow_somebody(self.server.resident, uri)

    # Where things are

    def person_uri(self, name: str) -> str:
        return self.at(f"/accounts/{name}")

    def group_uri(self, name: str) -> str:
        return self.at(f"/video-channels/{name}")

    def instance_uri(self) -> str:
        return self.at("/accounts/peertube")

    def instance_name(self) -> str:
        return "peertube"

    def page_of(self, resident: Resident) -> str:
        return resident.uri

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        if draft.reply_to is None:
            return self.at(f"/videos/watch/{self.uuid()}")
        return f"{self._video_of(draft.reply_to)}/comments/{self.number()}"

    def _video_of(self, uri: str) -> str:
        """The video under which something was said."""
        post = self.find_post(uri)
        while post is not None and post.document.get("inReplyTo"):
            uri = first_uri(post.document["inReplyTo"])
            post = self.find_post(uri)
        return uri if self.is_here(uri) else self.at(f"/videos/watch/{self.uuid()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return f"{resident.uri}/{kind.lower()}s/{self.number()}"

    def stamp(self) -> str:
        return moments.milliseconds(self.now())

    def context(self, document: Document) -> object:
        found: list[Any] = [AS2, SECURITY, _SIGNATURE_TERM]
        inner = embedded(document.get("object")) or document
        if inner.get("type") == "Video":
            return [*found, _VIDEO_TERMS]
        return [*found, _ACTOR_TERMS] if "publicKey" in inner else found

    # Shapes

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        del document["manuallyApprovesFollowers"]
        icon = self.icon(resident)
        document |= {
            "playlists": self.part(resident, "playlists"),
            "published": "2026-01-01T00:00:00.000Z",
            "icon": [icon | {"height": size, "width": size} for size in (48, 120)],
            "summary": resident.summary or None,
        }
        if resident.owner:
            document |= {"support": None, "attributedTo": [{"type": "Person", "id": resident.owner}]}
        return document

    def jrd(self, resident: Resident) -> Document:
        return {
            "subject": f"acct:{resident.name}@{self.handle_host}",
            "aliases": [resident.uri],
            "links": [
                {"rel": "self", "type": "application/activity+json", "href": resident.uri},
                {
                    "rel": "http://ostatus.org/schema/1.0/subscribe",
                    "template": self.at("/remote-interaction?uri={uri}"),
                },
            ],
        }

    async def prepare(self, draft: Draft) -> Draft:
        draft = await super().prepare(draft)
        title = draft.title or draft.text.partition("\n")[0][:120]
        return draft if draft.reply_to is not None else replace(draft, title=title)

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        followers = self.part(resident, "followers")
        if draft.reply_to is not None:
            return {
                "type": "Note",
                "id": uri,
                "content": self.words(draft, handles),
                "mediaType": "text/html",
                "source": {"content": self.plain_words(draft, handles), "mediaType": "text/markdown"},
                "inReplyTo": draft.reply_to,
                "published": self.stamp(),
                "updated": self.stamp(),
                "url": uri,
                "attributedTo": resident.uri,
                "replyApproval": None,
                "tag": self.tags(draft, handles),
                "to": [PUBLIC],
                "cc": [followers, *draft.mentions],
            }
        return self._video(resident, uri, draft) | {"to": [PUBLIC], "cc": [followers]}

    def _video(self, resident: Resident, uri: str, draft: Draft) -> Document:
        channel = self.channel(self.person_of(resident), draft.group)
        pictures = ((280, 157), (850, 480))
        picture = self.picture_url(uri, 1)
        return {
            "type": "Video",
            "id": uri,
            "name": draft.title,
            "duration": "PT145S",
            "uuid": uri.rpartition("/")[2],
            "category": {"identifier": "15", "name": "Science & Technology"},
            "licence": {"identifier": "2", "name": "Attribution - Share Alike"},
            "language": {"identifier": "en", "name": "English"},
            "views": 0,
            "sensitive": bool(draft.warning),
            "waitTranscoding": True,
            "state": 1,
            "commentsEnabled": True,
            "canReply": None,
            "commentsPolicy": 1,
            "downloadEnabled": True,
            "published": self.stamp(),
            "originallyPublishedAt": None,
            "updated": self.stamp(),
            "tag": [{"type": "Hashtag", "name": name} for name in draft.hashtags],
            "mediaType": "text/markdown",
            "content": draft.text,
            "support": None,
            "subtitleLanguage": [],
            "icon": [
                {"type": "Image", "url": picture, "mediaType": "image/jpeg", "width": width, "height": height}
                for width, height in pictures
            ],
            "aspectRatio": 1.7778,
            "url": self._links(uri),
            "likes": f"{uri}/likes",
            "dislikes": f"{uri}/dislikes",
            "shares": f"{uri}/announces",
            "comments": f"{uri}/comments",
            "hasParts": f"{uri}/chapters",
            "attributedTo": [{"type": "Person", "id": resident.uri}, {"type": "Group", "id": channel.uri}],
            "isLiveBroadcast": False,
            "liveSaveReplay": None,
            "permanentLive": None,
            "latencyMode": None,
        }

    def _links(self, uri: str) -> list[Document]:
        """The page, and a list for players in which every size of the film stands as a tag."""
        name = uri.rpartition("/")[2]
        films: list[Document] = [
            {
                "type": "Link",
                "mediaType": "video/mp4",
                "href": self.at(f"/static/streaming-playlists/hls/{name}/{name}-{height}-fragmented.mp4"),
                "height": height,
                "width": width,
                "size": height * 10_000,
                "fps": 30,
            }
            for height, width in _HEIGHTS
        ]
        playlist: Document = {
            "type": "Link",
            "mediaType": "application/x-mpegURL",
            "href": self.at(f"/static/streaming-playlists/hls/{name}/{name}-master.m3u8"),
            "tag": [{"type": "Infohash", "name": f"{self.randomness.below(1 << 160):040x}"}, *films],
        }
        return [{"type": "Link", "mediaType": "text/html", "href": uri}, playlist]

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        mentions = [f"@{name}@{host}" for name, host in handles]
        return f"<p>{' '.join((*mentions, escape(draft.text, quote=False)))}</p>"

    def activity(self, kind: str, resident: Resident, what: object, *, id_: str = "", **more: Any) -> Document:
        activity = super().activity(kind, resident, what, id_=id_, **more)
        return attach_signature(activity, key=resident.key, key_id=resident.key_id, created=self.stamp())

    def delete(self, resident: Resident, post: Post) -> Document:
        return self.activity("Delete", resident, post.uri, id_=f"{post.uri}/delete", to=[PUBLIC])

    def undo(self, resident: Resident, activity: Document) -> Document:
        inner = {name: value for name, value in activity.items() if name not in ("@context", "signature")}
        return self.activity("Undo", resident, inner, id_=f"{activity['id']}/undo", to=activity.get("to"))

    async def publish(self, resident: Resident, post: Post) -> None:
        await super().publish(resident, post)
        if post.document["type"] != "Video":
            return
        owner = self.residents[first_uri(post.document["attributedTo"][1])]
        for sharer in (owner, self.server.resident):
            followers = [self.part(sharer, "followers")]
            id_ = f"{post.uri}/announces/{self.number()}"
            announce = self.activity("Announce", sharer, post.uri, id_=id_, to=[PUBLIC], cc=followers)
            self.activities[id_] = announce
            await self.deliver_to(sharer, announce, list(sharer.followers))

    # Answers

    def page(self, request: web.Request, uri: str | None) -> web.Response:
        """One page for all addresses: what is there is found out by a script."""
        text = "<!DOCTYPE html><html><head><title>PeerTube</title></head><body><my-app></my-app></body></html>"
        return self.finish(web.Response(text=text, content_type="text/html"))

    def refusal(self, status: int, reason: str) -> web.Response:
        return self.finish(web.Response(status=406 if status == 404 else status))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        inner = embedded(activity.get("object")) or {}
        target = first_uri(activity.get("object"))
        match activity["type"]:
            case "Create" if inner.get("type") == "Note":
                is_comment = self.find_post(first_uri(inner.get("inReplyTo"))) is not None
                return "" if is_comment and self.is_public(inner) else "only public comments on videos are taken"
            case "Like" | "Dislike":
                post = self.find_post(target)
                return "" if post and post.document.get("type") == "Video" else "only videos can be liked"
            case "Announce":
                post = self.find_post(target)
                return "" if post is None or post.document.get("type") == "Video" else "only videos can be shared"
            case "EmojiReact" | "Move" | "Block" | "Add" | "Remove" as kind:
                return f"Unknown activity type {kind}"
            case _:
                return ""

    def takes_post(self, document: Document) -> bool:
        return document.get("type") in ("Note", "Video")
