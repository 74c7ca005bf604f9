"""What the people of a persona do: each verb makes its documents, keeps them, and delivers them to whom it concerns.

A verb returns when every inbox has answered once, or has not; what failed is repeated beside it.
"""

from __future__ import annotations

from dataclasses import replace

from fediverse_node.lab.personas.drafts import PUBLIC, CannotDoError, Document, Draft, Post, all_uris, first_uri
from fediverse_node.lab.personas.hearing import Hearing
from fediverse_node.lab.personas.town import Resident


class Telling(Hearing):
    """Everything that goes out. Methods take who does it first."""

    def must_have(self, verb: str) -> None:
        """Raises CannotDoError where the software has no such thing."""
        if verb not in self.habits.verbs:
            raise CannotDoError(f"{self.habits.software} {self.habits.version} has no way to say that somebody {verb}")

    async def post(self, resident: Resident, draft: Draft) -> Post:
        """Say something new."""
        if draft.to not in self.habits.audiences:
            raise CannotDoError(f"{self.habits.software} has no posts that are {draft.to}")
        draft = await self.prepare(draft)
        uri = self.post_uri(resident, draft)
        document = await self._document(resident, uri, draft)
        post = self.posts[uri] = Post(uri, resident.uri, document, draft)
        self.aliases[self.post_page(resident, uri)] = uri
        await self.publish(resident, post)
        return post

    async def prepare(self, draft: Draft) -> Draft:
        """Whoever is answered is also named."""
        if draft.reply_to is None:
            return draft
        author = await self.author_of(draft.reply_to)
        if not author or author in draft.mentions or author in self.residents:
            return draft
        return replace(draft, mentions=(author, *draft.mentions))

    async def author_of(self, uri: str) -> str:
        """Who said this; it is fetched if it is not known here."""
        post = self.find_post(uri)
        if post is not None:
            return post.author
        document = await self.fetch(uri)
        return first_uri((document or {}).get("attributedTo"))

    async def _document(self, resident: Resident, uri: str, draft: Draft) -> Document:
        handles = [await self.handle_of(mentioned) for mentioned in draft.mentions]
        return self.post_document(resident, uri, draft, handles)

    async def publish(self, resident: Resident, post: Post) -> None:
        """The Create of a new post goes out."""
        await self.tell(resident, self.create(resident, post.document), post.document)

    async def tell(self, resident: Resident, activity: Document, about: Document, *also: str) -> list[int | None]:
        """Keep an activity and deliver it to those for whom `about` is, and to `also`."""
        self.activities[activity["id"]] = activity
        people = [*self.readers(resident, about), *(uri for uri in also if uri)]
        return await self.deliver_to(resident, activity, list(dict.fromkeys(people)))

    def readers(self, resident: Resident, document: Document) -> list[str]:
        """URIs of those elsewhere for whom this is."""
        found: list[str] = []
        for uri in all_uris(document.get("to"), document.get("cc"), document.get("audience")):
            if uri in (PUBLIC, self.part(resident, "followers")):
                found += resident.followers
            elif uri not in self.residents:
                found.append(uri)
        return found

    async def edit(self, resident: Resident, post: Post, text: str) -> Post:
        """Say it otherwise."""
        draft = replace(self._draft_of(post, resident), text=text)
        old = post.document
        document = await self._document(resident, post.uri, draft)
        document |= {name: old[name] for name in ("published", "url", "to", "cc", "endTime") if name in old}
        document["updated"] = self.stamp()
        post.document, post.draft, post.edits = document, draft, post.edits + 1
        await self.tell(resident, self.update(resident, document), document)
        return post

    def _draft_of(self, post: Post, resident: Resident) -> Draft:
        if post.draft is None or post.author != resident.uri:
            raise CannotDoError(f"{post.uri} is not {resident.name}'s")
        return post.draft

    async def remove(self, resident: Resident, post: Post) -> None:
        """Take it away everywhere."""
        self._draft_of(post, resident)
        self.gone[post.uri] = self.with_context(self.tombstone(post))
        del self.posts[post.uri]
        await self.tell(resident, self.delete(resident, post), post.document, *post.boosts)

    async def revoke(self, resident: Resident, uri: str) -> None:
        """Agree no longer to being quoted there."""
        raise CannotDoError(f"{self.habits.software} {self.habits.version} asks nobody before it quotes")

    async def favour(self, resident: Resident, uri: str, reaction: str) -> None:
        """Favour a post, or react to it."""
        author = await self.author_of(uri)
        post = self.find_post(uri)
        if post is not None:
            post.likes[resident.uri] = reaction
        await self.tell(resident, self.like(resident, uri, author, reaction), {}, author)

    async def pass_on(self, resident: Resident, uri: str) -> None:
        """Pass a post on to the followers; its author is told."""
        author = await self.author_of(uri)
        activity = self.announce(resident, uri, author)
        post = self.find_post(uri)
        if post is not None:
            post.boosts[resident.uri] = activity["id"]
        await self.tell(resident, activity, activity, author)

    async def take_back(self, resident: Resident, kinds: tuple[str, ...], uri: str) -> None:
        """Undo the last activity of these kinds about `uri`."""
        activity = next(
            (
                found
                for found in reversed(self.activities.values())
                if found["type"] in kinds
                and found["actor"] == resident.uri
                and first_uri(found["object"]) == uri
                and f"{found['id']}/undone" not in self.aliases
            ),
            None,
        )
        if activity is None:
            raise CannotDoError(f"{resident.name} has done nothing of {', '.join(kinds)} about {uri}")
        self.aliases[f"{activity['id']}/undone"] = activity["id"]
        post = self.find_post(uri)
        author = uri if activity["type"] in ("Follow", "Block") else await self.author_of(uri)
        if post is not None:
            (post.boosts if "Announce" in kinds else post.likes).pop(resident.uri, None)
        if "Follow" in kinds:
            resident.following.pop(uri, None)
        await self.tell(resident, self.undo(resident, activity), activity, author)

    async def follow_somebody(self, resident: Resident, uri: str) -> None:
        """Ask to follow; whether it is granted is heard later."""
        activity = self.follow(resident, uri)
        resident.following[uri] = False
        self.activities[activity["id"]] = activity
        await self.deliver_personally(resident, activity, uri)

    async def deliver_personally(self, resident: Resident, activity: Document, uri: str) -> int | None:
        """To the inbox of one actor, not of its server. Raises CannotDoError where it has none."""
        document = await self.actor(uri)
        inbox = first_uri((document or {}).get("inbox"))
        if not inbox:
            raise CannotDoError(f"{uri} cannot be fetched as an actor, so {resident.name} cannot reach it")
        self.activities[activity["id"]] = activity
        return await self.deliver(resident, activity, inbox)

    async def answer_request(self, resident: Resident, uri: str, *, granted: bool) -> None:
        """Grant or refuse a follow that waits."""
        follow = resident.requests.pop(uri, None) or resident.followers.pop(uri, None)
        if follow is None:
            raise CannotDoError(f"{uri} has not asked to follow {resident.name}")
        if granted:
            resident.followers[uri] = follow
        activity = self.accept(resident, follow) if granted else self.reject(resident, follow)
        await self.deliver_personally(resident, activity, uri)

    async def choose(self, resident: Resident, uri: str, options: tuple[str, ...]) -> None:
        """Vote in a poll: an activity for each option, as all servers do."""
        post = self.find_post(uri)
        question = post.document if post else await self.fetch(uri)
        if question is None or question.get("type") != "Question":
            raise CannotDoError(f"{uri} is not a poll that can be fetched")
        for option in options:
            vote = self.vote(resident, question, option)
            await self.tell(resident, vote, vote)

    async def pin(self, resident: Resident, post: Post) -> None:
        """Show a post at the top of the profile."""
        resident.pinned.append(post.uri)
        target = self.part(resident, "collections/featured")
        activity = self.activity("Add", resident, post.uri, target=target, to=[PUBLIC])
        await self.tell(resident, activity, post.document)

    async def block_somebody(self, resident: Resident, uri: str) -> None:
        """Block; both follows end."""
        resident.followers.pop(uri, None)
        resident.following.pop(uri, None)
        await self.deliver_personally(resident, self.block(resident, uri), uri)

    async def report(self, resident: Resident, uri: str, posts: tuple[str, ...], text: str) -> None:
        """Tell the server of somebody what they did."""
        reporter = self.reporter_of(resident)
        await self.deliver_personally(reporter, self.flag(reporter, [uri, *posts], text), uri)

    def reporter_of(self, resident: Resident) -> Resident:
        """Who signs a report: the server, so that nobody elsewhere knows who complained."""
        return next(iter(self.residents.values()))

    async def change(self, resident: Resident) -> None:
        """Tell everybody of a changed profile."""
        activity = self.update_actor(resident)
        await self.tell(resident, activity, activity, *resident.followers)

    async def move_to(self, resident: Resident, uri: str) -> None:
        """Go on as somebody else, and take the followers along."""
        resident.moved_to = uri
        activity = self.move(resident, uri)
        self.activities[activity["id"]] = activity
        await self.deliver_to(resident, activity, list(resident.followers))

    async def leave(self, resident: Resident) -> None:
        """Delete the account. Everybody who was ever met is told, as their servers may hold something."""
        activity = self.delete_actor(resident)
        people = dict.fromkeys([*resident.followers, *resident.following, *self.acquaintances()])
        del self.residents[resident.uri]
        for uri in [post.uri for post in self.posts.values() if post.author == resident.uri]:
            self.gone[uri] = self.with_context(self.tombstone(self.posts.pop(uri)))
        await self.deliver_to(resident, activity, list(people))
        self.gone[resident.uri] = self.with_context({"id": resident.uri, "type": "Tombstone"})

    def acquaintances(self) -> list[str]:
        """Actors elsewhere whose documents are kept here."""
        return list(self._actors)
