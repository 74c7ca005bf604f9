"""Whether who listens may still listen: tokens are revoked and people suspended, also by other processes.

Asked by the clock and not only when there is nothing to send: a busy stream is never quiet, and would outlast whoever
was shut out of everything else.
"""

from __future__ import annotations

import asyncio

from fediverse_node.mastodon_api.viewer import Viewers

EVERY_S = 5.0


class Standing:
    """Of one connection."""

    def __init__(self, viewers: Viewers, token: str | None) -> None:
        self._viewers = viewers
        self._token = token or ""
        self._holds_until = asyncio.get_running_loop().time() + EVERY_S

    async def holds(self) -> bool:
        """Whether there is still somebody behind the token who may listen; known for a few seconds."""
        now = asyncio.get_running_loop().time()
        if now < self._holds_until:
            return True
        viewer = await self._viewers.find(self._token)
        self._holds_until = now + EVERY_S
        return viewer is not None and not viewer.standing
