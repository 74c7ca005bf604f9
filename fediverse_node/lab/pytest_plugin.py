"""Federation tests as stories: a pytest plugin that comes with the package and works in any project.

    async def test_a_reply_reaches_its_author(world: World) -> None:
        alice, ben = await world.people("alice@alpha", "ben@beta")
        await ben.follows(alice)
        await world.quiet()
        post = await alice.posts("hello")
        await world.quiet()
        assert ben.sees(post)

A coroutine test that asks for `world` runs in a world of its own, with its own clock; so do coroutine fixtures that
ask for it. `--lab-seeds N` runs each such test with N seeds. Other plugins for coroutine tests are not needed and not
disturbed. Nothing heavy is loaded before a test asks for it: most test runs of a project are not about federation.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

_WORLD = "world"
_MARKER = "lab(seeds=, settings=, database=, check=): the world of a test that asks for `world`"
_SHOWN_EXCHANGES = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    group = parser.getgroup("lab", "simulated federations (fediverse_node)")
    group.addoption("--lab-seeds", type=int, default=None, metavar="N", help="run each test of a world with N seeds")
    group.addoption("--lab-seed", default=None, metavar="SEED", help="run tests of worlds with this seed only")
    group.addoption(
        "--lab-out", default=None, metavar="DIR", help="keep the exchanges of failing worlds here, as pages and files"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> list[pytest.Function] | None:
    """A coroutine test with a world becomes a plain one, before other plugins take it for theirs."""
    if not (collector.istestfunction(obj, name) and _lives_in_world(obj)):
        return None
    setattr(collector.obj, name, _in_world(obj, looks_back=True))  # type: ignore[arg-type]
    return list(collector._genfunctions(name, getattr(collector.obj, name)))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenarios are tests too: `*.scenario`, see docs/reference/scenario_language.md."""
    if file_path.suffix != ".scenario":
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """A file with a scenario; it is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        """The scenario."""
        yield ScenarioItem.from_parent(self, name=self.path.stem)


class ScenarioItem(pytest.Item):
    """A scenario, played with every invariant."""

    def runtest(self) -> None:
        """Play it; raises ScenarioFailed with what it broke."""
        # Loads the whole server, for those who have scenarios.
        from fediverse_node.lab.explore import play, step_of  # noqa: PLC0415
        from fediverse_node.lab.scenario.language import load_scenario  # noqa: PLC0415

        outcome = play(load_scenario(self.path), limit_s=None)
        if outcome.breakage is not None:
            raise ScenarioFailedError(
                f"{outcome.breakage.sentence}\nin step {outcome.breakage.step}: {step_of(outcome)}"
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What it broke says all there is to say; a file that cannot be read says where."""
        if excinfo.typename in ("ScenarioFailedError", "ScenarioError"):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, f"scenario {self.name}"


class ScenarioFailedError(Exception):
    """Something that must hold in every federation, or that the scenario expects, did not."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """The same for coroutine fixtures."""
    if _lives_in_world(fixturedef.func):
        fixturedef.func = _in_world(fixturedef.func)  # type: ignore[misc]  # final for its users
    return (yield)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed, where more than one is asked for."""
    if "lab_seed" not in metafunc.fixturenames:
        return
    seeds = _seeds(metafunc.config, metafunc.definition.get_closest_marker("lab"))
    if len(seeds) > 1:
        metafunc.parametrize("lab_seed", seeds, ids=[f"seed{seed}" for seed in seeds])


@pytest.fixture
def lab_seed(request: pytest.FixtureRequest) -> int | str:
    """The seed of this test's world."""
    return _seeds(request.config, request.node.get_closest_marker("lab"))[0]


@pytest.fixture
def lab_databases() -> Any:
    """The databases of this test's world: None for SQLite; a project may give others (`lab.databases`)."""
    return None


