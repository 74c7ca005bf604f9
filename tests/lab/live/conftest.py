"""Live worlds for tests: on any free ports, gone at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fediverse_node.lab.live.world import LiveWorld, live_world


@pytest.fixture
async def live() -> AsyncIterator[LiveWorld]:
    """A world with nobody in it yet."""
    async with live_world() as world:
        yield world
        errors = [line for line in world.logs.lines if line.trace]
        assert not errors, errors[0]
