"""Deleted means gone, wherever the origin knew the post to be, and it stays gone.

Promises, at quiet: a deleted post is at no running node that its origin knew as having it (followers of its author,
those named in it, those who boosted or answered it); its private words stand in no living row of any database (posts,
versions, notifications, what waits to be sent); and nothing hangs on a row that is not there any more. After every
step: what was seen deleted at a node, and was gone there, does not come back.

Excepted: a host for which the Delete was lost to the lab's faults, or given up after the whole time for which a node
tries; and copies of which the origin was never told, because they came by somebody else's boost or thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.changes import Changes
from fediverse_node.lab.invariants.excuses import Excuses
from fediverse_node.lab.invariants.fates import fate_of
from fediverse_node.lab.invariants.reach import actor_uri_of
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.spellings import Needle, phrase_of
from fediverse_node.lab.invariants.views import View
from fediverse_node.lab.ledger import Act, Ending, Said
from fediverse_node.storage.queries import comparing


class Deletions:
    """Remembers what was gone where."""

    name = "deletions"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._changes = Changes()
        self._gone: dict[str, dict[str, None]] = {}  # host -> posts that were deleted and are not there

    def after_step(self, now: Now) -> Iterator[Finding]:
        """Nothing has come back."""
        deleted = [said.uri for said in self._scene.ledger.said if said.deleted and self._is_gone_at_home(said)]
        if not deleted:
            return
        for host, node in self._scene.nodes.items():
            if not self._changes.is_new(host, node.database):
                continue
            here = {row["uri"]: None for row in node.database.read(comparing.PRESENT, uris=deleted)}
            gone = self._gone.setdefault(host, {})
            for uri in here:
                if uri in gone:
                    del gone[uri]
                    numbers = self._bringing(uri, host)
                    yield Finding("a deleted post came back", f"{uri} was deleted, and is at {host} again", numbers)
            buried = node.database.read(comparing.BURIED, uris=[uri for uri in deleted if uri not in here])
            gone.update(dict.fromkeys(row["uri"] for row in buried))

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """Everything is gone that has to be."""
        excuses = Excuses(self._scene, now)
        kept: dict[str, None] = {}
        for said in self._scene.ledger.said:
            if said.uri and self._scene.ledger.is_deleted(said) is Ending.DONE:
                yield from self._left_over(said, now, excuses, kept)
        yield from self._words(now, kept)
        for host in now.views:
            for row in self._scene.nodes[host].database.read(comparing.ORPHANS):
                yield Finding(
                    f"an orphan in {row['what']}",
                    f"{row['what']} of {host} names {row['which']}, which is not there any more",
                )

    def _is_gone_at_home(self, said: Said) -> bool:
        return bool(said.uri) and self._scene.ledger.is_deleted(said) is Ending.DONE

    def _left_over(self, said: Said, now: Now, excuses: Excuses, kept: dict[str, None]) -> Iterator[Finding]:
        origin = now.views.get(said.host)
        for host, view in now.views.items():
            if said.uri not in view.posts:
                continue
            kept[f"{host} {said.uri}"] = None
            if host == said.host:
                yield Finding(
                    "a deleted post is at home", f"{host} told {said.author} that {said.uri} is deleted, and has it"
                )
                continue
            if origin is None or host not in self._told(said, host):
                continue
            fate = fate_of(self._scene, origin, f"{said.uri}#delete", host)
            if not excuses.accepts(fate, actor=actor_uri_of(said.author)):
                yield Finding(
                    "a deleted post is left over",
                    f"{said.uri} was deleted, and {host} still has it: of the Delete: {fate.sentence}",
                    fate.exchanges,
                )

    def _told(self, said: Said, host: str) -> set[str]:
        """The hosts that the origin knew as having it when it was deleted."""
        done = [number for number in said.deleted if self._scene.ledger.act(number).ending is Ending.DONE]
        reached = self._scene.reach.around(done[-1])
        followers = set(reached.followers.values()) if said.audience != "direct" else set()
        act = self._scene.ledger.act(done[-1])
        return followers | {host for host in reached.holders_before.values() if not self._takes_back(host, said, act)}

    def _takes_back(self, host: str, said: Said, act: Act) -> bool:
        """Whether a host took back its boost or answer at this very moment: then nobody knows which came first."""
        return any(
            exchange.sender == host
            and exchange.receiver == said.host
            and exchange.activity.type in ("Undo", "Delete")
            and exchange.at_ms <= act.ended_ms
            and exchange.at_ms + exchange.took_ms >= act.at_ms
            for exchange in self._scene.world.recording
        )

    def _words(self, now: Now, kept: dict[str, None]) -> Iterator[Finding]:
        """The words of deleted private posts, looked for in all living rows."""
        gone: dict[str, Said] = {}
        living: list[str] = []
        for said in self._scene.ledger.said:
            is_gone = self._scene.ledger.is_deleted(said) is Ending.DONE
            texts = [text for wording in said.wordings for text in wording.texts()]
            if is_gone and said.is_private:
                phrases = (phrase_of(text) for text in texts)
                gone.update({phrase: said for phrase in phrases if phrase is not None})
            elif not is_gone:
                living += texts
        looked_for = [phrase for phrase in gone if not any(phrase in text for text in living)]
        if not looked_for:
            return
        for host in now.views:
            wanted = [phrase for phrase in looked_for if f"{host} {gone[phrase].uri}" not in kept]
            for what, phrase in self._standing(now.views[host], wanted):
                yield Finding(
                    f"deleted words in {what}",
                    f"{gone[phrase].author} deleted {gone[phrase].uri}, and its words stand in {what} of {host}",
                    details=(("words", phrase),),
                )

    def _standing(self, view: View, phrases: list[str]) -> Iterator[tuple[str, str]]:
        database = self._scene.nodes[view.host].database
        needles = {phrase: Needle(phrase) for phrase in phrases}
        spelt = {spelling.decode(): phrase for phrase, needle in needles.items() for spelling in needle.spellings}
        for row in database.read(comparing.TEXTS, needles=list(spelt)):
            yield row["what"], spelt[row["needle"]]
        for row in database.read(comparing.BODIES):
            for phrase, needle in needles.items():
                if needle.stands_in(bytes(row["body"])):
                    yield row["what"], phrase

    def _bringing(self, uri: str, host: str) -> tuple[int, ...]:
        told = self._scene.traffic.telling(("Create", "Update", "Announce"), uri, host)
        return tuple(exchange.number for exchange in told[-1:])
