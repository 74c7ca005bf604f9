"""What goes wrong, and what is put right: the network, crashes, disks, clocks, keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from fediverse_node.lab.faults import ANY, FOREVER_S, Rule
from fediverse_node.lab.names import host_of_name
from fediverse_node.lab.scenario.slots import Failure
from fediverse_node.lab.scenario.stage import Impossible, Stage
from fediverse_node.lab.scenario.step import Step

_FAILS = "[ {chance:share}][ of {method:method}][ for {lasts_s:duration}]"


def _rule(failure: Failure, one: str, other: str, *, chance: float, method: str, from_s: float, lasts_s: float) -> Rule:
    return Rule(
        failure.kind,
        one if one == ANY else host_of_name(one),
        other if other == ANY else host_of_name(other),
        chance=chance,
        amount=failure.amount,
        method=method or ANY,
        from_s=from_s,
        until_s=from_s + lasts_s if lasts_s else FOREVER_S,
    )


@dataclass(frozen=True, slots=True)
class FailsBetween(Step):
    """between alpha and beta: drop 30% of POST for 10 minutes; both ways, until healed if no time is said."""

    FORM: ClassVar[str] = "between {one:place} and {other:place} : {failure:failure}" + _FAILS
    one: str
    other: str
    failure: Failure
    chance: float = 1.0
    method: str = ""
    lasts_s: float = 0.0

    async def do(self, stage: Stage) -> None:
        rule = _rule(
            self.failure,
            self.one,
            self.other,
            chance=self.chance,
            method=self.method,
            from_s=stage.world.time_s,
            lasts_s=self.lasts_s,
        )
        stage.world.faults.add(replace(rule, both_ways=True))


@dataclass(frozen=True, slots=True)
class FailsFrom(Step):
    """from alpha to beta: status 503 50%; only what alpha asks of beta."""

    FORM: ClassVar[str] = "from {one:place} to {other:place} : {failure:failure}" + _FAILS
    one: str
    other: str
    failure: Failure
    chance: float = 1.0
    method: str = ""
    lasts_s: float = 0.0

    async def do(self, stage: Stage) -> None:
        rule = _rule(
            self.failure,
            self.one,
            self.other,
            chance=self.chance,
            method=self.method,
            from_s=stage.world.time_s,
            lasts_s=self.lasts_s,
        )
        stage.world.faults.add(rule)


@dataclass(frozen=True, slots=True)
class Heals(Step):
    """heal: nothing goes wrong on the network any more."""

    FORM: ClassVar[str] = "heal"

    async def do(self, stage: Stage) -> None:
        stage.world.faults.heal()


@dataclass(frozen=True, slots=True)
class Crashes(Step):
    """alpha crashes: as a process that is killed."""

    FORM: ClassVar[str] = "{node:node} crashes"
    node: str

    async def do(self, stage: Stage) -> None:
        await (await stage.running(self.node)).crash()


@dataclass(frozen=True, slots=True)
class CrashesAfterCommit(Step):
    """alpha crashes after its next commit: of something to send, before it is sent or answered for."""

    FORM: ClassVar[str] = "{node:node} crashes after its next commit"
    node: str

    async def do(self, stage: Stage) -> None:
        (await stage.running(self.node)).crash_after_commit()


@dataclass(frozen=True, slots=True)
class Starts(Step):
    """alpha starts; where it is up, a crash that it was to have is called off."""

    FORM: ClassVar[str] = "{node:node} starts"
    node: str

    async def do(self, stage: Stage) -> None:
        node = await stage.node(self.node)
        if node.is_running:
            node.spare()
            raise Impossible(f"{self.node} is up")
        await node.start()


@dataclass(frozen=True, slots=True)
class Stops(Step):
    """alpha stops: in good order."""

    FORM: ClassVar[str] = "{node:node} stops"
    fault: ClassVar[str] = "stop"
    node: str

    async def do(self, stage: Stage) -> None:
        await (await stage.running(self.node)).stop()


@dataclass(frozen=True, slots=True)
class Restarts(Step):
    """alpha restarts: stops in good order and starts."""

    FORM: ClassVar[str] = "{node:node} restarts"
    fault: ClassVar[str] = "restart"
    node: str

    async def do(self, stage: Stage) -> None:
        node = await stage.running(self.node)
        await node.stop()
        await node.start()


@dataclass(frozen=True, slots=True)
class FillsDisk(Step):
    """disk of alpha is full: what needs room cannot be written."""

    FORM: ClassVar[str] = "disk of {node:node} is full"
    fault: ClassVar[str] = "disk-full"
    node: str

    async def do(self, stage: Stage) -> None:
        (await stage.running(self.node)).fill_disk()


@dataclass(frozen=True, slots=True)
class FreesDisk(Step):
    """disk of alpha is free."""

    FORM: ClassVar[str] = "disk of {node:node} is free"
    node: str

    async def do(self, stage: Stage) -> None:
        (await stage.node(self.node)).free_disk()


@dataclass(frozen=True, slots=True)
class SetsClock(Step):
    """clock of alpha runs 2 hours fast."""

    FORM: ClassVar[str] = "clock of {node:node} runs {by_s:duration} {direction:direction}"
    fault: ClassVar[str] = "clock-skew"
    node: str
    by_s: float
    direction: str

    async def do(self, stage: Stage) -> None:
        (await stage.node(self.node)).clock.skew_s = self.by_s if self.direction == "fast" else -self.by_s


@dataclass(frozen=True, slots=True)
class RightsClock(Step):
    """clock of alpha is right."""

    FORM: ClassVar[str] = "clock of {node:node} is right"
    node: str

    async def do(self, stage: Stage) -> None:
        (await stage.node(self.node)).clock.skew_s = 0.0


@dataclass(frozen=True, slots=True)
class RotatesKey(Step):
    """alpha rotates the key of alice: others have the old one, and nobody tells them."""

    FORM: ClassVar[str] = "{node:node} rotates the key of {name:name}"
    fault: ClassVar[str] = "key-rotation"
    node: str
    name: str

    async def do(self, stage: Stage) -> None:
        person = await stage.person(f"{self.name}@{self.node}")
        await (await stage.running(self.node)).rotate_key(person.name)
