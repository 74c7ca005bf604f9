"""What was answered 2xx is there, through crashes, restarts and full disks.

Promises, at quiet: whatever a person's app was told is done, is there (a post with its newest wording, a like, a
follow, a block, a vote), or was undone by somebody later. And each activity that an inbox took has had its effect
there, or was turned down by a rule with a recorded reason, or was undone later; what was kept until the network
answered is not lost without a word.

Where an act and its opposite came so close that nobody can tell which was last, nothing is promised but one of the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from fediverse_node.base.clock import to_ms
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.excuses import Excuses
from fediverse_node.lab.invariants.fates import outcomes_of, settled_s
from fediverse_node.lab.invariants.reach import actor_uri_of
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.traffic import described, inner_of, is_delivery, is_reaction, took_it
from fediverse_node.lab.invariants.views import View, address_of
from fediverse_node.lab.ledger import Act, Ending, Said

# A verb, what it does, and whether it does or undoes it.
_VERBS = {
    "likes": ("like", True),
    "unlikes": ("like", False),
    "boosts": ("boost", True),
    "unboosts": ("boost", False),
    "follows": ("follow", True),
    "unfollows": ("follow", False),
    "blocks": ("block", True),
    "unblocks": ("block", False),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is so at a host from some moment on, because somebody was told it was done."""

    key: tuple[str, str, str]  # what, actor, object
    is_there: bool
    began_s: float
    ended_s: float
    exchange: Exchange | None = None
    act: Act | None = None
    is_certain: bool = True  # else it came, and nobody was told what came of it

    @property
    def sentence(self) -> str:
        """Who was told what."""
        if self.act is not None:
            return f"{self.act.who} was told that this is done: {self.act.verb} {self.act.target}"
        return f"this was taken: {described(self.exchange)}" if self.exchange is not None else ""


