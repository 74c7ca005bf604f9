"""Once the world is quiet, every copy of a post says what its origin says, and is where it has to be.

Promises: each copy of a post at a running node has the origin's text and links, warning, sensitivity, language,
visibility, parent, files and poll options, and of an ended poll the final counts. Each post is at the nodes of all
whom its origin knew as followers when it was posted (direct ones excepted), of all whom it mentions, and of whom it
publicly answers.

Nothing is expected of an activity that the lab kept from arriving, or that was given up after the whole time for
which a node tries, or that a rule turned down for a reason that is true (see `excuses`). A copy is not expected to
follow edits if its origin was never told of it: it came by somebody else's boost or thread. Nodes that are down are
not looked at. Deleted posts are the matter of `deletions`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import orjson

from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.excuses import Excuses
from fediverse_node.lab.invariants.fates import Fate, How, fate_of
from fediverse_node.lab.invariants.reach import Reached, actor_uri_of
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.views import Row, View, home_of
from fediverse_node.lab.ledger import Ending, Said
from fediverse_node.storage.queries import comparing
from fediverse_node.storage.rows import policy_of

_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r'href="([^"]*)"')
_SAME = ("summary", "language", "visibility", "in_reply_to_uri", "options")


class Convergence:
    """Looked at when the world is quiet only: before, differences are in order."""

    name = "convergence"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def after_step(self, now: Now) -> Iterator[Finding]:
        """Nothing: what is on its way may differ."""
        yield from ()

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """All copies, and all that should be there."""
        excuses = Excuses(self._scene, now)
        for host, view in now.views.items():
            for uri, row in view.posts.items():
                origin = now.views.get(home_of(uri))
                if origin is not None and origin.host != host:
                    yield from self._copy(origin, view, row)
        for said in self._scene.ledger.said:
            origin = now.views.get(said.host)
            if origin is None or said.uri not in origin.posts or self._scene.ledger.is_deleted(said) is not None:
                continue
            # What waits for the approval of whom it answers has not been said to anybody else.
            if not is_held(origin.posts[said.uri]):
                yield from self._arrived(said, origin, now, excuses)

    def _copy(self, origin: View, there: View, copy: Row) -> Iterator[Finding]:
        uri = copy["uri"]
        source = origin.posts.get(uri)
        if source is None:
            return
        differs = list(_differences(source, copy))
        if not differs:
            return
        if differs == ["counts"]:
            if there.host not in self._told_of_result(origin, source):
                return
        elif there.host not in self._told_of_edit(origin, uri):
            return
        fate = last_update(self._scene, origin, uri, there.host)
        if fate is not None and fate.is_excused:
            return
        why = fate.sentence if fate is not None else "no Update of it was ever sent there"
        yield Finding(
            f"a copy differs in {differs[0]}",
            f"{there.host} has {uri} with another {', '.join(differs)} than {origin.host}: {why}",
            fate.exchanges if fate is not None else (),
            tuple(
                (f"{name} at {view.host}", _shown(row, name))
                for name in differs
                for view, row in ((origin, source), (there, copy))
            ),
        )

    def _told_of_edit(self, origin: View, uri: str) -> set[str]:
        """The hosts that the origin knew as having the post, when it was edited last."""
        said = self._scene.ledger.post(uri)
        edits = [act for act in self._scene.ledger.acts_of("edits") if act.target == uri]
        if said is None or not edits:
            # Never edited: then all have got the same document.
            return set(self._scene.nodes)
        around = self._scene.reach.around(edits[-1].number)
        hosts = {host for who, host in around.holders_before.items() if who in around.holders_after}
        if said.is_private:
            # Whoever answered it or passed it on may have no right to the new words.
            hosts = {who.rpartition("@")[2] for who in said.mentioned}
        return hosts | (set(around.followers.values()) if said.audience != "direct" else set())

    def _told_of_result(self, origin: View, source: Row) -> set[str]:
        """The hosts that the origin knew as having the question when it ended."""
        database = self._scene.database_of(origin.host)
        ended_ms = source["closed_ms"] or source["expires_ms"]
        if database is None or ended_ms is None:
            return set()
        followers = database.read(comparing.FOLLOWERS, uri=source["author_uri"]) if source["visibility"] < 3 else []
        rows = [(row["host"], row["created_ms"]) for row in followers] + [
            (row["host"], row["since_ms"]) for row in database.read(comparing.HOLDERS, uri=source["uri"])
        ]
        voters = {home_of(actor) for actor, question in origin.votes if question == source["uri"]}
        return voters | {host for host, since_ms in rows if since_ms < ended_ms}

    def _arrived(self, said: Said, origin: View, now: Now, excuses: Excuses) -> Iterator[Finding]:
        author = actor_uri_of(said.author)
        reached = self._scene.reach.around(said.posted)
        for host, why in self._wanted_at(said, origin, reached).items():
            there = now.views.get(host)
            if there is None or host == origin.host or said.uri in there.posts:
                continue
            fate = fate_of(self._scene, origin, f"{said.uri}/activity", host)
            if fate.how is How.NEVER_SENT:
                # Named only in an edit: then the edit brings it.
                fate = last_update(self._scene, origin, said.uri, host) or fate
            parent = self._scene.ledger.post(said.replying_to)
            others = [actor_uri_of(who) for who in said.mentioned if who.endswith(f"@{host}")]
            others += [actor_uri_of(parent.author)] if parent is not None else []
            about = (said.uri,)
            if excuses.accepts(fate, actor=author, others=tuple(others), about=about, reached=reached, host=host):
                continue
            yield Finding(
                "a post is missing",
                f"{host} does not have {said.uri}, though {why}: {fate.sentence}",
                fate.exchanges,
            )

    def _wanted_at(self, said: Said, origin: View, reached: Reached) -> dict[str, str]:
        """The hosts that have to have it, with the reason."""
        wanted: dict[str, str] = {}
        if self._scene.ledger.act(said.posted).ending is Ending.DONE and said.audience != "direct":
            for who, host in reached.followers.items():
                wanted.setdefault(host, f"{who} follows its author")
        for uri, who in sorted(origin.mentions):
            if uri == said.uri:
                wanted.setdefault(home_of(who), f"it mentions {who}")
        parent = self._scene.ledger.post(said.replying_to)
        if parent is not None and not said.is_private:
            wanted.setdefault(parent.host, f"it answers {parent.author}")
        return wanted


def is_held(post: Row) -> bool:
    """Whether a post waits for approval, or was not approved of."""
    policy = policy_of(post["policy"])
    return policy is not None and policy.held


def last_update(scene: Scene, origin: View, uri: str, host: str) -> Fate | None:
    """What became of the newest Update of a post that was to go to a host; None where there was none."""
    prefix = f"{uri}#updates/"
    rows = [(row["id"], key) for key, found in origin.receipts.items() for row in found if key[1] == host]
    ids = [(id_, activity) for id_, (activity, _) in rows if activity.startswith(prefix)]
    if ids:
        return fate_of(scene, origin, max(ids)[1], host)
    sent = [exchange for exchange in scene.traffic.telling(("Update",), uri, host) if exchange.sender == origin.host]
    return fate_of(scene, origin, sent[-1].activity.id, host) if sent else None


def _differences(source: Row, copy: Row) -> Iterator[str]:
    if source["type"] != copy["type"]:
        yield "type"
    if _text(source["content"]) != _text(copy["content"]):
        yield "text"
    if _links(source["content"]) != _links(copy["content"]):
        yield "links"
    yield from (name for name in _SAME if (source[name] or None) != (copy[name] or None))
    # Under a warning everything is sensitive on the wire.
    if bool(source["sensitive"] or source["summary"]) != bool(copy["sensitive"]):
        yield "sensitivity"
    if _files(source["attachments"]) != _files(copy["attachments"]):
        yield "files"
    if source["notified"] and (source["counts"], source["voters_count"]) != (copy["counts"], copy["voters_count"]):
        yield "counts"


def _text(content: str) -> str:
    return html.unescape(_TAG.sub("", content))


def _links(content: str) -> list[str]:
    return [html.unescape(link) for link in _LINK.findall(content)]


def _files(attachments: str) -> list[tuple[str, str]]:
    return [(str(item.get("type")), item.get("description") or "") for item in orjson.loads(attachments)]


def _shown(row: Row, name: str) -> str:
    columns = {"text": "content", "links": "content", "sensitivity": "sensitive", "files": "attachments"}
    return str(row[columns.get(name, name)])
