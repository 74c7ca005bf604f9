"""A persona: a small stand-in for another server software in a world, and its people, as a scenario calls them.

It speaks real HTTP and signs with real keys, by the recorded shapes and habits of that software. It stores in memory,
and takes time, chance, keys and network from its ports, so the same seed says the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from fediverse_node.lab.personas.drafts import Document, Draft, Poll, Post
from fediverse_node.lab.personas.serving import Serving
from fediverse_node.lab.personas.town import Resident

_VERBS = "likes follows boosts edits quotes asks votes reacts moves blocks reports pins attaches"
ALL_VERBS = frozenset(_VERBS.split())


class Addressed(Protocol):
    """Somebody or something with an address: a person or a post, of a persona, of a node of a world."""

    @property
    def uri(self) -> str: ...


What = Addressed | str


class Persona(Serving):
    """One server. `arrived` is what it was told and believes, `refused` what it does not, `held` what it keeps."""

    def person(self, name: str, *, locked: bool = False) -> Person:
        """Somebody who lives here; always the same for the same name."""
        found = next((each for each in self.residents.values() if each.name == name and each.kind == "Person"), None)
        return Person(self, found or self.settle_in(name, locked=locked))

    def person_of(self, resident: Resident) -> Person:
        """A resident with the verbs of a story."""
        return Person(self, resident)

    def settle_in(self, name: str, *, kind: str = "Person", locked: bool = False, owner: str = "") -> Resident:
        """A new resident, with a key of its own."""
        if not self.residents:
            self._found()
        uri = self.person_uri(name) if kind == "Person" else self.group_uri(name)
        return self._add(name, uri, kind=kind, locked=locked, owner=owner)

    def group_uri(self, name: str) -> str:
        """The id of a community or channel of this name."""
        return self.person_uri(name)

    def _found(self) -> None:
        self._add(self.instance_name(), self.instance_uri(), kind="Application")

    def _add(self, name: str, uri: str, *, kind: str, locked: bool = False, owner: str = "") -> Resident:
        key_id = f"{uri}{self.habits.signing.key_fragment}"
        resident = Resident(name, uri, self.keys(), key_id, kind=kind, locked=locked, owner=owner)
        self.residents[uri] = resident
        self.aliases[self.page_of(resident)] = uri
        return resident

    @property
    def server(self) -> Person:
        """The server's own actor: it signs fetches and reports, and on some servers it follows and shares."""
        if not self.residents:
            self._found()
        return Person(self, next(iter(self.residents.values())))

    def app(self) -> web.Application:
        """What is served under the host name of this persona."""
        if not self.residents:
            self._found()
        return self.make_app()

    def sees(self, text: str) -> bool:
        """Whether something that is held here, from elsewhere, says this."""
        return any(text in post.text for post in self.held.values())

    def told(self, *types: str) -> list[Document]:
        """The activities of these types that came with good signatures and were taken."""
        return [each.activity for each in self.arrived if not each.ignored and each.activity.get("type") in types]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a persona, with the verbs of a story. Posts are named by what a verb returned, or by their URI."""

    home: Persona
    resident: Resident

    @property
    def uri(self) -> str:
        """The id of this actor."""
        return self.resident.uri

    @property
    def name(self) -> str:
        """The user name."""
        return self.resident.name

    @property
    def handle(self) -> str:
        """name@host."""
        return f"{self.resident.name}@{self.home.handle_host}"

    @property
    def address(self) -> str:
        """The same, as people of a world are asked for it."""
        return self.handle

    def sees(self, text: str) -> bool:
        """Whether something says this that is by somebody they follow, or for them, or answers them."""
        return any(
            text in post.text
            and (self.resident.following.get(post.author) or self.uri in self.home.named_in(post.document))
            for post in self.home.held.values()
        )

    async def posts(
        self,
        text: str,
        *,
        to: str = "public",
        mentions: Iterable[What] = (),
        warning: str = "",
        pictures: Iterable[str] = (),
        hashtags: Iterable[str] = (),
        poll: Poll | None = None,
        title: str = "",
        link: str = "",
        group: str = "",
    ) -> Post:
        """Say something. `to`: public, unlisted, followers or direct. `pictures`: what is on them."""
        for verb, wanted in (("asks", poll), ("attaches", tuple(pictures))):
            if wanted:
                self.home.must_have(verb)
        draft = Draft(
            text=text,
            to=to,
            mentions=tuple(map(_uri, mentions)),
            warning=warning,
            pictures=tuple(pictures),
            hashtags=tuple(hashtags),
            poll=poll,
            title=title,
            link=link,
            group=group,
        )
        return await self.home.post(self.resident, draft)

    async def replies(self, post: What, text: str, *, to: str = "public") -> Post:
        """Answer a post; its author is named."""
        return await self.home.post(self.resident, Draft(text=text, to=to, reply_to=_uri(post)))

    async def quotes(self, post: What, text: str) -> Post:
        """Say something about a post, with the post in it."""
        self.home.must_have("quotes")
        return await self.home.post(self.resident, Draft(text=text, quote=_uri(post)))

    async def revokes(self, post: What) -> None:
        """Agree no longer to being quoted in a post."""
        await self.home.revoke(self.resident, _uri(post))

    async def edits(self, post: Post, text: str) -> Post:
        """Say it otherwise."""
        self.home.must_have("edits")
        return await self.home.edit(self.resident, post, text)

    async def deletes(self, post: Post) -> None:
        """Take it away."""
        await self.home.remove(self.resident, post)

    async def likes(self, post: What) -> None:
        """Favour a post."""
        self.home.must_have("likes")
        await self.home.favour(self.resident, _uri(post), "")

    async def reacts(self, post: What, emoji: str) -> None:
        """Answer a post with an emoji."""
        self.home.must_have("reacts")
        await self.home.favour(self.resident, _uri(post), emoji)

    async def unlikes(self, post: What) -> None:
        """Take a like or a reaction back."""
        await self.home.take_back(self.resident, ("Like", "EmojiReact"), _uri(post))

    async def boosts(self, post: What) -> None:
        """Pass a post on."""
        self.home.must_have("boosts")
        await self.home.pass_on(self.resident, _uri(post))

    async def unboosts(self, post: What) -> None:
        """Take that back."""
        await self.home.take_back(self.resident, ("Announce",), _uri(post))

    async def follows(self, who: What) -> None:
        """Ask to follow somebody; `is_following` says when it was granted."""
        self.home.must_have("follows")
        await self.home.follow_somebody(self.resident, _uri(who))

    def is_following(self, who: What) -> bool:
        """Whether a follow was granted."""
        return self.resident.following.get(_uri(who), False)

    def is_followed_by(self, who: What) -> bool:
        """Whether somebody follows them."""
        return _uri(who) in self.resident.followers

    async def unfollows(self, who: What) -> None:
        """Follow somebody no longer."""
        await self.home.take_back(self.resident, ("Follow",), _uri(who))

    async def accepts(self, who: What) -> None:
        """Grant a follow that waits."""
        await self.home.answer_request(self.resident, _uri(who), granted=True)

    async def rejects(self, who: What) -> None:
        """Refuse a follow, or end it."""
        await self.home.answer_request(self.resident, _uri(who), granted=False)

    async def votes(self, question: What, *options: str) -> None:
        """Choose in a poll."""
        self.home.must_have("votes")
        await self.home.choose(self.resident, _uri(question), options)

    async def blocks(self, who: What) -> None:
        """Have nothing to do with somebody any more."""
        self.home.must_have("blocks")
        await self.home.block_somebody(self.resident, _uri(who))

    async def unblocks(self, who: What) -> None:
        """Take that back."""
        await self.home.take_back(self.resident, ("Block",), _uri(who))

    async def reports(self, who: What, *posts: What, text: str) -> None:
        """Tell the moderators of somebody's server."""
        self.home.must_have("reports")
        await self.home.report(self.resident, _uri(who), tuple(map(_uri, posts)), text)

    async def pins(self, post: Post) -> None:
        """Show an own post at the top of the profile."""
        self.home.must_have("pins")
        await self.home.pin(self.resident, post)

    async def is_called(self, title: str, *, summary: str = "") -> None:
        """Change the profile, and tell the followers."""
        self.resident.title, self.resident.summary = title, summary
        await self.home.change(self.resident)

    def is_also(self, who: What) -> None:
        """Name another account as the same person, so that it may move here."""
        self.resident.also_known_as.append(_uri(who))

    async def moves(self, who: What) -> None:
        """Go on as somebody else, who must have said that they are the same."""
        self.home.must_have("moves")
        await self.home.move_to(self.resident, _uri(who))

    async def leaves(self) -> None:
        """Delete the account."""
        await self.home.leave(self.resident)


def _uri(what: What) -> str:
    return what if isinstance(what, str) else what.uri
