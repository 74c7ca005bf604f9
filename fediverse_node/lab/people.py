"""People of a world, who act through their app and say what they see: the words in which scenarios are written."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.app_client import AppClient
from fediverse_node.lab.ledger import Ledger, Said, Wording, named_in
from fediverse_node.storage.queries import looking
from fediverse_node.storage.statement import Statement

_TAG = re.compile(r"<[^>]*>")
# What scenarios say, and what Mastodon's API calls it.
AUDIENCES = {"public": "public", "unlisted": "unlisted", "followers": "private", "direct": "direct"}


class Unknown(NodeError):
    """Somebody acts on something that their node does not have."""


class Readable(Protocol):
    """A database to look into."""

    def read(self, statement: Statement, /, **values: Any) -> list[Any]: ...


class Home(Protocol):
    """The node of a person, as far as they know it."""

    host: str

    @property
    def database(self) -> Readable: ...


@dataclass(frozen=True, slots=True)
class Post:
    """Something said: its address everywhere, and by whom."""

    uri: str
    author: str  # "alice@alpha.test"
    text: str
    audience: str


class Person:
    """Somebody at a node, signed in with an app. All verbs raise `Refused` when the node says no."""

    def __init__(
        self, name: str, home: Home, *, token: str, apps: AppClient, base_url: str, ledger: Ledger | None = None
    ) -> None:
        self.name = name
        self.home = home
        self.token = token
        self.ledger = ledger if ledger is not None else Ledger()
        self._apps = apps
        self._base_url = base_url

    def __repr__(self) -> str:
        return f"<{self.address}>"

    @property
    def address(self) -> str:
        """alice@alpha.test"""
        return f"{self.name}@{self.home.host}"

    @property
    def uri(self) -> str:
        """The actor's id."""
        return f"https://{self.home.host}/users/{self.name}"

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """Any method of the client API: `await alice.ask("GET", "/api/v1/timelines/home")`."""
        return await self._apps.ask(
            self.address, method, f"{self._base_url}{path}", token=self.token, body=body or None
        )

    async def posts(
        self,
        text: str,
        *,
        to: str = "public",
        mentioning: Sequence[Person] = (),
        replying_to: Post | None = None,
        quoting: Post | None = None,
        may_quote: str | None = None,
        may_reply: Mapping[str, Sequence[str]] | None = None,
        warning: str | None = None,
        poll: Sequence[str] | None = None,
        poll_open_s: int = 3600,
    ) -> Post:
        """Say something to `to`: public, unlisted, followers or direct.

        `may_quote`: public, followers or nobody. `may_reply`: {"always": [...], "with_approval": [...]}.
        """
        names = "".join(f"@{person.address} " for person in mentioning)
        answered = await self._local_id(replying_to) if replying_to is not None else None
        more: dict[str, Any] = {}
        if quoting is not None:
            more["quoted_status_id"] = await self._local_id(quoting)
        if may_quote is not None:
            more["quote_approval_policy"] = may_quote
        if may_reply is not None:
            more["interaction_policy"] = {"can_reply": {name: list(words) for name, words in may_reply.items()}}
        said = Said(
            self.address,
            to,
            [Wording(names + text, warning or "", tuple(poll or ()))],
            named_in(names + text),
            replying_to.uri if replying_to is not None else "",
        )
        with self.ledger.saying(said):
            status = await self.ask(
                "POST",
                "/api/v1/statuses",
                status=names + text,
                visibility=AUDIENCES[to],
                in_reply_to_id=answered,
                spoiler_text=warning,
                poll={"options": list(poll), "expires_in": poll_open_s} if poll else None,
                **more,
            )
            said.uri = status["uri"]
        return Post(status["uri"], self.address, text, to)

    async def replies(
        self, post: Post, text: str, *, to: str | None = None, mentioning: Sequence[Person] | None = None
    ) -> Post:
        """Answer a post, to the same audience if nothing else is said. Its author is mentioned."""
        author = Mentioned(post.author)
        others = [author, *(mentioning or ())] if post.author != self.address else list(mentioning or ())
        return await self.posts(text, to=to or post.audience, mentioning=others, replying_to=post)  # type: ignore[arg-type]

    async def quotes(self, post: Post, text: str, *, to: str = "public", mentioning: Sequence[Person] = ()) -> Post:
        """Say something about a post that stands below it."""
        return await self.posts(text, to=to, mentioning=mentioning, quoting=post)

    async def revokes(self, quoting: Post) -> None:
        """Agree no longer to an own post being quoted in that one."""
        id_ = await self._local_id(quoting)
        quote = (await self.ask("GET", f"/api/v1/statuses/{id_}"))["quote"]
        if quote is None or quote["quoted_status"] is None:
            raise Unknown(f"{self.address} sees no quote in {quoting.uri}")
        with self.ledger.doing(self.address, "revokes", quoting.uri):
            await self.ask("POST", f"/api/v1/statuses/{quote['quoted_status']['id']}/quotes/{id_}/revoke")

    async def edits(self, post: Post, text: str) -> Post:
        """Change one's own post; whom it mentions stays."""
        id_ = await self._local_id(post)
        source = (await self.ask("GET", f"/api/v1/statuses/{id_}/source"))["text"]
        names = " ".join(word for word in source.split() if word.startswith("@") and word.count("@") == 2)
        wording = f"{names} {text}".strip()
        with self.ledger.rewording(self.address, post.uri, wording):
            await self.ask("PUT", f"/api/v1/statuses/{id_}", status=wording)
        return Post(post.uri, post.author, text, post.audience)

    async def deletes(self, post: Post) -> None:
        """Take one's own post back."""
        id_ = await self._local_id(post)
        with self.ledger.deleting(self.address, post.uri):
            await self.ask("DELETE", f"/api/v1/statuses/{id_}")

    async def likes(self, post: Post) -> None:
        """Like a post."""
        await self._on(post, "likes", "/favourite")

    async def unlikes(self, post: Post) -> None:
        """Take the like back."""
        await self._on(post, "unlikes", "/unfavourite")

    async def reacts(self, post: Post, emoji: str) -> None:
        """Say something about a post with one emoji."""
        id_ = await self._local_id(post)
        with self.ledger.doing(self.address, "reacts", post.uri, emoji):
            await self.ask("PUT", f"/api/v1/pleroma/statuses/{id_}/reactions/{quote(emoji)}")

    async def unreacts(self, post: Post, emoji: str) -> None:
        """Take that back."""
        id_ = await self._local_id(post)
        with self.ledger.doing(self.address, "unreacts", post.uri, emoji):
            await self.ask("DELETE", f"/api/v1/pleroma/statuses/{id_}/reactions/{quote(emoji)}")

    async def boosts(self, post: Post) -> None:
        """Pass a post on to one's followers."""
        await self._on(post, "boosts", "/reblog")

    async def unboosts(self, post: Post) -> None:
        """Take that back."""
        await self._on(post, "unboosts", "/unreblog")

    async def votes(self, post: Post, *choices: int) -> None:
        """Vote in a poll."""
        status = await self.ask("GET", f"/api/v1/statuses/{await self._local_id(post)}")
        with self.ledger.doing(self.address, "votes", post.uri, *map(str, choices)):
            await self.ask("POST", f"/api/v1/polls/{status['poll']['id']}/votes", choices=list(choices))

    async def follows(self, other: Person) -> None:
        """Ask to follow somebody."""
        await self._with(other, "follow")

    async def unfollows(self, other: Person) -> None:
        """Follow no more."""
        await self._with(other, "unfollow")

    async def blocks(self, other: Person) -> None:
        """Have nothing to do with somebody."""
        await self._with(other, "block")

    async def unblocks(self, other: Person) -> None:
        """Take that back."""
        await self._with(other, "unblock")

    async def keeps_away_from(self, host: str) -> None:
        """Want nothing of a whole host."""
        with self.ledger.doing(self.address, "keeps away from", host):
            await self.ask("POST", "/api/v1/domain_blocks", domain=host)

    async def mutes(self, other: Person) -> None:
        """Hear somebody no more."""
        await self._with(other, "mute")

    async def unmutes(self, other: Person) -> None:
        """Hear somebody again."""
        await self._with(other, "unmute")

    async def looks_at(self, post: Post) -> Any:
        """The post as this person's app gets it: a Status of the client API, with its counts."""
        return await self.ask("GET", f"/api/v1/statuses/{await self._local_id(post)}")

    async def reads_thread(self, post: Post) -> Any:
        """The thread around a post as this person's app gets it: a Context of the client API."""
        return await self.ask("GET", f"/api/v1/statuses/{await self._local_id(post)}/context")

    async def is_following(self, other: Person) -> bool:
        """Whether this person's node knows them as an accepted follower of somebody."""
        [found] = await self.ask("GET", f"/api/v1/accounts/relationships?id[]={await self.looks_up(other)}")
        return bool(found["following"])

    async def looks_up(self, other: Person) -> str:
        """The id of somebody's account at this person's node, fetched where it is not known yet."""
        rows = self.home.database.read(looking.ACTOR, actor_uri=other.uri)
        if rows:
            return str(rows[0]["id"])
        found = await self.ask("GET", f"/api/v2/search?type=accounts&resolve=true&q=%40{other.address}")
        for account in found["accounts"]:
            if account["uri"] == other.uri:
                return str(account["id"])
        raise Unknown(f"{self.address} finds no {other.address}")

    def sees(self, what: Post | str) -> bool:
        """Whether this person's app shows it unasked: at home, as a notification, in a private conversation.

        A text is looked for in what is said; of a post it is asked whether it is there as it now is.
        """
        if isinstance(what, Post):
            return any(row["uri"] == what.uri and what.text in _plain(row["content"]) for row in self._shown())
        return any(what in _plain(row["content"]) for row in self._shown())

    def has(self, post: Post) -> bool:
        """Whether this person's node holds the post in any version."""
        return bool(self.home.database.read(looking.ONE, object_uri=post.uri))

    def sees_texts(self) -> list[str]:
        """All texts this person's app shows unasked, newest first: for a message when something is missing."""
        return [_plain(row["content"]) for row in self._shown()]

    def _shown(self) -> list[Any]:
        return self.home.database.read(looking.SHOWN, actor_uri=self.uri)

    async def _on(self, post: Post, verb: str, method: str) -> None:
        id_ = await self._local_id(post)
        with self.ledger.doing(self.address, verb, post.uri):
            await self.ask("POST", f"/api/v1/statuses/{id_}{method}")

    async def _with(self, other: Person, method: str) -> None:
        id_ = await self.looks_up(other)
        with self.ledger.doing(self.address, f"{method}s", other.address):
            await self.ask("POST", f"/api/v1/accounts/{id_}/{method}")

    async def _local_id(self, post: Post) -> str:
        rows = self.home.database.read(looking.ONE, object_uri=post.uri)
        if rows:
            return str(rows[0]["id"])
        found = await self.ask("GET", f"/api/v2/search?type=statuses&resolve=true&q={post.uri}")
        for status in found["statuses"]:
            if status["uri"] == post.uri:
                return str(status["id"])
        raise Unknown(f"{self.address} cannot find {post.uri}")


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Somebody who is only named."""

    address: str


def _plain(content: str) -> str:
    return html.unescape(_TAG.sub("", content.replace("<br", "\n<br").replace("</p><p", "</p>\n\n<p")))
