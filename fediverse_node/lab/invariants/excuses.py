"""Which reasons that a rule gave are true: the person was blocked, the post was deleted, the follower had left.

A reason that was only recorded excuses nothing. Here it is held against what the people of the world did.
"""

from __future__ import annotations

from fediverse_node.domain.effects import Refusal
from fediverse_node.lab.invariants.fates import Fate, How, fate_of
from fediverse_node.lab.invariants.reach import Reached
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.views import address_of, home_of
from fediverse_node.transport.faults import FetchFault

_NOT_PERMITTED = Refusal.NOT_PERMITTED.sentence
_UNKNOWN_THERE = FetchFault.NOT_FOUND.sentence


class Excuses:
    """Answers for one look at the world."""

    def __init__(self, scene: Scene, now: Now) -> None:
        self.scene = scene
        self.now = now

    def are_blocked(self, one: str, other: str) -> bool:
        """Whether either of two actors ever blocked the other."""
        pair = {address_of(one), address_of(other)}
        return any({act.who, act.target} == pair for act in self.scene.ledger.acts_of("blocks"))

    def is_deleted(self, uri: str) -> bool:
        """Whether somebody took this post back, or may have, or its author is gone."""
        said = self.scene.ledger.post(uri)
        if said is not None and self.scene.ledger.is_deleted(said) is not None:
            return True
        origin = self.now.views.get(home_of(uri))
        return origin is not None and uri in origin.tombstones

    def has_left(self, follower: str, author: str) -> bool:
        """Whether a follower stopped reading an author at some time, or one of them moved."""
        who, whom = address_of(follower), address_of(author)
        for act in self.scene.ledger.acts_of("unfollows", "blocks", "moves"):
            if act.verb == "moves" and act.who in (who, whom):
                return True
            if (act.who, act.target) == (who, whom) or (act.verb == "blocks" and (act.who, act.target) == (whom, who)):
                return True
        return False

    def accepts(
        self,
        fate: Fate,
        *,
        actor: str,
        others: tuple[str, ...] = (),
        about: tuple[str, ...] = (),
        reached: Reached | None = None,
        host: str = "",
    ) -> bool:
        """Whether what became of an activity is in order.

        `others`: whom it meets, who may have blocked its actor. `about`: what it needs to be there. `reached`: who
        at `host` read the actor when it was sent.
        """
        if fate.is_excused:
            return True
        if fate.how is not How.TURNED_DOWN:
            return False
        readers = [uri for uri, at in reached.maybe_followers.items() if at == host] if reached else []
        return all(self._holds(reason, actor, others, about, readers) for reason in fate.reasons)

    def _holds(
        self, reason: str, actor: str, others: tuple[str, ...], about: tuple[str, ...], readers: list[str]
    ) -> bool:
        match reason:
            case "NOT_PERMITTED":
                return any(self.are_blocked(actor, other) for other in others) or self._is_cut_off(actor, others)
            case "DELETED" | "UNKNOWN_OBJECT":
                return any(self.is_deleted(uri) or self._is_lost(uri) for uri in about)
            case "NOT_RELEVANT":
                return all(self.has_left(reader, actor) or not self._reads(reader, actor) for reader in readers)
            case "UNKNOWN_ACTOR" | "SUSPENDED" | "KEY_GONE" | "IGNORED":
                return self._is_gone(actor)
            case _:
                return reason.startswith("ENDED") and any(
                    self.is_deleted(uri)
                    or (_NOT_PERMITTED in reason and self._answers_a_blocker(uri))
                    or (_UNKNOWN_THERE in reason and self._is_private(uri))
                    for uri in about
                )

    def _is_private(self, uri: str) -> bool:
        """Whether a post is served to nobody who asks for it: then a boost of it brings it to nobody new."""
        said = self.scene.ledger.post(uri)
        return said is not None and said.is_private

    def _answers_a_blocker(self, uri: str) -> bool:
        """Whether a post answers somebody who blocks its author, and so is not taken where that one lives."""
        said = self.scene.ledger.post(uri)
        parent = self.scene.ledger.post(said.replying_to) if said is not None else None
        if said is None or parent is None:
            return False
        return any((act.who, act.target) == (parent.author, said.author) for act in self.scene.ledger.acts_of("blocks"))

    def _reads(self, reader: str, author: str) -> bool:
        """Whether the reader's own node has heard that the follow is accepted. `agreement` tells where it has not."""
        home = self.now.views.get(home_of(reader))
        return home is None or home.follows.get((reader, author), (False, ""))[0]

    def _is_cut_off(self, actor: str, others: tuple[str, ...]) -> bool:
        """Whether the actor may not see any more what it saw: it followed one of the others, and does not now."""
        return any(self.has_left(actor, other) for other in others)

    def _is_gone(self, actor: str) -> bool:
        home = self.now.views.get(home_of(actor))
        return home is not None and home.is_gone(actor)

    def _is_lost(self, uri: str) -> bool:
        """Whether a post never came to be at its own origin."""
        origin = self.now.views.get(home_of(uri))
        return origin is not None and uri not in origin.posts and uri not in origin.announces

    def is_lost_on_the_way(self, uri: str, host: str) -> bool:
        """Whether the Create of a post had a good reason not to come to a host."""
        origin = self.now.views.get(home_of(uri))
        return origin is not None and fate_of(self.scene, origin, f"{uri}/activity", host).is_excused
