"""A node of ours in this process and a peer that it does not know yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_peer import FakePeer, fake_peer
from tests.inprocess import Running, running_node


@pytest.fixture
async def peer() -> AsyncIterator[FakePeer]:
    """A small server of another make."""
    async with fake_peer() as found:
        yield found


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Running]:
    """A node with alice."""
    async with running_node(tmp_path) as running:
        await running.add_person("alice")
        yield running
