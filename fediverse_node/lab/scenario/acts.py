"""What people do: follow and block, post, answer, edit, delete, like, boost, vote, move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fediverse_node.lab.scenario.stage import Stage
from fediverse_node.lab.scenario.step import Step


@dataclass(frozen=True, slots=True)
class Regards(Step):
    """ben@beta follows alice@alpha; and unfollows, blocks, unblocks, mutes, unmutes."""

    FORM: ClassVar[str] = "{who:person} {verb:regard} {whom:person}"
    who: str
    verb: str
    whom: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        await getattr(who, self.verb)(await stage.named(self.whom))


@dataclass(frozen=True, slots=True)
class Reacts(Step):
    """cleo@gamma likes p1; and unlikes, boosts, unboosts, deletes."""

    FORM: ClassVar[str] = "{who:person} {verb:reaction} {post:label}"
    who: str
    verb: str
    post: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        await getattr(who, self.verb)(stage.post(self.post))


@dataclass(frozen=True, slots=True)
class Posts(Step):
    """alice@alpha posts "hello" as p1 to followers mentioning ben@beta warning "noise"."""

    FORM: ClassVar[str] = (
        "{who:person} posts {text:text}[ as {label:label}][ to {to:audience}]"
        "[ mentioning {people:people}][ warning {warning:text}]"
    )
    who: str
    text: str
    label: str = ""
    to: str = "public"
    people: tuple[str, ...] = ()
    warning: str = ""

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        mentioning = await stage.all_named(self.people)
        post = await who.posts(self.text, to=self.to, mentioning=mentioning, warning=self.warning or None)
        stage.name_post(self.label, post)


@dataclass(frozen=True, slots=True)
class Asks(Step):
    """alice@alpha asks "tea?" offering "yes", "no" for 1 hour as q1: a poll."""

    FORM: ClassVar[str] = (
        "{who:person} asks {text:text} offering {options:texts}[ for {open_s:duration}][ as {label:label}]"
        "[ to {to:audience}][ mentioning {people:people}]"
    )
    who: str
    text: str
    options: tuple[str, ...]
    open_s: float = 3600.0
    label: str = ""
    to: str = "public"
    people: tuple[str, ...] = ()

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        mentioning = await stage.all_named(self.people)
        post = await who.posts(
            self.text, to=self.to, mentioning=mentioning, poll=self.options, poll_open_s=int(self.open_s)
        )
        stage.name_post(self.label, post)


@dataclass(frozen=True, slots=True)
class Replies(Step):
    """ben@beta replies to p1 "hi" as p2; to the audience of p1 if nothing else is said."""

    FORM: ClassVar[str] = (
        "{who:person} replies to {post:label} {text:text}[ as {label:label}][ to {to:audience}]"
        "[ mentioning {people:people}]"
    )
    who: str
    post: str
    text: str
    label: str = ""
    to: str = ""
    people: tuple[str, ...] = ()

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        mentioning = await stage.all_named(self.people)
        answered = stage.post(self.post)
        stage.name_post(self.label, await who.replies(answered, self.text, to=self.to or None, mentioning=mentioning))


@dataclass(frozen=True, slots=True)
class Edits(Step):
    """alice@alpha edits p1 "hello again"."""

    FORM: ClassVar[str] = "{who:person} edits {post:label} {text:text}"
    who: str
    post: str
    text: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        stage.name_post(self.post, await who.edits(stage.post(self.post), self.text))


@dataclass(frozen=True, slots=True)
class Votes(Step):
    """cleo@gamma votes 2 in q1: for the second of what is offered."""

    FORM: ClassVar[str] = "{who:person} votes {choices:numbers} in {post:label}"
    who: str
    choices: tuple[int, ...]
    post: str

    async def do(self, stage: Stage) -> None:
        who = await stage.person(self.who)
        await who.votes(stage.post(self.post), *(choice - 1 for choice in self.choices))


@dataclass(frozen=True, slots=True)
class Moves(Step):
    """alice@alpha moves to alice@beta, where she first names her old account."""

    FORM: ClassVar[str] = "{who:person} moves to {whom:person}"
    who: str
    whom: str

    async def do(self, stage: Stage) -> None:
        who, whom = await stage.person(self.who), await stage.person(self.whom)
        await stage.world.move(who, whom)
