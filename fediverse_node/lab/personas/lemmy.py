"""Lemmy 0.19.

People say things in communities. A community passes on to its followers every activity that concerns it, whole, in an
Announce; a new post it announces once more by its id alone, which is all that Mastodon understands. It fetches without
signing, signs as hs2019 in alphabetical order, and answers 400 to what its rules do not take: answers to what it does
not know, posts in no community, boosts by people, private messages that are not a ChatMessage.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import ClassVar

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import (
    PUBLIC,
    Arrived,
    CannotDoError,
    Document,
    Draft,
    Post,
    all_uris,
    embedded,
    first_uri,
)
from fediverse_node.lab.personas.habits import ACTIVITY_JSON, Answers, Checking, Habits, Signing
from fediverse_node.lab.personas.persona import Person, Persona
from fediverse_node.lab.personas.shapes import AS2
from fediverse_node.lab.personas.town import Resident

_CONTEXT = ["https://join-lemmy.org/context.json", AS2]
_PASSED_ON = ("Create", "Update", "Delete", "Like", "Dislike", "Undo", "Lock", "Add", "Remove", "Flag")


class Lemmy(Persona):
    """A server that runs Lemmy."""

    habits: ClassVar[Habits] = Habits(
        software="lemmy",
        version="0.19.12",
        user_agent="Lemmy/0.19.12; +{origin}",
        accept=ACTIVITY_JSON,
        nodeinfo="2.1",
        signing=Signing(
            post=("(request-target)", "content-type", "date", "digest", "host"),
            algorithm="hs2019",
            signs_fetches=False,
        ),
        checking=Checking(past=timedelta(hours=1), future=timedelta(hours=1), must_cover=("digest",)),
        answers=Answers(document_type=ACTIVITY_JSON, accepted=200, unsigned=400, rule_refused=400),
        retry_pauses_s=(60.0, 3_600.0, 216_000.0),
        gives_up_at=(400, 404, 410),
        verbs=frozenset(("likes", "edits", "reports", "attaches")),
        audiences=("public", "direct"),
    )

    def community(self, name: str = "main") -> Person:
        """A community here; always the same for the same name."""
        found = next((each for each in self.residents.values() if each.name == name and each.kind == "Group"), None)
        return self.person_of(found or self.settle_in(name, kind="Group"))

    # Where things are

    def person_uri(self, name: str) -> str:
        return self.at(f"/u/{name}")

    def group_uri(self, name: str) -> str:
        return self.at(f"/c/{name}")

    def instance_uri(self) -> str:
        return self.at("/")

    def part(self, resident: Resident, name: str) -> str:
        return self.at(f"/{name}") if resident.kind == "Application" else super().part(resident, name)

    def page_of(self, resident: Resident) -> str:
        return resident.uri

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        if draft.reply_to is not None:
            return self.at(f"/comment/{self.number()}")
        return self.at(f"/{'private_message' if draft.to == 'direct' else 'post'}/{self.number()}")

    def post_page(self, resident: Resident, uri: str) -> str:
        return uri

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        return self.at(f"/activities/{kind.lower()}/{self.uuid()}")

    def stamp(self) -> str:
        return moments.microseconds(self.now())

    def context(self, document: Document) -> object:
        return _CONTEXT

    # Shapes

    def actor_document(self, resident: Resident) -> Document:
        document = super().actor_document(resident)
        for name in ("following", "manuallyApprovesFollowers", "url"):
            del document[name]
        if resident.kind != "Group":
            del document["followers"]
            return document | {"published": "2026-01-01T00:00:00.000000Z"}
        return document | {
            "sensitive": False,
            "attributedTo": self.part(resident, "moderators"),
            "moderators": self.part(resident, "moderators"),
            "featured": self.part(resident, "featured"),
            "postingRestrictedToMods": False,
            "language": [{"identifier": "en", "name": "English"}],
            "published": "2026-01-01T00:00:00.000000Z",
        }

    def jrd(self, resident: Resident) -> Document:
        found = super().jrd(resident)
        kind = {"https://www.w3.org/ns/activitystreams#type": resident.kind}
        found["links"] = [link | ({"properties": kind} if link["rel"] == "self" else {}) for link in found["links"]]
        del found["aliases"]
        return found

    def jrd_of(self, found: list[Resident]) -> Document:
        """A person and a community may have one name: then both are named."""
        answers = [self.jrd(resident) for resident in found]
        return answers[0] | {"links": [link for answer in answers for link in answer["links"]]}

    async def prepare(self, draft: Draft) -> Draft:
        draft = await super().prepare(draft)
        if draft.to == "direct":
            if len(draft.mentions) != 1:
                raise CannotDoError("a private message of Lemmy is for one person: name exactly one in mentions")
            return draft
        if draft.reply_to is not None:
            parent = self.find_post(draft.reply_to)
            return replace(draft, group=self._community_of(parent.document) if parent else "")
        group = draft.group if "://" in draft.group else self.community(draft.group or "main").uri
        return replace(draft, group=group, title=draft.title or draft.text.partition("\n")[0][:80])

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        content = f"<p>{escape(draft.text, quote=False)}</p>\n"
        common: Document = {
            "id": uri,
            "attributedTo": resident.uri,
            "content": content,
            "mediaType": "text/html",
            "source": {"content": draft.text, "mediaType": "text/markdown"},
            "published": self.stamp(),
        }
        if draft.to == "direct":
            return common | {"type": "ChatMessage", "to": list(draft.mentions)}
        language = {"language": {"identifier": "en", "name": "English"}}
        if draft.reply_to is not None:
            people = [draft.group, *draft.mentions] if draft.group else list(draft.mentions)
            return common | {
                "type": "Note",
                "to": [PUBLIC],
                "cc": people,
                "inReplyTo": draft.reply_to,
                "tag": self.tags(draft, handles),
                "distinguished": False,
                "audience": draft.group,
                "attachment": [],
                **language,
            }
        return common | {
            "type": "Page",
            "to": [draft.group, PUBLIC],
            "name": draft.title,
            "cc": [],
            "attachment": self._attached(uri, draft),
            "sensitive": bool(draft.warning),
            "audience": draft.group,
            "tag": [{"type": "Hashtag", "href": uri, "name": f"#{draft.group.rpartition('/')[2]}"}],
            **language,
        }

    def _attached(self, uri: str, draft: Draft) -> list[Document]:
        if draft.link:
            return [{"type": "Link", "href": draft.link}]
        numbered = enumerate(draft.pictures, start=1)
        return [{"type": "Image", "url": self.picture_url(uri, number), "name": text} for number, text in numbered]

    def create(self, resident: Resident, document: Document) -> Document:
        return self._in_community("Create", resident, document, document)

    def update(self, resident: Resident, document: Document) -> Document:
        return self._in_community("Update", resident, document, document)

    def delete(self, resident: Resident, post: Post) -> Document:
        return self._in_community("Delete", resident, post.uri, post.document)

    def _in_community(self, kind: str, resident: Resident, what: object, about: Document) -> Document:
        if about["type"] == "ChatMessage":
            return self.activity(kind, resident, what, to=about["to"])
        community = self._community_of(about)
        cc = list(dict.fromkeys([community, *all_uris(about.get("cc"))]))
        return self.activity(kind, resident, what, to=[PUBLIC], cc=cc, tag=about.get("tag"), audience=community)

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        post = self.find_post(uri)
        return super().like(resident, uri, author, "") | {"audience": self._community_of(post.document) if post else ""}

    def follow(self, resident: Resident, target: str) -> Document:
        return self.activity("Follow", resident, target, to=[target])

    def accept(self, resident: Resident, follow: Document) -> Document:
        return super().accept(resident, follow) | {"to": [follow["actor"]]}

    def flag(self, resident: Resident, targets: list[str], text: str) -> Document:
        return self.activity("Flag", resident, targets[-1], to=[targets[0]], summary=text, content=text)

    def reporter_of(self, resident: Resident) -> Resident:
        return resident

    # The way out

    def _community_of(self, document: Document) -> str:
        """The community in which something was said: of an answer, that of what it answers."""
        found = first_uri(document.get("audience"))
        if found:
            return found
        named = all_uris(document.get("to"), document.get("cc"))
        here = next((uri for uri in named if uri in self.residents and self.residents[uri].kind == "Group"), None)
        parent = self.find_post(first_uri(document.get("inReplyTo")))
        return here or (self._community_of(parent.document) if parent else "")

    async def tell(self, resident: Resident, activity: Document, about: Document, *also: str) -> list[int | None]:
        target = self.find_post(first_uri(activity["object"]))
        community = self.residents.get(self._community_of(about or (target.document if target else {})))
        if community is None:
            return await super().tell(resident, activity, about, *also)
        # Whoever is named gets it from its author; everybody else from the community.
        self.activities[activity["id"]] = activity
        named = [uri for uri in all_uris(about.get("cc")) if uri not in self.residents]
        statuses = await self.deliver_to(resident, activity, [*resident.followers, *named])
        return [*statuses, *await self._pass_on(community, activity)]

    async def _pass_on(self, community: Resident, activity: Document) -> list[int | None]:
        inner = {name: value for name, value in activity.items() if name != "@context"}
        statuses = await self._announce(community, inner)
        kind = (embedded(activity["object"]) or {}).get("type")
        if activity["type"] == "Create" and kind == "Page":
            statuses += await self._announce(community, first_uri(activity["object"]))
        return statuses

    async def _announce(self, community: Resident, what: object) -> list[int | None]:
        announce = self.activity("Announce", community, what, to=[PUBLIC], cc=[self.part(community, "followers")])
        self.activities[announce["id"]] = announce
        return await self.deliver_to(community, announce, list(community.followers))

    async def favour(self, resident: Resident, uri: str, reaction: str) -> None:
        """To the community, and not to the author."""
        post = self.find_post(uri)
        if post is None:
            raise CannotDoError(f"Lemmy likes only what it holds, and {uri} is not here")
        post.likes[resident.uri] = ""
        await self.tell(resident, self.like(resident, uri, post.author, ""), {}, self._community_of(post.document))

    # What it takes

    def judge(self, activity: Document, signer: str) -> str:
        inner = embedded(activity.get("object")) or {}
        match activity["type"]:
            case "Create" | "Update" if inner.get("type") in ("Person", "Group"):
                return ""
            case "Create" | "Update":
                return self._judge_post(inner)
            case "Announce":
                return "an Announce is for communities"
            case "Like" | "Dislike" | "Delete" | "Flag":
                known = self.find_post(first_uri(activity.get("object")))
                is_actor = first_uri(activity.get("object")) == signer
                return "" if known or is_actor or activity["type"] == "Flag" else "couldnt_find_object"
            case "Follow" | "Accept" | "Reject" | "Undo" | "Block":
                return ""
            case other:
                return f"data did not match any variant of untagged enum SharedInboxActivities ({other})"

    def _judge_post(self, document: Document) -> str:
        if not self.is_public(document):
            is_message = document.get("type") == "ChatMessage" and len(all_uris(document.get("to"))) == 1
            return "" if is_message else "object_is_not_public"
        if document.get("inReplyTo"):
            is_known = self.find_post(first_uri(document.get("inReplyTo"))) is not None
            return "" if is_known else "couldnt_find_post"
        return "" if self._community_of(document) else "no_community_found_in_cc"

    async def hear(self, heard: Arrived) -> None:
        """What concerns a community here is passed on to its followers."""
        about = embedded(heard.activity.get("object")) or {}
        target = self.find_post(first_uri(heard.activity.get("object")))
        community = self.residents.get(self._community_of(target.document if target else about))
        await super().hear(heard)
        if not heard.ignored and community is not None and heard.activity["type"] in _PASSED_ON:
            self.later(self._pass_on_later(community, heard.activity))

    async def _pass_on_later(self, community: Resident, activity: Document) -> None:
        await self._pass_on(community, activity)