class Accepted:
    """Collects what was promised while it happens, and compares it at quiet."""

    name = "accepted"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._taken: dict[int, Exchange] = {}
        # What came, and was not answered: it may have had its effect, and at any time since.
        self._perhaps: dict[int, Exchange] = {}

    def after_step(self, now: Now) -> Iterator[Finding]:
        """Only take note."""
        for exchange in now.changed:
            if is_delivery(exchange) and exchange.receiver in self._scene.nodes:
                if took_it(exchange):
                    self._taken[exchange.number] = exchange
                elif exchange.steps and exchange.answer is None:
                    self._perhaps[exchange.number] = exchange
        yield from ()

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """All that was promised."""
        excuses = Excuses(self._scene, now)
        claims: dict[str, dict[tuple[str, str, str], list[Claim]]] = {}
        for exchange in self._taken.values():
            view = now.views.get(exchange.receiver)
            if view is None:
                continue
            outcomes = list(outcomes_of(self._scene, exchange))
            if "UNRECORDED" in outcomes:
                yield from self._unrecorded(exchange, view)
            elif outcomes[0] in ("", "ACCEPTED"):
                for claim in self._claims(exchange):
                    claims.setdefault(exchange.receiver, {}).setdefault(claim.key, []).append(claim)
        for number, exchange in self._perhaps.items():
            if number not in self._taken:
                for claim in self._claims(exchange):
                    perhaps = replace(claim, ended_s=math.inf, is_certain=False)
                    claims.setdefault(exchange.receiver, {}).setdefault(claim.key, []).append(perhaps)
        for act in self._scene.ledger.acts:
            self._add_act(act, now, claims)
        for host, found in claims.items():
            view = now.views.get(host)
            if view is not None:
                for key, history in found.items():
                    yield from self._kept(view, key, history, excuses)
        for said in self._scene.ledger.said:
            view = now.views.get(said.host)
            if view is not None:
                yield from self._wording(said, view)

    def _unrecorded(self, exchange: Exchange, view: View) -> Iterator[Finding]:
        waits = any(
            step.name == "inbox.staged" and dict(step.detail).get("staged") in view.staged for step in exchange.steps
        )
        # A node that dies at its commit does what it says, and tells nobody.
        from_s, until_s = self._scene.seconds_of(exchange.at_ms), self._scene.world.time_s
        has_died = self._scene.happened(exchange.receiver, ("crashed",), from_s=from_s, until_s=until_s)
        if not waits and not has_died:
            yield Finding(
                "taken, and lost without a word",
                f"{exchange.receiver} answered {exchange.status}, and nothing tells what became of it: "
                f"{described(exchange)}",
                (exchange.number,),
            )

    # What was promised

    def _claims(self, exchange: Exchange) -> Iterator[Claim]:
        about = exchange.activity
        began_s, ended_s = self._scene.seconds_of(exchange.at_ms), settled_s(self._scene, exchange)

        def claim(what: str, actor: str, object_: str, *, is_there: bool = True) -> Claim:
            return Claim((what, actor, object_), is_there, began_s, ended_s, exchange)

        type_, actor, object_ = inner_of(exchange)
        match about.type:
            # A reaction is no like of its own, and what a group passes on is told by whoever did it.
            case "Like" | "Undo" if is_reaction(exchange):
                return
            case "Announce" if type_ and actor and object_:
                return
            case "Create":
                name = ((exchange.request.document or {}).get("object") or {}).get("name")
                is_vote = name is not None and about.object_type == "Note" and about.in_reply_to
                yield claim("vote", about.actor, about.in_reply_to) if is_vote else claim("post", "", about.object_id)
            case "Update" if about.object_id != about.actor:
                yield claim("version", "", about.object_id)
            case "Delete" if about.object_id != about.actor:
                yield claim("post", "", about.object_id, is_there=False)
            case "Like" | "Follow" | "Block":
                yield claim(about.type.lower(), about.actor, about.object_id)
            case "Announce":
                yield claim("boost", about.actor, about.object_id)
            case "Accept" if type_ == "Follow":
                yield claim("follow", actor, object_)
            case "Reject" if type_ == "Follow":
                yield claim("follow", actor, object_, is_there=False)
            case "Undo" if type_ in ("Like", "Follow", "Block"):
                yield claim(type_.lower(), actor, object_, is_there=False)
            case "Undo" if type_ == "Announce":
                yield claim("boost", actor, object_, is_there=False)
            case "Move":
                yield claim("move", about.actor, "")
        if about.type == "Block":
            # It ends the follows between the two, in both directions.
            yield claim("follow", about.actor, about.object_id, is_there=False)
            yield claim("follow", about.object_id, about.actor, is_there=False)

    def _add_act(self, act: Act, now: Now, claims: dict[str, dict[tuple[str, str, str], list[Claim]]]) -> None:
        view = now.views.get(act.host)
        if view is None or not act.may_count or act.verb not in (*_VERBS, "votes", "deletes"):
            return
        actor = actor_uri_of(act.who)
        target = act.target if "/" in act.target else view.uri_of(act.target)
        what, is_there = _VERBS.get(act.verb, ("", True))
        began_s, ended_s = self._scene.seconds_of(act.at_ms), self._scene.seconds_of(act.ended_ms)
        keys = [((what, actor, target), is_there)] if what else []
        if act.verb == "votes":
            keys = [(("vote", actor, target), True)]
        elif act.verb == "deletes":
            keys = [(("post", "", target), False)]
        elif act.verb == "blocks":
            keys += [(("follow", actor, target), False), (("follow", target, actor), False)]
        for key, there in keys:
            claim = Claim(key, there, began_s, ended_s, act=act)
            claims.setdefault(act.host, {}).setdefault(key, []).append(claim)

    # Whether it was kept

    def _kept(self, view: View, key: tuple[str, str, str], history: list[Claim], excuses: Excuses) -> Iterator[Finding]:
        last = _last(history)
        if last is None or (last.act is not None and last.act.ending is not Ending.DONE):
            return
        is_there = _IS_THERE[key[0]](view, key) if key[0] in _IS_THERE else last.is_there
        if key[0] == "version":
            yield from self._version(view, history)
            return
        if is_there == last.is_there or self._was_undone(view, key, last, excuses):
            return
        what = "is not there" if last.is_there else "is there again"
        yield Finding(
            f"a {key[0]} that was accepted {what}",
            f"the {key[0]} {' '.join(part for part in key[1:] if part)} {what} at {view.host}, though {last.sentence}",
            (last.exchange.number,) if last.exchange is not None else (),
        )

    def _was_undone(self, view: View, key: tuple[str, str, str], last: Claim, excuses: Excuses) -> bool:
        what, actor, object_ = key
        if not last.is_there:
            # A deleted post that is there is the matter of `deletions`; a follow comes back by an Accept alone.
            return what == "post"
        if any(view.is_gone(uri) for uri in (actor, object_)):
            return True
        if what == "post":
            return object_ in view.tombstones
        if what in ("like", "boost", "vote"):
            return object_ not in view.posts and excuses.is_deleted(object_)
        if self._took_back(view.host, key, last):
            return True
        if what == "follow":
            moved = [act.who for act in self._scene.ledger.acts_of("moves")]
            return excuses.are_blocked(actor, object_) or any(address_of(uri) in moved for uri in (actor, object_))
        return False

    def _took_back(self, host: str, key: tuple[str, str, str], last: Claim) -> bool:
        """Whether the host itself has told others since that it is not so any more: an Undo, or the Reject of a follow.

        Somebody did it by other means than the verbs of a story, or it follows from a Move.
        """
        what, actor, object_ = key
        type_ = _TYPES.get(what)
        return type_ is not None and any(
            exchange.sender == host
            and exchange.activity.type in ("Undo", "Reject")
            and self._scene.seconds_of(exchange.at_ms) >= last.began_s
            and inner_of(exchange) == (type_, actor, object_)
            for exchange in self._scene.world.recording
        )

    def _version(self, view: View, history: list[Claim]) -> Iterator[Finding]:
        """Of all Updates that were taken, the newest or a newer one is there."""
        uri = history[0].key[2]
        row = view.posts.get(uri)
        stated = [(ms, claim) for claim in history if (ms := _updated_ms(claim.exchange)) is not None]
        if row is None or not stated:
            return
        newest_ms, claim = max(stated, key=lambda pair: pair[0])
        exchange = claim.exchange
        if exchange is None or (row["updated_ms"] or 0) >= min(newest_ms, exchange.at_ms):
            return
        yield Finding(
            "an edit that was accepted is not there",
            f"{view.host} took an edit of {uri} and has an older version: {described(exchange)}",
            (exchange.number,),
        )

    def _wording(self, said: Said, view: View) -> Iterator[Finding]:
        """A post is at home as its author was told, with its newest wording."""
        ledger = self._scene.ledger
        if not said.uri or ledger.act(said.posted).ending is not Ending.DONE or ledger.is_deleted(said) is not None:
            return
        if view.is_gone(actor_uri_of(said.author)):
            return
        row = view.posts.get(said.uri)
        if row is None:
            yield Finding(
                "a post that was accepted is not there",
                f"{said.author} was told that {said.uri} is posted, and {view.host} does not have it",
            )
            return
        possible = []
        for wording in reversed(said.wordings):
            ending = ledger.act(wording.act).ending
            if ending is not Ending.REFUSED:
                possible.append(wording.text)
            if ending is Ending.DONE:
                break
        source = " ".join(row["source"].split())
        if not any(" ".join(text.split()) in source for text in possible):
            yield Finding(
                "an edit that was accepted is not at home",
                f"{said.author} was told that {said.uri} says {possible[0]!r}, and at {view.host} it does not",
                details=(("it says", row["source"]),),
            )


