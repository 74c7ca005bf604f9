"""A node to attack, as it would stand on the internet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.security.ground import Ground, ground


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Ground]:
    """One node, and an internet that belongs to the attacker."""
    async with ground(tmp_path) as made:
        yield made
