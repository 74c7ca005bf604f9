"""Once the world is quiet, the two nodes that a like, boost, follow, block or vote concerns agree about it.

Promises: a like, block or vote that the actor's node has, the other node has, and the other way round; a follow is in
the same state at both nodes; a boost is known to the author's node and to the nodes of all who followed the booster
when it was made, and to none any more once it is taken back (of those who were told).

What is excepted is what `convergence` excepts, and nothing else: the activity that would have brought agreement was
lost to the lab's faults, or a rule turned it down for a true reason. Of follows, which many activities change, the
newest one of each side counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.excuses import Excuses
from fediverse_node.lab.invariants.fates import Fate, How, fate_of
from fediverse_node.lab.invariants.reach import Reached
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.traffic import inner_of
from fediverse_node.lab.invariants.views import Pair, View, address_of, home_of
from fediverse_node.lab.ledger import Act, Ending

_NEVER = Reached()
_OF_FOLLOWS = ("Follow", "Undo", "Accept", "Reject", "Block")


class Agreement:
    """Looked at when the world is quiet only."""

    name = "convergence"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def after_step(self, now: Now) -> Iterator[Finding]:
        """Nothing: what is on its way may differ."""
        yield from ()

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """All relations between people of two running nodes."""
        excuses = Excuses(self._scene, now)
        for view in now.views.values():
            yield from self._likes(view, now, excuses)
            yield from self._blocks(view, now, excuses)
            yield from self._announces(view, now, excuses)
            yield from self._votes(view, now, excuses)
        yield from self._follows(now, excuses)

    def _likes(self, view: View, now: Now, excuses: Excuses) -> Iterator[Finding]:
        for (actor, object_), uri in view.likes.items():
            home, origin = now.views.get(home_of(actor)), now.views.get(home_of(object_))
            if home is None or origin is None or home is origin:
                continue
            author = origin.posts[object_]["author_uri"] if object_ in origin.posts else ""
            if view is home and object_ in origin.posts and (actor, object_) not in origin.likes:
                fate = fate_of(self._scene, home, uri, origin.host)
                if not excuses.accepts(fate, actor=actor, others=(author,), about=(object_,)):
                    yield _missing("like", f"{actor} likes {object_}", home, origin, fate)
            elif view is origin and (actor, object_) not in home.likes and object_ in home.posts:
                fate = self._undoing(home, uri, origin.host)
                if not excuses.accepts(fate, actor=actor, others=(author,), about=(object_,)):
                    yield _left_over("like", f"{actor} likes {object_}", home, origin, fate)

    def _blocks(self, view: View, now: Now, excuses: Excuses) -> Iterator[Finding]:
        for (actor, target), uri in view.blocks.items():
            home, there = now.views.get(home_of(actor)), now.views.get(home_of(target))
            if home is None or there is None or home is there:
                continue
            if view is home and (actor, target) not in there.blocks and not there.is_gone(target):
                fate = fate_of(self._scene, home, uri, there.host)
                if not excuses.accepts(fate, actor=actor):
                    yield _missing("block", f"{actor} blocks {target}", home, there, fate)
            elif view is there and (actor, target) not in home.blocks and not home.is_gone(actor):
                fate = self._undoing(home, uri, there.host)
                if not excuses.accepts(fate, actor=actor):
                    yield _left_over("block", f"{actor} blocks {target}", home, there, fate)

    def _votes(self, view: View, now: Now, excuses: Excuses) -> Iterator[Finding]:
        for (actor, question), choices in view.votes.items():
            home, origin = now.views.get(home_of(actor)), now.views.get(home_of(question))
            if home is None or origin is None or home is origin or question not in origin.posts:
                continue
            if view is origin and set(choices) - set(home.votes.get((actor, question), ())):
                yield Finding(
                    "a vote that nobody cast", f"{origin.host} counts a vote of {actor} in {question}, who cast none"
                )
            lacking = set(choices) - set(origin.votes.get((actor, question), ()))
            if view is home and lacking:
                fates = [
                    fate_of(self._scene, home, id_, origin.host) for id_ in self._votings(actor, question, home, origin)
                ]
                excused = [fate for fate in fates if _may_have_missed(fate) or fate.is_excused]
                author = origin.posts[question]["author_uri"]
                accepted = [fate for fate in fates if excuses.accepts(fate, actor=actor, others=(author,))]
                if len(excused) + len(accepted) < len(lacking):
                    fate = fates[-1] if fates else Fate(How.NEVER_SENT)
                    yield _missing("vote", f"{actor} voted in {question}", home, origin, fate)

    def _votings(self, actor: str, question: str, home: View, origin: View) -> list[str]:
        """The ids of the Creates by which somebody voted in a question."""
        found: list[str] = []
        for (activity, host), rows in home.receipts.items():
            if (
                host != origin.host
                or rows[0]["type"] != "Create"
                or not activity.startswith(f"{actor}/activities/vote/")
            ):
                continue
            exchanges = self._scene.traffic.to(activity, host)
            # One that was never on the wire cannot be told from votes in other questions.
            if not exchanges or exchanges[0].activity.in_reply_to == question:
                found.append(activity)
        return found

    def _announces(self, view: View, now: Now, excuses: Excuses) -> Iterator[Finding]:
        for uri, row in view.announces.items():
            actor, object_ = row["actor_uri"], row["object_uri"]
            home = now.views.get(home_of(actor))
            if home is None or excuses.is_deleted(object_):
                # What a boost of something deleted does is the matter of `deletions`.
                continue
            if view is home:
                for there, why, reached in self._should_know(home, uri, actor, object_, now):
                    if uri in there.announces:
                        continue
                    fate = fate_of(self._scene, home, uri, there.host)
                    author = self._author_of(object_, now)
                    if not excuses.accepts(
                        fate, actor=actor, others=(author,), about=(object_,), reached=reached, host=there.host
                    ):
                        yield _missing("boost", f"{actor} boosted {object_} ({why})", home, there, fate)
            elif uri not in home.announces and view.host in self._told(actor, object_):
                fate = self._undoing(home, uri, view.host)
                if not excuses.accepts(fate, actor=actor, about=(object_,)):
                    yield _left_over("boost", f"{actor} boosted {object_}", home, view, fate)

    def _should_know(
        self, home: View, uri: str, actor: str, object_: str, now: Now
    ) -> Iterator[tuple[View, str, Reached]]:
        reached = self._reached("boosts", actor, object_)
        origin = now.views.get(home_of(object_))
        if origin is not None and origin is not home and object_ in origin.posts:
            yield origin, "its author is there", reached
        for host in dict.fromkeys(reached.followers.values()):
            there = now.views.get(host)
            if there is not None and there is not home and there is not origin:
                yield there, "followers of the booster are there", reached

    def _told(self, actor: str, object_: str) -> set[str]:
        """The hosts that must have heard that a boost was taken back."""
        reached = self._reached("unboosts", actor, object_)
        return {home_of(object_), *reached.followers.values()} if reached is not _NEVER else set()

    def _reached(self, verb: str, actor: str, object_: str) -> Reached:
        """Who followed when somebody boosted, or took it back, the last time; doing it again changes nothing."""
        who = address_of(actor)
        acts: list[Act] = []
        for act in self._scene.ledger.acts_of("boosts", "unboosts"):
            if act.who == who and act.target == object_:
                acts = [*acts, act] if act.verb == verb else [] if act.ending is Ending.DONE else acts
        around = [self._scene.reach.around(act.number) for act in acts]
        if not around:
            return _NEVER
        # Of several in a row, nobody knows from here which of them counted: who was there at all of them has to know.
        return Reached(
            followers_before={
                uri: host for uri, host in around[0].followers.items() if all(uri in one.followers for one in around)
            },
            followers_after={uri: host for one in around for uri, host in one.maybe_followers.items()},
        )

    def _author_of(self, uri: str, now: Now) -> str:
        for host in (home_of(uri), *now.views):
            view = now.views.get(host)
            if view is not None and uri in view.posts:
                return str(view.posts[uri]["author_uri"])
        return ""

    def _follows(self, now: Now, excuses: Excuses) -> Iterator[Finding]:
        pairs: dict[Pair, None] = {}
        for view in now.views.values():
            pairs.update(dict.fromkeys(view.follows))
        for pair in pairs:
            here, there = now.views.get(home_of(pair[0])), now.views.get(home_of(pair[1]))
            if here is None or there is None or here is there:
                continue
            one, other = here.follows.get(pair), there.follows.get(pair)
            states = _state(one), _state(other)
            if states[0] == states[1]:
                continue
            newest = [fate for fate in (self._newest(pair, here, there), self._newest(pair, there, here)) if fate]
            if any(fate.is_excused for fate in newest):
                continue
            numbers = tuple(number for fate in newest for number in fate.exchanges)
            yield Finding(
                f"a follow is {states[0]} for the follower and {states[1]} for the followed",
                f"{pair[0]} follows {pair[1]}: {states[0]} at {here.host}, {states[1]} at {there.host}",
                numbers,
                tuple(
                    (f"last word of {host}", fate.sentence)
                    for host, fate in zip((here.host, there.host), newest, strict=False)
                ),
            )

    def _newest(self, pair: Pair, sender: View, receiver: View) -> Fate | None:
        """What became of the last that one node told the other about a follow."""
        speaker = pair[0] if home_of(pair[0]) == sender.host else pair[1]
        newest: tuple[int, str] = (0, "")
        for (activity, host), rows in sender.receipts.items():
            is_theirs = rows[0]["type"] in _OF_FOLLOWS and activity.startswith(f"{speaker}/")
            if host == receiver.host and is_theirs and self._concerns(activity, host, pair):
                newest = max(newest, (rows[-1]["id"], activity))
        return fate_of(self._scene, sender, newest[1], receiver.host) if newest[1] else None

    def _concerns(self, activity: str, host: str, pair: Pair) -> bool:
        """Whether an activity is about this follow. One that was never on the wire cannot be told from others."""
        exchanges = self._scene.traffic.to(activity, host)
        if not exchanges:
            return True
        about, (type_, actor, object_) = exchanges[0].activity, inner_of(exchanges[0])
        if about.type in ("Follow", "Block"):
            return {about.actor, about.object_id} == set(pair)
        return type_ in ("Follow", "Block") and {actor, object_} == set(pair)

    def _undoing(self, home: View, uri: str, host: str) -> Fate:
        """What became of the Undo of an activity."""
        exchanges = [found for found in self._scene.traffic.telling(("Undo",), uri, host) if found.sender == home.host]
        activity = exchanges[-1].activity.id if exchanges else f"{uri}/undo"
        return fate_of(self._scene, home, activity, host)


def _may_have_missed(fate: Fate) -> bool:
    """A vote that comes after the end counts no more, and that one tried in time is not the receiver's matter."""
    return fate.how is How.TURNED_DOWN and set(fate.reasons) <= {"CLOSED", "ALREADY_DONE"} and "CLOSED" in fate.reasons


def _state(follow: tuple[bool, str] | None) -> str:
    if follow is None:
        return "absent"
    return "accepted" if follow[0] else "asked for"


def _missing(what: str, sentence: str, home: View, there: View, fate: Fate) -> Finding:
    return Finding(
        f"a {what} is missing",
        f"{sentence}: {home.host} has it, and {there.host} does not: {fate.sentence}",
        fate.exchanges,
    )


def _left_over(what: str, sentence: str, home: View, there: View, fate: Fate) -> Finding:
    return Finding(
        f"a {what} is left over",
        f"{sentence}: {there.host} has it, and {home.host} does not any more; of the Undo: {fate.sentence}",
        fate.exchanges,
    )
