"""Mixed worlds: scenarios made by a seed, in which people do everything they can while everything goes wrong.

What comes out are steps that say all there is to say; nothing is left to chance when they are played. It keeps in mind
roughly who sees what, so that most acts make sense; the rest are mistakes, as people make them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from fediverse_node.lab.names import host_names
from fediverse_node.lab.scenario.acts import Asks, Edits, Moves, Posts, Reacts, Regards, Replies, Votes
from fediverse_node.lab.scenario.language import Scenario
from fediverse_node.lab.scenario.passing import Quiet, Waits
from fediverse_node.lab.scenario.step import Step
from fediverse_node.lab.scenario.trouble import Heals
from fediverse_node.lab.scenario.troubles import Troubles

_NAMES = (
    "alice", "ben", "cleo", "dana", "emil", "fay", "gus", "hana", "ivan", "jana", "kofi", "lena", "mira",
    "noor", "omar", "pia", "quin", "rosa", "sami", "tara", "ugo", "vera", "wim", "xenia",
)  # fmt: skip
_TOPICS = (
    "rain", "bread", "trains", "chess", "moss", "tides", "kites", "soup", "maps", "bees", "snow", "clay",
    "jazz", "figs", "owls", "salt",
)  # fmt: skip
_SYLLABLES = (
    "ba", "be", "bi", "bo", "da", "de", "di", "do", "ka", "ke", "ki", "ko", "la", "le", "li", "lo", "ma", "me",
    "mi", "mo", "na", "ne", "ni", "no", "ra", "re", "ri", "ro", "sa", "se", "si", "so",
)  # fmt: skip
_AUDIENCES = ("public", "public", "public", "unlisted", "followers", "followers", "direct", "direct")
# Besides the follows and the troubles.
ACTS = 44
_CHAPTERS = 2
T = TypeVar("T")


@dataclass
class _Said:
    """A post as the generator remembers it."""

    label: str
    author: str
    audience: str
    mentioned: tuple[str, ...]
    options: int = 0
    is_gone: bool = False


@dataclass
class _Mixer:
    """Writes one scenario."""

    random: random.Random
    people: list[str]
    troubles: Troubles
    steps: list[Step] = field(default_factory=list)
    said: list[_Said] = field(default_factory=list)
    follows: set[tuple[str, str]] = field(default_factory=set)
    blocks: set[tuple[str, str]] = field(default_factory=set)
    liked: list[tuple[str, str]] = field(default_factory=list)
    boosted: list[tuple[str, str]] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    words: int = 0

    def write(self, acts: int) -> None:
        """A world in which people know each other, chapters of trouble, and a whole world in the end."""
        for who in self.people:
            others = [other for other in self.people if other != who]
            for whom in self.random.sample(others, min(2, len(others))):
                self._follow(who, whom)
        self.steps.append(Quiet())
        for chapter in range(_CHAPTERS):
            for _ in range(acts // _CHAPTERS):
                if self.random.random() < 0.3:
                    self.steps += self.troubles.next(self.random)
                self._act()
            self._make_whole(is_last=chapter == _CHAPTERS - 1)

    def _make_whole(self, *, is_last: bool) -> None:
        self.steps.append(Heals())
        self.steps += self.troubles.end()
        self.steps.append(Quiet())

    def _act(self) -> None:
        acts: Sequence[tuple[int, Callable[[], None]]] = (
            (22, self._post),
            (14, self._reply),
            (9, self._edit),
            (6, self._delete),
            (11, self._like),
            (8, self._boost),
            (3, self._take_back),
            (6, self._befriend),
            (4, self._part),
            (3, self._block),
            (2, self._unblock),
            (2, self._mute),
            (3, self._ask),
            (4, self._vote),
            (2, self._move),
            (5, self._wait),
        )
        [act] = self.random.choices([act for _, act in acts], [weight for weight, _ in acts])
        act()

    # What they do

    def _post(self) -> None:
        who = self._somebody()
        audience = self.random.choice(_AUDIENCES)
        mentioned = self._mentioned(who, 1 if audience == "direct" else 0)
        said = _Said(f"p{len(self.said) + 1}", who, audience, mentioned)
        warning = self._text("careful") if self.random.random() < 0.1 else ""
        self.steps.append(Posts(who, self._text(), said.label, audience, mentioned, warning))
        self.said.append(said)

    def _ask(self) -> None:
        who = self._somebody()
        said = _Said(f"p{len(self.said) + 1}", who, self.random.choice(("public", "public", "followers")), ())
        options = tuple(self._text() for _ in range(self.random.choice((2, 2, 3))))
        said.options = len(options)
        open_s = self.random.choice((300.0, 3600.0, 86_400.0))
        self.steps.append(Asks(who, f"{self._text()}?", options, open_s, said.label, said.audience))
        self.said.append(said)

    def _reply(self) -> None:
        found = self._seen_by_somebody()
        if found is None:
            return self._post()
        who, said = found
        reply = _Said(f"p{len(self.said) + 1}", who, said.audience, (said.author, *said.mentioned))
        others = self._mentioned(who, 0) if self.random.random() < 0.2 else ()
        self.steps.append(Replies(who, said.label, self._text("yes, and"), reply.label, "", others))
        self.said.append(reply)
        return None

    def _edit(self) -> None:
        said = self._one_of([said for said in self.said if not said.is_gone and not said.options])
        if said is not None:
            self.steps.append(Edits(said.author, said.label, self._text("no, rather")))

    def _delete(self) -> None:
        said = self._one_of([said for said in self.said if not said.is_gone])
        if said is not None:
            said.is_gone = True
            self.steps.append(Reacts(said.author, "deletes", said.label))

    def _like(self) -> None:
        self._react("likes", self.liked, ("public", "unlisted", "followers", "direct"))

    def _boost(self) -> None:
        self._react("boosts", self.boosted, ("public", "unlisted"))

    def _react(self, verb: str, done: list[tuple[str, str]], audiences: Sequence[str]) -> None:
        found = self._seen_by_somebody(audiences)
        if found is not None:
            who, said = found
            done.append((who, said.label))
            self.steps.append(Reacts(who, verb, said.label))

    def _take_back(self) -> None:
        verb, done = self.random.choice((("unlikes", self.liked), ("unboosts", self.boosted)))
        if done:
            who, label = done.pop(self.random.randrange(len(done)))
            self.steps.append(Reacts(who, verb, label))

    def _befriend(self) -> None:
        who = self._somebody()
        self._follow(who, self._somebody_else(who))

    def _follow(self, who: str, whom: str) -> None:
        self.follows.add((who, whom))
        self.steps.append(Regards(who, "follows", whom))

    def _part(self) -> None:
        pair = self._one_of(sorted(self.follows))
        if pair is not None:
            self.follows.discard(pair)
            self.steps.append(Regards(pair[0], "unfollows", pair[1]))

    def _block(self) -> None:
        who = self._somebody()
        whom = self._somebody_else(who)
        self.blocks.add((who, whom))
        self.follows -= {(who, whom), (whom, who)}
        self.steps.append(Regards(who, "blocks", whom))

    def _unblock(self) -> None:
        pair = self._one_of(sorted(self.blocks))
        if pair is not None:
            self.blocks.discard(pair)
            self.steps.append(Regards(pair[0], "unblocks", pair[1]))

    def _mute(self) -> None:
        who = self._somebody()
        self.steps.append(Regards(who, self.random.choice(("mutes", "mutes", "unmutes")), self._somebody_else(who)))

    def _vote(self) -> None:
        found = self._seen_by_somebody(polls=True)
        if found is not None:
            who, said = found
            self.steps.append(Votes(who, (self.random.randint(1, said.options),), said.label))

    def _move(self) -> None:
        who = self._somebody()
        if who in self.moved or not self.troubles.nodes:
            return
        self.moved.add(who)
        new = f"{who.partition('@')[0]}2@{self.random.choice(self.troubles.nodes)}"
        self.steps.append(Moves(who, new))
        self.follows |= {(reader, new) for reader, read in self.follows if read == who}
        self.people.append(new)

    def _wait(self) -> None:
        self.steps.append(Waits(float(self.random.choice((5, 30, 60, 120, 600, 1800, 3600)))))

    # Who and what

    def _somebody(self) -> str:
        return self.random.choice(self.people)

    def _somebody_else(self, who: str) -> str:
        return self.random.choice([other for other in self.people if other != who])

    def _mentioned(self, who: str, least: int) -> tuple[str, ...]:
        number = max(self.random.choice((0, 0, 0, 1, 2)), least)
        others = [other for other in self.people if other != who]
        return tuple(self.random.sample(others, min(number, len(others))))

    def _seen_by_somebody(
        self, audiences: Sequence[str] = ("public", "unlisted", "followers", "direct"), *, polls: bool = False
    ) -> tuple[str, _Said] | None:
        found = [said for said in self.said if said.audience in audiences and (said.options or not polls)]
        said = self._one_of([said for said in found if not said.is_gone or self.random.random() < 0.1])
        if said is None:
            return None
        readers = [said.author, *said.mentioned]
        if said.audience != "direct":
            readers += [reader for reader, read in sorted(self.follows) if read == said.author]
        if said.audience in ("public", "unlisted"):
            readers.append(self._somebody())
        others = [reader for reader in readers if reader != said.author]
        return self.random.choice(others or readers), said

    def _one_of(self, found: Sequence[T]) -> T | None:
        return self.random.choice(found) if found else None

    def _text(self, beginning: str = "") -> str:
        """A few words, one of which nobody else ever says."""
        self.words += 1
        unique = "".join(self.random.choice(_SYLLABLES) for _ in range(5))
        words = [beginning, self.random.choice(_TOPICS), f"{unique}{self.words}"]
        return " ".join(word for word in words if word)


def mixed_scenario(seed: int, *, nodes: int = 8, acts: int = ACTS) -> Scenario:
    """The mixed world of a seed: the same for the same arguments."""
    source = random.Random(f"{seed}/mixed/{nodes}/{acts}")  # noqa: S311 - repeatable is what is wanted
    names = [host.partition(".")[0] for host in host_names(nodes)]
    people: list[str] = []
    for name in names:
        for _ in range(source.choice((2, 2, 3))):
            number = len(people)
            again = number // len(_NAMES)
            people.append(f"{_NAMES[number % len(_NAMES)]}{again + 1 if again else ''}@{name}")
    mixer = _Mixer(source, people, Troubles(names, people))
    mixer.write(acts)
    return Scenario(seed, tuple(names), tuple(mixer.steps))
