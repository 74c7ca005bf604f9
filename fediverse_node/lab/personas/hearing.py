"""What a persona makes of what it is told: follows are granted, posts are held, likes counted, what is gone forgotten.

Rules that differ between servers are asked of `judge`; what is here is what they have in common.
"""

from __future__ import annotations

from fediverse_node.lab.personas.drafts import PUBLIC, Arrived, Document, Post, all_uris, embedded, first_uri, objects
from fediverse_node.lab.personas.shapes import Shapes
from fediverse_node.lab.personas.town import Resident

POST_TYPES = ("Note", "Question", "Article", "Page", "Image", "Video", "Audio", "Event", "Document", "ChatMessage")
ACTOR_TYPES = ("Person", "Service", "Application", "Group", "Organization")


class Hearing(Shapes):
    """Handles activities whose sender is known."""

    # What a software overrides.

    def judge(self, activity: Document, signer: str) -> str:
        """Why this is not taken, in a sentence; "" if it is."""
        return ""

    def takes_post(self, document: Document) -> bool:
        """Whether this is a post that the software can show."""
        return document.get("type") in POST_TYPES

    def grants_follows(self, resident: Resident) -> bool:
        """Whether a follow of this resident is granted at once."""
        return not resident.locked

    # For judges.

    def is_followed(self, uri: str) -> bool:
        """Whether somebody here follows this actor."""
        return any(resident.following.get(uri) for resident in self.residents.values())

    def named_in(self, document: Document) -> list[str]:
        """Whom a post addresses or names."""
        return all_uris(document.get("to"), document.get("cc"), document.get("tag"))

    def is_for_us(self, document: Document) -> bool:
        """Whether somebody here is addressed or named."""
        return any(uri in self.residents for uri in self.named_in(document))

    def is_answer_to_us(self, document: Document) -> bool:
        """Whether it answers something that was said here."""
        return first_uri(document.get("inReplyTo")) in self.posts

    def is_public(self, document: Document) -> bool:
        """Whether everybody may see it."""
        return PUBLIC in all_uris(document.get("to"), document.get("cc"))

    # The way in.

    async def hear(self, heard: Arrived) -> None:
        """Do what follows from it; `heard.ignored` says why nothing did."""
        activity = heard.activity
        heard.ignored = self.judge(activity, heard.signer)
        if not heard.ignored:
            heard.ignored = await self.act_on(activity, heard.signer)

    async def act_on(self, activity: Document, signer: str) -> str:
        """What an activity of a type that is known here does; else why nothing follows."""
        match activity.get("type"):
            case "Follow":
                return self._hear_follow(activity, signer)
            case "Accept" | "Reject":
                return self._hear_answer(activity, signer)
            case "Create":
                return await self.hear_post(activity, signer)
            case "Update":
                return self._hear_update(activity, signer)
            case "Delete":
                return self._hear_delete(activity, signer)
            case "Like" | "EmojiReact":
                return self._hear_like(activity, signer)
            case "Announce":
                return await self.hear_announce(activity, signer)
            case "Undo":
                return self._hear_undo(activity, signer)
            case "Move":
                return await self._hear_move(activity, signer)
            case "Block":
                return self._hear_block(activity, signer)
            case "Flag":
                self.reports.append(activity)
                return ""
            case other:
                return f"{self.habits.software} does nothing with {other}"

    def _hear_follow(self, activity: Document, signer: str) -> str:
        resident = self.residents.get(first_uri(activity.get("object")))
        if resident is None:
            return "nobody of that name lives here"
        if not self.grants_follows(resident):
            resident.requests[signer] = activity
            return ""
        resident.followers[signer] = activity
        self.later(self._tell(resident, self.accept(resident, activity), signer))
        return ""

    async def _tell(self, resident: Resident, activity: Document, uri: str) -> None:
        self.activities[activity["id"]] = activity
        document = await self.actor(uri)
        inbox = first_uri((document or {}).get("inbox"))
        if inbox:
            await self.deliver(resident, activity, inbox)

    def _hear_answer(self, activity: Document, signer: str) -> str:
        follow = embedded(activity.get("object")) or self.activities.get(first_uri(activity.get("object")), {})
        resident = self.residents.get(first_uri(follow.get("actor")))
        if resident is None or signer not in resident.following:
            return "nobody here asked for that"
        if activity["type"] == "Accept":
            resident.following[signer] = True
        else:
            del resident.following[signer]
        return ""

    async def hear_post(self, activity: Document, signer: str) -> str:
        """A Create."""
        document = embedded(activity.get("object")) or await self.fetch(first_uri(activity.get("object")))
        if document is None:
            return "its object could not be had"
        if first_uri(document.get("attributedTo") or document.get("actor")) != signer:
            return "somebody else wrote it"
        question = self.posts.get(first_uri(document.get("inReplyTo")))
        if question is not None and document.get("name") and not document.get("content"):
            return self.count_vote(question, signer, str(document["name"]))
        return self.hold(document)

    def hold(self, document: Document) -> str:
        """Keep a post of somebody elsewhere."""
        if not self.takes_post(document):
            return f"{self.habits.software} cannot show {document.get('type')}"
        uri = first_uri(document)
        if uri not in self.held:
            self.held[uri] = Post(uri, first_uri(document.get("attributedTo")), document)
            parent = self.posts.get(first_uri(document.get("inReplyTo")))
            if parent is not None:
                parent.replies.append(uri)
        return ""

    def count_vote(self, question: Post, voter: str, option: str) -> str:
        """Somebody has chosen."""
        options = [item for key in ("oneOf", "anyOf") for item in objects(question.document.get(key))]
        chosen = next((item for item in options if isinstance(item, dict) and item.get("name") == option), None)
        already = question.votes.setdefault(voter, [])
        if chosen is None or option in already or (already and "oneOf" in question.document):
            return "that cannot be chosen, or not any more"
        already.append(option)
        chosen["replies"]["totalItems"] += 1
        if "votersCount" in question.document:
            question.document["votersCount"] = len(question.votes)
        return ""

    def _hear_update(self, activity: Document, signer: str) -> str:
        document = embedded(activity.get("object")) or {}
        uri = first_uri(document)
        if document.get("type") in ACTOR_TYPES:
            if uri != signer:
                return "only they themselves can say what they look like"
            self.remember_actor(document)
            return ""
        post = self.held.get(uri)
        if post is None or post.author != signer:
            return "there is no such post of theirs here"
        post.document, post.edits = document, post.edits + 1
        return ""

    def _hear_delete(self, activity: Document, signer: str) -> str:
        uri = first_uri(activity.get("object"))
        if uri == signer:
            self.forget(signer)
            return ""
        post = self.held.get(uri)
        if post is None or post.author != signer:
            return "there is no such post of theirs here"
        del self.held[uri]
        return ""

    def forget(self, uri: str) -> None:
        """Somebody is gone, with all they said and did."""
        self.held = {key: post for key, post in self.held.items() if post.author != uri}
        for resident in self.residents.values():
            for relation in (resident.followers, resident.following, resident.requests):
                relation.pop(uri, None)
        for post in self.posts.values():
            post.likes.pop(uri, None)
            post.boosts.pop(uri, None)

    def _hear_like(self, activity: Document, signer: str) -> str:
        post = self.find_post(first_uri(activity.get("object")))
        if post is None:
            return "there is no such post here"
        post.likes[signer] = str(activity.get("content") or activity.get("_misskey_reaction") or "")
        return ""

    async def hear_announce(self, activity: Document, signer: str) -> str:
        """Somebody passes something on."""
        uri = first_uri(activity.get("object"))
        post = self.find_post(uri)
        if post is None:
            document = await self.fetch(uri)
            if document is None:
                return "what is passed on could not be had"
            refusal = self.hold(document)
            if refusal:
                return refusal
            post = self.held[first_uri(document)]
        post.boosts[signer] = first_uri(activity)
        return ""

    def find_post(self, uri: str) -> Post | None:
        """A post by its URI, said here or held."""
        return self.posts.get(uri) or self.held.get(uri)

    def _hear_undo(self, activity: Document, signer: str) -> str:
        uri, inner = first_uri(activity.get("object")), embedded(activity.get("object")) or {}
        if inner and first_uri(inner.get("actor")) != signer:
            return "nobody can take back what others did"
        target = first_uri(inner.get("object"))
        resident = self.residents.get(target)
        if resident is not None:
            for relation in (resident.followers, resident.requests, resident.blocked_by):
                relation.pop(signer, None)
            return ""
        for each in self.residents.values():
            if first_uri(each.followers.get(signer)) == uri:
                del each.followers[signer]
                return ""
        for post in (*self.posts.values(), *self.held.values()):
            if inner.get("type") in ("Like", "EmojiReact") and post.uri == target:
                post.likes.pop(signer, None)
                return ""
            if post.boosts.get(signer) == uri or (inner.get("type") == "Announce" and post.uri == target):
                post.boosts.pop(signer, None)
                return ""
        return "there is nothing to take back"

    async def _hear_move(self, activity: Document, signer: str) -> str:
        target = first_uri(activity.get("target"))
        document = await self.actor(target, again=True)
        if document is None or signer not in all_uris(document.get("alsoKnownAs")):
            return "the new account does not name the old one"
        for resident in self.residents.values():
            if resident.following.pop(signer, None) is not None and target not in resident.following:
                resident.following[target] = False
                self.later(self._tell(resident, self.follow(resident, target), target))
        return ""

    def _hear_block(self, activity: Document, signer: str) -> str:
        resident = self.residents.get(first_uri(activity.get("object")))
        if resident is None:
            return "nobody of that name lives here"
        resident.blocked_by[signer] = first_uri(activity)
        resident.followers.pop(signer, None)
        resident.following.pop(signer, None)
        return ""