def _last(history: list[Claim]) -> Claim | None:
    """The claim that holds now; None where it came so close to its opposite that nobody can tell."""
    last = max((claim for claim in history if claim.is_certain), key=lambda claim: claim.ended_s, default=None)
    if last is None:
        return None
    for claim in history:
        if claim.is_there != last.is_there and claim.ended_s >= last.began_s:
            return None
    return last


def _updated_ms(exchange: Exchange | None) -> int | None:
    document = exchange.request.document if exchange is not None else None
    inner = (document or {}).get("object")
    stated = inner.get("updated") if isinstance(inner, dict) else None
    if not isinstance(stated, str):
        return None
    return to_ms(datetime.fromisoformat(stated))


_Key = tuple[str, str, str]
_TYPES = {"like": "Like", "follow": "Follow", "block": "Block", "boost": "Announce"}
_IS_THERE: dict[str, Callable[[View, _Key], bool]] = {
    "post": lambda view, key: key[2] in view.posts,
    "like": lambda view, key: (key[1], key[2]) in view.likes,
    "boost": lambda view, key: any(
        row["actor_uri"] == key[1] and row["object_uri"] == key[2] for row in view.announces.values()
    ),
    "follow": lambda view, key: (key[1], key[2]) in view.follows,
    "block": lambda view, key: (key[1], key[2]) in view.blocks,
    "vote": lambda view, key: (key[1], key[2]) in view.votes,
}
