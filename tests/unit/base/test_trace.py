"""Steps are told to whoever watches, and to nobody else; and the list of them is complete."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.base.trace import is_watched, note, watched_by

_ROOT = Path(__file__).resolve().parents[3]
_ROOMS = ("domain", "inbox", "transport", "delivery", "outbox", "web")
_STEP = re.compile(
    r"(?:inbox|understand|signature|vouch|hearsay|policy|rule|gather|storage|staging|later|fetch|webfinger|sign|post"
    r"|delivery|walk|thread|approval|synchronization|profile|client|preview|wrapped)"
    r"\.[a-z0-9_]+|effects"
)
_ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| ([^|]+) \|", re.MULTILINE)


class Why(Reason):
    """A reason of this test."""

    NO = "it did not work"


class Told:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, Fail | TemporaryFail | None, dict[str, Any]]] = []

    def __call__(self, step: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        self.steps.append((step, outcome, detail))


def test_a_step_is_told_with_its_outcome_and_detail() -> None:
    told, fault = Told(), Fail(Why.NO, "today")
    with watched_by(told):
        assert is_watched()
        note("first.step")
        note("second.step", fault, step="a detail may be called like that", outcome=1)
    assert told.steps == [
        ("first.step", None, {}),
        ("second.step", fault, {"step": "a detail may be called like that", "outcome": 1}),
    ]


def test_nothing_is_told_before_and_after() -> None:
    told = Told()
    note("before")
    assert not is_watched()
    with watched_by(told):
        pass
    note("after")
    assert not is_watched()
    assert told.steps == []


def test_the_nearest_watcher_hears_alone() -> None:
    outer, inner = Told(), Told()
    with watched_by(outer):
        with watched_by(inner):
            note("inside")
        note("outside")
    assert [step for step, _, _ in inner.steps] == ["inside"]
    assert [step for step, _, _ in outer.steps] == ["outside"]


async def test_tasks_that_are_started_inside_are_heard_also_after_the_end() -> None:
    told, may_go = Told(), asyncio.Event()

    async def work() -> None:
        note("started")
        await may_go.wait()
        note("ended")

    with watched_by(told):
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
    may_go.set()
    await task
    assert [step for step, _, _ in told.steps] == ["started", "ended"]


async def test_work_side_by_side_is_told_to_its_own_watcher() -> None:
    async def watched(name: str) -> list[str]:
        told = Told()
        with watched_by(told):
            for number in range(3):
                note(f"{name}.{number}")
                await asyncio.sleep(0)
        return [step for step, _, _ in told.steps]

    one, two = await asyncio.gather(watched("one"), watched("two"))
    assert one == ["one.0", "one.1", "one.2"]
    assert two == ["two.0", "two.1", "two.2"]


def _noted(path: Path) -> Iterator[str]:
    """Names of steps in a module: those of events in the log are not steps."""
    tree = ast.parse(path.read_text())
    logged = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("event", "log.", "_log."))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in logged:
            continue
        if _STEP.fullmatch(node.value):
            yield node.value


def test_every_step_stands_in_the_reference_with_a_sentence_and_no_other() -> None:
    listed = dict(_ROW.findall((_ROOT / "docs/reference/steps.md").read_text()))
    noted = {
        step
        for room in _ROOMS
        for path in sorted((_ROOT / "fediverse_node" / room).rglob("*.py"))
        if "fediverse_node.base.trace" in path.read_text()
        for step in _noted(path)
    }
    assert noted == set(listed)
    assert all(sentence.strip() for sentence in listed.values())


def test_every_call_of_note_names_its_step_as_it_stands() -> None:
    """A name that is put together could not be found by the test above, nor by a person who looks for it."""
    put_together: list[str] = []
    for path in sorted((_ROOT / "fediverse_node").rglob("*.py")):
        if path.name in ("trace.py", "told.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "note":
                continue
            if any(isinstance(inner, ast.JoinedStr | ast.BinOp) for inner in ast.walk(node.args[0])):
                put_together.append(f"{path.name}:{node.lineno}")
    assert put_together == []
