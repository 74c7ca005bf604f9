"""Plays a scenario in a world of its own, checks what must always hold, and says what came of it.

A step that cannot be done in the present state is left out with a note, so that a scenario from which others were
taken can still be played. What must hold is checked after each step, and once more at each `quiet` of a whole world.
"""

from __future__ import annotations

import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.databases import Databases
from fediverse_node.lab.invariants.broken import Broken
from fediverse_node.lab.loop import Stalled
from fediverse_node.lab.recording import Recording
from fediverse_node.lab.scenario.language import Scenario
from fediverse_node.lab.scenario.passing import Expectation, Quiet
from fediverse_node.lab.scenario.stage import Disappointed, Stage
from fediverse_node.lab.scenario.step import Step
from fediverse_node.lab.world import NotQuiet, World, simulate


class Checker(Protocol):
    """What must always hold, looked after. Both raise `Broken` when it does not."""

    def after_step(self, step: int) -> None: ...

    def at_quiet(self) -> None: ...


CheckerOf = Callable[[World], Checker]


@dataclass(frozen=True, slots=True)
class Breakage:
    """What did not hold. `kind` is the same for the same way to break; steps and exchanges count from 1."""

    kind: str
    sentence: str
    step: int = 0
    exchanges: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """A step of the trace: when it was begun (seconds of the world), and why it was left out, if it was."""

    step: int
    line: str
    at_s: float
    why_not: str = ""


@dataclass
class Figures:
    """How much happened."""

    steps: int = 0
    exchanges: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    virtual_s: float = 0.0

    def add(self, other: Figures) -> None:
        """Both together."""
        self.steps += other.steps
        self.exchanges += other.exchanges
        self.faults.update(other.faults)
        self.virtual_s += other.virtual_s


@dataclass
class Outcome:
    """What came of a scenario. `breakage` is None where everything held."""

    scenario: Scenario
    breakage: Breakage | None = None
    trace: list[Played] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)
    recording: Recording = field(default_factory=Recording)

    @property
    def left_out(self) -> list[Played]:
        """The steps that could not be done."""
        return [played for played in self.trace if played.why_not]


def run_scenario(
    scenario: Scenario,
    *,
    checker: CheckerOf | None = None,
    databases: Databases | None = None,
    settings: Mapping[str, str] | None = None,
    limit_s: float | None = None,
) -> Outcome:
    """Play it from beginning to end, or to the first breakage. Never raises for what a scenario does.

    After `limit_s` of the machine's time it is ended; that needs the main thread.
    """
    outcome = Outcome(scenario)
    run = _Run(outcome, checker)
    try:
        with _limited(limit_s):
            simulate(run.play, seed=scenario.seed, databases=databases, settings=settings)
    except OutOfTime:
        outcome.breakage = Breakage("endless", f"it had not come to its end after {limit_s:.0f} s", run.number)
    except Exception as error:  # whatever it is: it is what came of this scenario
        outcome.breakage = _breakage(error, run.number)
    return outcome


class OutOfTime(KeyboardInterrupt):
    """The machine's time for a scenario is used up. Of this kind because nothing between may hold it up."""


@contextmanager
def _limited(limit_s: float | None) -> Iterator[None]:
    if limit_s is None:
        yield
        return
    before, began_s = signal.signal(signal.SIGALRM, _out_of_time), time.monotonic()
    # Whoever limits this from outside (a runner of tests) uses the same clock, of which there is one.
    others_s, _ = signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if others_s:
            signal.setitimer(signal.ITIMER_REAL, max(others_s - (time.monotonic() - began_s), 0.001))


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise OutOfTime


@dataclass
class _Run:
    outcome: Outcome
    checker_of: CheckerOf | None
    number: int = 0

    async def play(self, world: World) -> None:
        self.outcome.recording = world.recording
        stage = Stage(world)
        try:
            for name in self.outcome.scenario.nodes:
                await world.node(name)
            checker = self.checker_of(world) if self.checker_of else None
            for step in self.outcome.scenario.steps:
                self.number += 1
                world.ledger.step = self.number
                await self._do(step, stage)
                if checker is not None:
                    checker.after_step(self.number)
                    if isinstance(step, Quiet) and not stage.troubles():
                        checker.at_quiet()
        finally:
            self._count(world)

    async def _do(self, step: Step, stage: Stage) -> None:
        at_s, why_not = stage.world.time_s, ""
        try:
            await step.do(stage)
        except (Disappointed, NotQuiet, Stalled):
            raise
        except NodeError as error:
            if isinstance(step, Expectation):
                raise Disappointed(f"cannot be answered: {error}") from error
            why_not = str(error)
        else:
            self.outcome.figures.steps += 1
            if step.fault:
                self.outcome.figures.faults[step.fault] += 1
        finally:
            self.outcome.trace.append(Played(self.number, step.line, at_s, why_not))

    def _count(self, world: World) -> None:
        figures = self.outcome.figures
        figures.exchanges = len(world.recording)
        figures.virtual_s = world.time_s
        figures.faults.update({kind.word: number for kind, number in world.faults.happened.items()})
        crashes = sum(node.crashes for node in world.nodes.values())
        if crashes:
            figures.faults["crash"] += crashes


def _breakage(error: BaseException, step: int) -> Breakage:
    if isinstance(error, Broken):
        return Breakage(f"{error.invariant}/{error.kind}", str(error), step, error.exchanges)
    if isinstance(error, Disappointed):
        kind = "unanswered" if error.__cause__ is not None else "expectation"
        return Breakage(kind, str(error), step)
    if isinstance(error, NotQuiet | Stalled):
        return Breakage("never-quiet", str(error), step)
    trace = "".join(traceback.format_exception(error))
    return Breakage(f"error {type(error).__name__}", f"{error!r}\n{trace}", step)
