"""Time passes, and what people expect to be so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fediverse_node.lab.scenario.slots import Count
from fediverse_node.lab.scenario.stage import Disappointed, Stage
from fediverse_node.lab.scenario.step import Step
from fediverse_node.lab.scenario.tokens import split

_FIELDS = {"likes": "favourites_count", "boosts": "reblogs_count", "replies": "replies_count"}


@dataclass(frozen=True, slots=True)
class Waits(Step):
    """wait 2 days."""

    FORM: ClassVar[str] = "wait {for_s:duration}"
    for_s: float

    async def do(self, stage: Stage) -> None:
        await stage.world.wait(self.for_s)


@dataclass(frozen=True, slots=True)
class Quiet(Step):
    """quiet: until nothing is left to send, to fetch, to verify."""

    FORM: ClassVar[str] = "quiet"

    async def do(self, stage: Stage) -> None:
        await stage.world.quiet()


class Expectation(Step):
    """Something that has to be so. A step that cannot be answered is broken too."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ExpectsSight(Expectation):
    """expect ben@beta sees p1, or does not see "hello": at home, as a notification, in a private conversation."""

    FORM: ClassVar[str] = "expect {who:person} {sees:sees} {what:what}"
    who: str
    sees: bool
    what: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        what = split(self.what)[0]
        if who.sees(what.value if what.is_text else stage.post(what.value)) is not self.sees:
            raise Disappointed(
                f"{self.who} {'does not see' if self.sees else 'sees'} {what}; {_shown(who.sees_texts())}"
            )

    @property
    def needs(self) -> str:
        return "" if self.what.startswith('"') else self.what


@dataclass(frozen=True, slots=True)
class ExpectsCopy(Expectation):
    """expect ben@beta has p1, or does not have it: a copy at their node, in any version."""

    FORM: ClassVar[str] = "expect {who:person} {has:has} {post:label}"
    who: str
    has: bool
    post: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        if who.has(stage.post(self.post)) is not self.has:
            raise Disappointed(f"the node of {self.who} has {'no' if self.has else 'a'} copy of {self.post}")


@dataclass(frozen=True, slots=True)
class ExpectsCount(Expectation):
    """expect alice@alpha has 2 likes on p1; and boosts, replies."""

    FORM: ClassVar[str] = "expect {who:person} has {count:count} on {post:label}"
    who: str
    count: Count
    post: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        found = (await who.looks_at(stage.post(self.post)))[_FIELDS[self.count.what]]
        if found != self.count.number:
            raise Disappointed(f"{self.who} has {found} {self.count.what} on {self.post}")


@dataclass(frozen=True, slots=True)
class ExpectsFollow(Expectation):
    """expect ben@beta follows alice@alpha, or does not follow: as Ben's node knows it, after an answer."""

    FORM: ClassVar[str] = "expect {who:person} {is_following:is_following} {whom:person}"
    who: str
    is_following: bool
    whom: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        if await who.is_following(await stage.named(self.whom)) is not self.is_following:
            raise Disappointed(f"{self.who} {'does not follow' if self.is_following else 'follows'} {self.whom}")


def _shown(texts: list[str]) -> str:
    return "seen is " + ", ".join(f'"{text[:60]}"' for text in texts[:5]) if texts else "nothing is seen"
