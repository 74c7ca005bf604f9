"""What the tests of the checker share: how they examine the small server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.lab.conformance.examine import Options, examine
from fediverse_node.lab.conformance.report import Report
from fediverse_node.lab.keys import LabKeys

Examine = Callable[..., Awaitable[Report]]


@pytest.fixture
def examined() -> Examine:
    """Examine an address on this machine; sending is allowed unless told otherwise."""

    async def run(target: str, **more: Any) -> Report:
        settings = {"may_send": lambda count: True, "secret": b"a secret", **more}
        return await examine(
            Options(target=target, keys=LabKeys("the checker"), randomness=SeededRandomness("the checker"), **settings)
        )

    return run
