"""The documents of a persona. What stands here is plain ActivityStreams; each software says what it does otherwise.

spec: ap#actor-objects, ap#client-to-server-interactions (the activities). Nothing is sent or stored here.
"""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import Any

from fediverse_node.lab.personas import moments
from fediverse_node.lab.personas.drafts import PUBLIC, Document, Draft, Post, first_uri
from fediverse_node.lab.personas.town import Resident, Town

AS2 = "https://www.w3.org/ns/activitystreams"
SECURITY = "https://w3id.org/security/v1"


class Shapes(Town):
    """How everything looks. The methods are what a software overrides."""

    # Where things are.

    def person_uri(self, name: str) -> str:
        """The id of a person of this name."""
        return self.at(f"/users/{name}")

    def instance_uri(self) -> str:
        """The id of the server's own actor."""
        return self.at("/actor")

    def instance_name(self) -> str:
        """Its name."""
        return self.host

    def page_of(self, resident: Resident) -> str:
        """The profile for people."""
        return self.at(f"/@{resident.name}")

    def part(self, resident: Resident, name: str) -> str:
        """inbox, outbox, followers or following."""
        return f"{resident.uri}/{name}"

    def post_uri(self, resident: Resident, draft: Draft) -> str:
        """The id of a new post."""
        return f"{resident.uri}/statuses/{self.snowflake()}"

    def post_page(self, resident: Resident, uri: str) -> str:
        """The page of a post for people."""
        return f"{self.page_of(resident)}/{uri.rpartition('/')[2]}"

    def activity_uri(self, resident: Resident, kind: str, about: str) -> str:
        """The id of a new activity."""
        return f"{resident.uri}#{kind.lower()}s/{self.number()}"

    def stamp(self) -> str:
        """The moment, as this software writes it."""
        return moments.seconds(self.now())

    # Contexts.

    def context(self, document: Document) -> object:
        """The @context of a document."""
        return AS2

    def with_context(self, document: Document) -> Document:
        """The document as it stands alone."""
        return {"@context": self.context(document), **document}

    # Actors.

    def actor_document(self, resident: Resident) -> Document:
        """A resident, as served."""
        document: Document = {
            "id": resident.uri,
            "type": resident.kind,
            "preferredUsername": resident.name,
            "name": resident.display_name,
            "summary": resident.summary,
            "url": self.page_of(resident),
            "inbox": self.part(resident, "inbox"),
            "outbox": self.part(resident, "outbox"),
            "followers": self.part(resident, "followers"),
            "following": self.part(resident, "following"),
            "manuallyApprovesFollowers": resident.locked,
            "publicKey": self.key_document(resident),
        }
        if self.habits.shared_inbox:
            document["endpoints"] = {"sharedInbox": self.at(self.habits.shared_inbox)}
        if resident.moved_to:
            document["movedTo"] = resident.moved_to
        if resident.also_known_as:
            document["alsoKnownAs"] = list(resident.also_known_as)
        return self.with_context(document)

    def key_document(self, resident: Resident) -> Document:
        """The key as it stands in the actor."""
        return {"id": resident.key_id, "owner": resident.uri, "publicKeyPem": resident.key.public().pem()}

    def icon(self, resident: Resident) -> Document:
        """A picture of somebody."""
        return {"type": "Image", "mediaType": "image/png", "url": self.at(f"/media/avatars/{resident.name}.png")}

    # Posts.

    def audience(self, resident: Resident, draft: Draft) -> tuple[list[str], list[str]]:
        """`to` and `cc`, as Mastodon writes them; most do as it does."""
        followers, mentions = self.part(resident, "followers"), list(draft.mentions)
        match draft.to:
            case "public":
                return [PUBLIC], [followers, *mentions]
            case "unlisted":
                return [followers], [PUBLIC, *mentions]
            case "followers":
                return [followers], mentions
            case _:
                return mentions, []

    def post_document(self, resident: Resident, uri: str, draft: Draft, handles: list[tuple[str, str]]) -> Document:
        """A post, without context. `handles` are name and host of the mentioned, in their order."""
        to, cc = self.audience(resident, draft)
        document: Document = {
            "id": uri,
            "type": "Question" if draft.poll else "Note",
            "summary": draft.warning or None,
            "inReplyTo": draft.reply_to,
            "published": self.stamp(),
            "url": self.post_page(resident, uri),
            "attributedTo": resident.uri,
            "to": to,
            "cc": cc,
            "sensitive": bool(draft.warning),
            "content": self.words(draft, handles),
            "attachment": self.attachments(uri, draft),
            "tag": self.tags(draft, handles),
        }
        return document | self.poll(draft)

    def words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        """The text as HTML, mentions first, hashtags last."""
        mentions = [self.mention_html(uri, *handle) for uri, handle in zip(draft.mentions, handles, strict=True)]
        tags = [self.hashtag_html(name) for name in draft.hashtags]
        text = escape(draft.text, quote=False).replace("\n", "<br />")
        return f"<p>{' '.join((*mentions, text, *tags))}</p>"

    def plain_words(self, draft: Draft, handles: list[tuple[str, str]]) -> str:
        """The text as it was typed."""
        mentions = [f"@{name}@{host}" for name, host in handles]
        return " ".join((*mentions, draft.text, *(f"#{name}" for name in draft.hashtags)))

    def mention_html(self, uri: str, name: str, host: str) -> str:
        """Somebody named in a text."""
        return f'<span class="h-card"><a href="{uri}" class="u-url mention">@<span>{name}</span></a></span>'

    def hashtag_html(self, name: str) -> str:
        """A hashtag in a text."""
        href = self.hashtag_page(name)
        return f'<a href="{href}" class="mention hashtag" rel="tag">#<span>{name}</span></a>'

    def hashtag_page(self, name: str) -> str:
        """Where posts with this hashtag are."""
        return self.at(f"/tags/{name}")

    def tags(self, draft: Draft, handles: list[tuple[str, str]]) -> list[Document]:
        """Mentions and hashtags."""
        mentions = [
            {"type": "Mention", "href": uri, "name": f"@{name}@{host}"}
            for uri, (name, host) in zip(draft.mentions, handles, strict=True)
        ]
        return [
            *mentions,
            *({"type": "Hashtag", "href": self.hashtag_page(name), "name": f"#{name}"} for name in draft.hashtags),
        ]

    def attachments(self, uri: str, draft: Draft) -> list[Document]:
        """The pictures."""
        return [
            {"type": "Document", "mediaType": "image/png", "url": self.picture_url(uri, number), "name": text or None}
            for number, text in enumerate(draft.pictures, start=1)
        ]

    def picture_url(self, uri: str, number: int) -> str:
        """Where a picture is."""
        name = "".join(letter for letter in uri.rpartition("/")[2] if letter.isalnum())
        return self.at(f"/media/{name}-{number}.png")

    def poll(self, draft: Draft) -> Document:
        """The properties of a question."""
        if draft.poll is None:
            return {}
        options = [
            {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": 0}}
            for name in draft.poll.options
        ]
        ends = self.now() + timedelta(seconds=draft.poll.lasts_s)
        return {"anyOf" if draft.poll.multiple else "oneOf": options, "endTime": moments.seconds(ends)}

    def tombstone(self, post: Post) -> Document:
        """What is left of a post."""
        return {"id": post.uri, "type": "Tombstone"}

    # Activities.

    def activity(self, kind: str, resident: Resident, what: object, *, id_: str = "", **more: Any) -> Document:
        """Any activity, with context."""
        about = first_uri(what)
        document = {
            "id": id_ or self.activity_uri(resident, kind, about),
            "type": kind,
            "actor": resident.uri,
            **{name: value for name, value in more.items() if value is not None},
            "object": what,
        }
        return self.with_context(document)

    def create(self, resident: Resident, document: Document) -> Document:
        """Something new."""
        return self.activity(
            "Create",
            resident,
            document,
            id_=f"{document['id']}/activity",
            published=document["published"],
            to=document.get("to"),
            cc=document.get("cc"),
        )

    def update(self, resident: Resident, document: Document) -> Document:
        """Something changed."""
        return self.activity(
            "Update",
            resident,
            document,
            id_=f"{document['id']}#updates/{int(self.now().timestamp())}",
            to=document.get("to"),
            cc=document.get("cc"),
        )

    def update_actor(self, resident: Resident) -> Document:
        """Somebody looks different."""
        document = {name: value for name, value in self.actor_document(resident).items() if name != "@context"}
        id_ = f"{resident.uri}#updates/{int(self.now().timestamp())}"
        return self.activity("Update", resident, document, id_=id_, to=[PUBLIC])

    def delete(self, resident: Resident, post: Post) -> Document:
        """Something is taken away."""
        return self.activity("Delete", resident, self.tombstone(post), id_=f"{post.uri}#delete", to=[PUBLIC])

    def delete_actor(self, resident: Resident) -> Document:
        """Somebody leaves for ever."""
        return self.activity("Delete", resident, resident.uri, id_=f"{resident.uri}#delete", to=[PUBLIC])

    def like(self, resident: Resident, uri: str, author: str, reaction: str) -> Document:
        """Somebody favours a post. `reaction` is an emoji, or "" for a plain like."""
        return self.activity("Like", resident, uri)

    def announce(self, resident: Resident, uri: str, author: str) -> Document:
        """Somebody passes a post on."""
        followers = self.part(resident, "followers")
        return self.activity("Announce", resident, uri, published=self.stamp(), to=[PUBLIC], cc=[author, followers])

    def undo(self, resident: Resident, activity: Document) -> Document:
        """Something is taken back."""
        inner = {name: value for name, value in activity.items() if name != "@context"}
        return self.activity("Undo", resident, inner, id_=f"{activity['id']}/undo", to=activity.get("to"))

    def follow(self, resident: Resident, target: str) -> Document:
        """Somebody wants to follow."""
        return self.activity("Follow", resident, target)

    def accept(self, resident: Resident, follow: Document) -> Document:
        """A follow is granted."""
        inner = {name: value for name, value in follow.items() if name != "@context"}
        return self.activity("Accept", resident, inner)

    def reject(self, resident: Resident, follow: Document) -> Document:
        """A follow is not granted."""
        inner = {name: value for name, value in follow.items() if name != "@context"}
        return self.activity("Reject", resident, inner)

    def block(self, resident: Resident, target: str) -> Document:
        """Nothing of each other any more."""
        return self.activity("Block", resident, target)

    def flag(self, resident: Resident, targets: list[str], text: str) -> Document:
        """A report. Most sign it with the server's own actor, so that nobody knows who reported."""
        return self.activity("Flag", resident, targets, content=text)

    def move(self, resident: Resident, target: str) -> Document:
        """Somebody goes on elsewhere."""
        return self.activity("Move", resident, resident.uri, target=target)

    def vote(self, resident: Resident, question: Document, option: str) -> Document:
        """A choice: a Note with a name and no text, for the asker alone."""
        asker, number = first_uri(question.get("attributedTo")), self.number()
        note = {
            "id": f"{resident.uri}#votes/{number}",
            "type": "Note",
            "name": option,
            "attributedTo": resident.uri,
            "to": asker,
            "inReplyTo": question["id"],
        }
        return self.activity("Create", resident, note, id_=f"{resident.uri}#votes/{number}/activity", to=asker)

    # The server.

    def jrd(self, resident: Resident) -> Document:
        """The answer of WebFinger."""
        return {
            "subject": f"acct:{resident.name}@{self.handle_host}",
            "aliases": [self.page_of(resident), resident.uri],
            "links": [
                {
                    "rel": "http://webfinger.net/rel/profile-page",
                    "type": "text/html",
                    "href": self.page_of(resident),
                },
                {"rel": "self", "type": "application/activity+json", "href": resident.uri},
            ],
        }

    def nodeinfo(self) -> Document:
        """What software this is."""
        users = sum(1 for found in self.residents.values() if found.kind == "Person")
        return {
            "version": self.habits.nodeinfo,
            "software": {"name": self.habits.software, "version": self.habits.version},
            "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": False,
            "usage": {"users": {"total": users}, "localPosts": len(self.posts)},
            "metadata": {},
        }

    def collection(self, uri: str, items: list[Any]) -> Document:
        """A list, its first page under the same address with a query."""
        return self.with_context(
            {"id": uri, "type": "OrderedCollection", "totalItems": len(items), "first": f"{uri}?page=true"}
        )

    def collection_page(self, uri: str, items: list[Any]) -> Document:
        """That page."""
        return self.with_context(
            {
                "id": f"{uri}?page=true",
                "type": "OrderedCollectionPage",
                "totalItems": len(items),
                "partOf": uri,
                "orderedItems": items,
            }
        )
