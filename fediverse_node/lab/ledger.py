"""What the people of a world said and did, as they themselves know it: the truth that nodes are measured by.

A verb is entered before its request leaves and closed with what came of it, so a check in the middle knows already
whom a text is for. Where a node said yes, it is done; where it said no, it is not; and where the answer was lost or
the node broke down, nobody can know: whoever checks has to accept both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum

from fediverse_node.lab.app_client import Refused

PRIVATE = ("followers", "direct")
_HANDLE = re.compile(r"@([A-Za-z0-9_]+)@([A-Za-z0-9.-]+[A-Za-z0-9])")


class Ending(Enum):
    """What came of an act, as far as the person knows."""

    OPEN = "asked for, not answered yet"
    DONE = "done"
    REFUSED = "refused"
    UNCLEAR = "nobody knows whether it was done"


@dataclass(eq=False)
class Act:
    """Something that somebody did, or tried to. Numbers count from 1."""

    number: int
    step: int
    at_ms: int
    who: str  # "alice@alpha.test"
    verb: str  # as a method of `Person` is called: posts, likes, follows, …
    target: str = ""  # the URI of a post, or the address of a person
    ending: Ending = Ending.OPEN
    ended_ms: int = 0
    detail: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The host where the person is at home."""
        return self.who.rpartition("@")[2]

    @property
    def may_count(self) -> bool:
        """Whether it was done, or may have been."""
        return self.ending is not Ending.REFUSED

    def __str__(self) -> str:
        return f"{self.who} {self.verb} {self.target}".rstrip()


@dataclass(frozen=True)
class Wording:
    """One version of a post: everything in it that somebody wrote."""

    text: str
    warning: str = ""
    options: tuple[str, ...] = ()
    act: int = 0

    def texts(self) -> Iterator[str]:
        """Each of them."""
        yield from (text for text in (self.text, self.warning, *self.options) if text)


@dataclass(eq=False)
class Said:
    """A post, over time. `uri` is empty as long as, or where, the node has not told it."""

    author: str
    audience: str  # public, unlisted, followers, direct
    wordings: list[Wording]
    mentioned: list[str]  # addresses, in the order in which they were first named
    replying_to: str = ""
    uri: str = ""
    posted: int = 0  # the number of the act
    deleted: list[int] = field(default_factory=list)  # acts that tried to

    @property
    def host(self) -> str:
        """The host it comes from."""
        return self.author.rpartition("@")[2]

    @property
    def is_private(self) -> bool:
        """Whether it is for some people only."""
        return self.audience in PRIVATE

    def reword(self, wording: Wording) -> None:
        """A new version. Whoever was named once stays one whom it is for."""
        self.wordings.append(wording)
        self.mentioned += [who for who in named_in(wording.text) if who not in self.mentioned]


@dataclass
class Ledger:
    """All acts of a world in their order, and what was said. `step` is set by whoever runs the scenario."""

    now_ms: Callable[[], int] = lambda: 0
    step: int = 0
    acts: list[Act] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    # Called with each act when it begins and when it has ended.
    listeners: list[Callable[[Act], None]] = field(default_factory=list)

    def act(self, number: int) -> Act:
        """The act with this number."""
        return self.acts[number - 1]

    def post(self, uri: str) -> Said | None:
        """What was said under this URI."""
        return next((said for said in reversed(self.said) if said.uri == uri), None) if uri else None

    def acts_of(self, *verbs: str) -> Iterator[Act]:
        """All acts of these kinds that were done, or may have been."""
        return (act for act in self.acts if act.verb in verbs and act.may_count)

    def is_deleted(self, said: Said) -> Ending | None:
        """Whether it was taken back: done, unclear, or None if not."""
        endings = {self.act(number).ending for number in said.deleted}
        if Ending.DONE in endings:
            return Ending.DONE
        return Ending.UNCLEAR if endings & {Ending.UNCLEAR, Ending.OPEN} else None

    @contextmanager
    def doing(self, who: str, verb: str, target: str = "", *detail: str) -> Iterator[Act]:
        """Enter an act; what is raised inside says what came of it."""
        act = Act(len(self.acts) + 1, self.step, self.now_ms(), who, verb, target, detail=detail)
        self.acts.append(act)
        self._tell(act)
        act.ending = Ending.UNCLEAR
        try:
            yield act
            act.ending = Ending.DONE
        except Refused as refused:
            if 400 <= refused.status < 500:
                act.ending = Ending.REFUSED
            raise
        finally:
            act.ended_ms = self.now_ms()
            self._tell(act)

    @contextmanager
    def saying(self, said: Said) -> Iterator[Said]:
        """Enter a new post; the body sets its `uri`."""
        said.posted = len(self.acts) + 1
        said.wordings[0] = replace(said.wordings[0], act=said.posted)
        self.said.append(said)
        with self.doing(said.author, "posts") as act:
            yield said
            act.target = said.uri

    @contextmanager
    def rewording(self, who: str, uri: str, text: str) -> Iterator[None]:
        """Enter a new version of a post."""
        said = self.post(uri)
        last = said.wordings[-1] if said is not None else Wording("")
        if said is not None:
            said.reword(Wording(text, last.warning, last.options, act=len(self.acts) + 1))
        with self.doing(who, "edits", uri):
            yield

    @contextmanager
    def deleting(self, who: str, uri: str) -> Iterator[None]:
        """Enter that a post is taken back."""
        said = self.post(uri)
        if said is not None:
            said.deleted.append(len(self.acts) + 1)
        with self.doing(who, "deletes", uri):
            yield

    def _tell(self, act: Act) -> None:
        for listener in self.listeners:
            listener(act)


def named_in(text: str) -> list[str]:
    """The addresses that a text names with their host."""
    return list(dict.fromkeys(f"{name.lower()}@{host.lower()}" for name, host in _HANDLE.findall(text)))
