"""ARCHITECTURE.md says what is true."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_TEXT = (_ROOT / "ARCHITECTURE.md").read_text()
_STEPS = re.findall(r"^\d+\. `([\w/]+\.py):(\w+)`", _TEXT, re.MULTILINE)


def test_the_way_of_a_message_is_told_in_steps() -> None:
    assert len(_STEPS) >= 12


@pytest.mark.parametrize(("path", "name"), _STEPS)
def test_each_step_names_a_function_that_exists(path: str, name: str) -> None:
    module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    methods = {n for _, found in inspect.getmembers(module, inspect.isclass) for n, _ in inspect.getmembers(found)}
    assert hasattr(module, name) or name in methods


def test_every_room_has_a_line() -> None:
    package = _ROOT / "fediverse_node"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    assert {room for room in rooms if f"| `{room}/` |" not in _TEXT} == set()
