"""Plays mixed worlds of many seeds side by side, and for each that breaks something finds its smallest scenario.

A broken seed leaves its scenario, the smallest one that still breaks in the same way, and the exchanges of the latter
as a recording and as a page. Each seed is played in one process, so what it does is the same whatever else is played.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path

from fediverse_node.lab.databases import Databases, ServerDatabases, SqliteFiles
from fediverse_node.lab.inspector.page import render_html
from fediverse_node.lab.invariants.checker import Checker
from fediverse_node.lab.scenario.language import Scenario
from fediverse_node.lab.scenario.mixed import ACTS, mixed_scenario
from fediverse_node.lab.scenario.running import Breakage, Figures, Outcome, run_scenario
from fediverse_node.lab.scenario.shrinking import Shrinker
from fediverse_node.storage.administration import administer

_worlds = count(1)
_played = count(1)
# Some tens of megabytes each.
_COLLECTED_AFTER = 5
# A mixed world takes one to three seconds.
_LIMIT_S = 120.0
_SHRINK_S = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be explored. `out` is the folder for what broke; `database` sqlite or the URL of a server."""

    seeds: tuple[int, ...]
    nodes: int = 8
    acts: int = ACTS
    jobs: int = 1
    database: str = "sqlite"
    out: Path = Path("lab-broken")
    shrink_s: float = _SHRINK_S


@dataclass(frozen=True, slots=True)
class Broke:
    """A seed that broke something, and where it is written down."""

    seed: int
    breakage: Breakage
    steps: int  # of its smallest scenario
    files: tuple[Path, ...]


@dataclass
class Played:
    """One seed, played."""

    seed: int
    figures: Figures
    skipped: int
    broke: Broke | None = None


@dataclass
class Findings:
    """All seeds together."""

    seeds: int = 0
    skipped: int = 0
    figures: Figures = field(default_factory=Figures)
    broken: list[Broke] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """The figures, in one line."""
        figures = self.figures
        faults = ", ".join(f"{kind} {number}" for kind, number in sorted(figures.faults.items())) or "none"
        return (
            f"seeds {self.seeds}, broken {len(self.broken)}, steps {figures.steps}, left out {self.skipped}, "
            f"exchanges {figures.exchanges}, faults {sum(figures.faults.values())} ({faults}), "
            f"virtual days {figures.virtual_s / 86_400:.1f}, seconds {self.seconds:.1f}, "
            f"seeds/s {self.seeds / max(self.seconds, 0.001):.2f}"
        )


def explore_plan(plan: Plan, tell: Callable[[Findings, Played], None]) -> Findings:
    """Play all seeds; `tell` hears of each when it is done."""
    began_s = time.monotonic()
    findings = Findings()
    for played in _play_all(plan):
        findings.seeds += 1
        findings.skipped += played.skipped
        findings.figures.add(played.figures)
        findings.seconds = time.monotonic() - began_s
        if played.broke is not None:
            findings.broken.append(played.broke)
        tell(findings, played)
    findings.broken.sort(key=lambda broke: broke.seed)
    return findings


def _play_all(plan: Plan) -> Iterable[Played]:
    if plan.jobs <= 1:
        for seed in plan.seeds:
            yield play_seed(plan, seed)
        return
    # Not forked: a process that has an event loop and threads cannot be copied safely.
    with ProcessPoolExecutor(plan.jobs, mp_context=get_context("spawn"), initializer=_begin) as processes:
        left = list(plan.seeds)
        waiting: set[Future[Played]] = set()
        try:
            while left or waiting:
                while left and len(waiting) < plan.jobs * 2:
                    waiting.add(processes.submit(play_seed, plan, left.pop(0)))
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            processes.shutdown(cancel_futures=True)


def _begin() -> None:
    """What is loaded now stays: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()


def play_seed(plan: Plan, seed: int) -> Played:
    """One mixed world; if it breaks, the smallest that breaks in the same way."""
    scenario = mixed_scenario(seed, nodes=plan.nodes, acts=plan.acts)
    outcome = play(scenario, database=plan.database)
    broke = None
    if outcome.breakage is not None:
        broke = _note_broken(plan, seed, outcome)
    return Played(seed, outcome.figures, len(outcome.left_out), broke)


def play(
    scenario: Scenario,
    *,
    database: str = "sqlite",
    settings: Mapping[str, str] | None = None,
    limit_s: float | None = _LIMIT_S,
) -> Outcome:
    """One scenario with every invariant. `settings` hold at all nodes."""
    # A world lives for a second and is thrown away whole: to collect its garbage meanwhile takes a sixth of that.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        databases = databases_at(database)
        return run_scenario(scenario, checker=Checker, databases=databases, settings=settings, limit_s=limit_s)
    finally:
        if was_enabled:
            gc.enable()
        if next(_played) % _COLLECTED_AFTER == 0:
            gc.collect()


def databases_at(url: str) -> Databases:
    """Databases for one world: files, or on a PostgreSQL server where the user of the URL may make some.

    Raises StorageError.
    """
    if url == "sqlite":
        return SqliteFiles()
    base = url.rpartition("/")[0]
    return ServerDatabases(
        lambda name: f"{base}/{name}", lambda statement: _execute(url, statement), name=f"{os.getpid()}_{next(_worlds)}"
    )


def _execute(url: str, statement: str) -> None:
    # In a thread of its own: the loop of a world may be running in this one, and it has no sockets.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(administer(url, statement))).result()


def shrink(outcome: Outcome, *, database: str = "sqlite", shrink_s: float = _SHRINK_S) -> Outcome:
    """The outcome of the smallest scenario that breaks in the same way."""
    if outcome.breakage is None:
        return outcome
    kind, best = outcome.breakage.kind, outcome

    def breaks(candidate: Scenario) -> bool:
        nonlocal best
        found = play(candidate, database=database)
        if found.breakage is None or found.breakage.kind != kind:
            return False
        best = found
        return True

    shrinker = Shrinker(breaks, outcome.scenario, until_s=time.monotonic() + shrink_s)
    shrinker.shrink(broken_step=outcome.breakage.step, left_out=[played.step for played in outcome.left_out])
    return best


def _note_broken(plan: Plan, seed: int, outcome: Outcome) -> Broke:
    smallest = shrink(outcome, database=plan.database, shrink_s=plan.shrink_s)
    plan.out.mkdir(parents=True, exist_ok=True)
    endings = (".scenario", ".small.scenario", ".small.jsonl", ".small.html")
    whole, least, record, page = (plan.out / f"seed-{seed}{ending}" for ending in endings)
    whole.write_text(annotated(outcome), encoding="utf-8")
    least.write_text(annotated(smallest), encoding="utf-8")
    smallest.recording.save(record)
    page.write_text(render_html(smallest.recording), encoding="utf-8")
    breakage = smallest.breakage or outcome.breakage
    assert breakage is not None  # noqa: S101 - a seed that broke nothing is not written down
    return Broke(seed, breakage, len(smallest.scenario.steps), (whole, least, record, page))


def annotated(outcome: Outcome) -> str:
    """The scenario as a file, with what it broke as a comment at its head."""
    if outcome.breakage is None:
        return outcome.scenario.text
    said = [*outcome.breakage.sentence.splitlines(), f"in step {outcome.breakage.step}: {step_of(outcome)}"]
    return "".join(f"# {line}\n" for line in said) + outcome.scenario.text


def step_of(outcome: Outcome) -> str:
    """The line of the step at which it broke."""
    number = outcome.breakage.step if outcome.breakage else 0
    steps = outcome.scenario.steps
    return steps[number - 1].line if 1 <= number <= len(steps) else "before the first step"
