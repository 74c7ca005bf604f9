"""Misskey 2025.

It says 202 to whatever looks signed and verifies later; what is signed by RFC 9421 it refuses. Likes are reactions with
an emoji as content. Quotes have three spellings and a "RE:" in the text. Notes are never edited. It takes any note,
whoever it is for, but no activity whose id is on another host than its signer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import ClassVar

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import Document, Draft, Post, embedded, first_uri
from fediverse_node.lab.personas.habits import LD_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import ALL_VERBS, Persona
from fediverse_node.lab.personas.shapes import AS2, SECURITY
from fediverse_node.lab.personas.town import Resident

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_EPOCH_MS = 946_684_800_000
_HEART = "❤"
_MOST_MENTIONS = 20
_TERMS: Document = {
    "Key": "sec:Key",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "sensitive": "as:sensitive",
    "Hashtag": "as:Hashtag",
    "quoteUrl": "as:quoteUrl",
    "fedibird": "http://fedibird.com/ns#",
    "quoteUri": "fedibird:quoteUri",
    "toot": "http://joinmastodon.org/ns#",
    "Emoji": "toot:Emoji",
    "featured": "toot:featured",
    "discoverable": "toot:discoverable",
    "schema": "http://schema.org#",
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
    "misskey": "https://misskey-hub.net/ns#",
    "_misskey_content": "misskey:_misskey_content",
    "_misskey_quote": "misskey:_misskey_quote",
    "_misskey_reaction": "misskey:_misskey_reaction",
    "_misskey_votes": "misskey:_misskey_votes",
    "_misskey_summary": "misskey:_misskey_summary",
    "_misskey_followedMessage": "misskey:_misskey_followedMessage",
    "_misskey_requireSigninToViewContents": "misskey:_misskey_requireSigninToViewContents",
    "isCat": "misskey:isCat",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
}


class Misskey(Persona):
    """A server that runs Misskey."""

    habits: ClassVar[Habits] = Habits(
        software="misskey",
        version="2025.10.0",
        user_agent="Misskey/2025.10.0 ({origin})",
        nodeinfo="2.1",
        signing=Signing(
            post=("(request-target)", "date", "host", "digest"), get=("(request-target)", "date", "host", "accept")
        ),
        checking=Checking(
            reads_linked_data=True,
            past=timedelta(minutes=5),
            future=timedelta(minutes=5),
            must_cover=("host", "digest"),
            answers_first=True,
            body_limit_bytes=64 * 1024,
        ),
        answers=Answers(document_type=f"{LD_JSON}; charset=utf-8", gone=404, cache="public, max-age=180"),
        retry_pauses_s=tuple(min(60.0 * 2**attempt, 8 * 3600.0) for attempt in range(12)),
        verbs=ALL_VERBS - {"edits"},
    )

    def aid(self) -> str:
        """Misskey's ids: eight digits of time and two of chance, in base 36."""
        left = self.clock.now_ms() - _EPOCH_MS
        digits = ""
        for _ in range(8):
            left, digit = divmod(left, 36)
            digits = _DIGITS[digit] + digits
        return digits + _DIGITS[self.randomness.below(36)] + _DIGITS[self.number() % 36]

    def person_uri(self, name: str) -> str:
        return self.at(f"/users/{self.aid()}")

    def instance_uri(self) -> str:
        return self.at("/users/7aaaaaaa00")

    def instance_name(self) -> str:
        return "instance.actor"

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        return self.at(f"/notes/{self.aid()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        match kind:
            case "Like":
                return self.at(f"/likes/{self.aid()}")
            case "Announce":
                return self.at(f"/notes/{self.aid()}/activity")
            case "Follow":
                return self.at(f"/follows/{resident.uri.rpartition('/')[2]}/{self.aid()}")
            case "Block":
                return self.at(f"/blocks/{self.aid()}")
            case _:
                return self.at(f"/{self.uuid()}")

    def stamp(self) -> str:
        return moments.milliseconds(self.now())

    def context(self, document: Document) -> object:
        return [AS2, SECURITY, _TERMS]

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        return document | {
            "name": resident.title or None,
            "summary": resident.summary or None,
            "_misskey_summary": resident.summary or None,
            "featured": self.part(resident, "collections/featured"),
            "sharedInbox": self.at("/inbox"),
            "icon": {"type": "Image", "url": self.icon(resident)["url"], "sensitive": False, "name": None},
            "image": None,
            "tag": [],
            "discoverable": True,
            "isCat": True,
        }

    def key_document(self, resident: Resident) -> Document:
        key = super().key_document(resident)
        return {"id": key["id"], "type": "Key", "owner": key["owner"], "publicKeyPem": key["publicKeyPem"]}

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        to, cc = self.audience(resident, draft)
        plain = self.plain_words(draft, handles)
        document: Document = {
            "id": uri,
            "type": "Question" if draft.poll else "Note",
            "attributedTo": resident.uri,
            "summary": draft.warning or None,
            "content": self.words(draft, handles),
            "_misskey_content": plain,
            "source": {"content": plain, "mediaType": "text/x.misskeymarkdown"},
            "published": self.stamp(),
            "to": to,
            "cc": cc,
            "inReplyTo": draft.reply_to,
            "attachment": self.attachments(uri, draft),
            "sensitive": bool(draft.warning),
            "tag": self.tags(draft, handles),
        }
        if draft.quote:
            document |= {"_misskey_quote": draft.quote, "quoteUrl": draft.quote, "quoteUri": draft.quote}
        if draft.poll:
            document["_misskey_fallback_content"] = document["content"]
        return document | self.poll(draft)

    async def publish(self, resident: Resident, post: Post) -> None:
        """Whoever is quoted gets the post as well."""
        quoted = post.draft.quote if post.draft else None
        author = await self.author_of(quoted) if quoted else ""
        await self.tell(resident, self.create(resident, post.document), post.document, author)

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        mentions = [
            f'<a href="{uri}" class="u-url mention">@{name}@{host}</a>'
            for uri, (name, host) in zip(draft.mentions, handles, strict=True)
        ]
        tags = [f'<a href="{self.hashtag_page(name)}" rel="tag">#{name}</a>' for name in draft.hashtags]
        text = "<span>{}</span>".format(escape(draft.text, quote=False).replace("\n", "<br>"))
        quote = f'<span><br><br>RE: </span><a href="{draft.quote}">{draft.quote}</a>' if draft.quote else ""
        return f"<p>{' '.join((*mentions, text, *tags))}{quote}</p>"

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        return [found | {"sensitive": bool(draft.warning)} for found in super().attachments(uri, draft)]

    def poll(self, draft: Draft) -> Document:
        found = super().poll(draft)
        for option in found.get("oneOf") or found.get("anyOf") or ():
            option["_misskey_votes"] = 0
        return found

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        emoji = reaction or _HEART
        more: Document = {"content": emoji, "_misskey_reaction": emoji}
        if emoji.startswith(":"):
            more["tag"] = [self._emoji(emoji, self.now())]
        return super().like(resident, uri, author, emoji) | more

    def _emoji(self, name: str, updated: datetime) -> Document:
        return {
            "id": self.at(f"/emojis/{name.strip(':')}"),
            "type": "Emoji",
            "name": name,
            "updated": moments.milliseconds(updated),
            "icon": {"type": "Image", "mediaType": "image/png", "url": self.at(f"/media/{name.strip(':')}.png")},
        }

    def vote(self, resident: Resident, question: Document, option: str) -> Document:
        vote = super().vote(resident, question, option)
        asker = vote["to"]
        return vote | {"to": [asker], "published": self.stamp(), "object": vote["object"] | {"to": [asker]}}

    def flag(self, resident: Resident, targets: list[str], text: str) -> Document:
        # Posts are named in the text alone.
        return self.activity("Flag", resident, targets[0], content="\n".join((*targets[1:], "-----", text)))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        if not self.is_same_host(first_uri(activity), signer):
            return "the activity's id is on another host than its signer"
        inner = embedded(activity.get("object")) or {}
        if activity["type"] == "Update" and inner.get("type") == "Note":
            return "notes are never edited here"
        if activity["type"] == "Create" and len(self.named_in(inner)) > _MOST_MENTIONS:
            return "the note contains too many mentions"
        return ""