@pytest.fixture
def world(request: pytest.FixtureRequest, lab_seed: int | str, lab_databases: Any) -> Iterator[Any]:
    """A world with nobody in it yet: `fediverse_node.lab.world.World`."""
    # Loads the whole server: see above.
    from fediverse_node.lab.invariants import Checker  # noqa: PLC0415
    from fediverse_node.lab.world import Simulation  # noqa: PLC0415

    options = _options(request.node.get_closest_marker("lab"))
    simulation = Simulation(seed=lab_seed, settings=options.get("settings"), databases=lab_databases)
    simulation.world.simulation = simulation
    if options.get("check", True):
        simulation.world.checker = Checker(simulation.world)
    request.node.stash[_SIMULATION] = simulation
    try:
        yield simulation.world
    finally:
        simulation.close()


@pytest.fixture
def people(world: Any) -> Any:
    """`await people("alice@alpha", "ben@beta")`."""
    return world.people


@pytest.fixture
def nodes(world: Any) -> Any:
    """The nodes of the world by host."""
    return world.nodes


@pytest.fixture
def clock(world: Any) -> Any:
    """The world's clock."""
    return world.clock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure tells its seed, how to run it again, and what passed between the nodes."""
    report = yield
    simulation = item.stash.get(_SIMULATION, None)
    if simulation is not None and report.when == "call" and report.failed:
        report.sections.append(("world", _story_of(simulation.world, item)))
    return report


_SIMULATION: pytest.StashKey[Any] = pytest.StashKey()


def _lives_in_world(function: object) -> bool:
    if not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        return False
    return _WORLD in inspect.signature(function).parameters


def _in_world(function: Callable[..., Any], *, looks_back: bool = False) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        def living(*args: Any, **kwargs: Any) -> Iterator[Any]:
            run = kwargs[_WORLD].simulation.run
            steps: AsyncGenerator[Any, None] = function(*args, **kwargs)
            yield run(_next(steps))
            run(_next(steps))

        return living

    @functools.wraps(function)
    def lived(*args: Any, **kwargs: Any) -> Any:
        world = kwargs[_WORLD]
        work: Coroutine[Any, Any, Any] = function(*args, **kwargs)
        return world.simulation.run(_then_checked(work, world) if looks_back else work)

    return lived


async def _then_checked(work: Coroutine[Any, Any, Any], world: Any) -> None:
    """A story that went well, and then what must hold in every federation.

    As long as something is broken on purpose, only what must hold in the middle of things is looked at.
    """
    await work
    if world.checker is None:
        return
    if world.is_whole:
        await world.quiet()
        world.checker.at_quiet()
    else:
        world.checker.after_step()


async def _next(steps: AsyncGenerator[Any, None]) -> Any:
    """What a fixture gives; None when it has ended."""
    return await anext(steps, None)


def _options(marker: pytest.Mark | None) -> Mapping[str, Any]:
    return marker.kwargs if marker is not None else {}


def _seeds(config: pytest.Config, marker: pytest.Mark | None) -> list[int | str]:
    one = config.getoption("--lab-seed")
    if one is not None:
        return [int(one) if str(one).isdigit() else str(one)]
    number = config.getoption("--lab-seeds") or _options(marker).get("seeds", 1)
    return list(range(number))


def _story_of(world: Any, item: pytest.Item) -> str:
    lines = [
        f"seed {world.seed}; run it again with: pytest {item.nodeid.partition('[')[0]!r} --lab-seed {world.seed}",
        f"{len(world.recording)} exchanges until {world.now:%Y-%m-%d %H:%M:%S}; the last of them:",
    ]
    for exchange in world.recording.exchanges[-_SHOWN_EXCHANGES:]:
        lines.append(f"  {exchange.line}")
    kept = _keep(world, item)
    if kept is not None:
        lines.append(f"all of them: {kept}")
    return "\n".join(lines)


def _keep(world: Any, item: pytest.Item) -> Path | None:
    folder = item.config.getoption("--lab-out")
    if folder is None:
        return None
    name = "".join(letter if letter.isalnum() else "_" for letter in item.nodeid)[-100:]
    # The page is made of the whole inspector.
    from fediverse_node.lab.inspector.page import render_html  # noqa: PLC0415

    page = Path(folder) / f"{name}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    world.recording.save(page.with_suffix(".jsonl"))
    page.write_text(render_html(world.recording), encoding="utf-8")
    return page
