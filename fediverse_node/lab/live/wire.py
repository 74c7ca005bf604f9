"""Apps that speak https to a node: those of the world's own people, and those that people bring."""

from __future__ import annotations

from collections.abc import Callable

from fediverse_node.lab.exchange import Message
from fediverse_node.lab.live.ends import HttpEnd
from fediverse_node.lab.live.network import LiveNetwork, LiveSite


class AppEnd(HttpEnd):
    """A connection whose requests are those of whoever the token says."""

    def __init__(self, network: LiveNetwork, who: Callable[[str], str]) -> None:
        super().__init__(network)
        self._who = who

    def sender_of(self, message: Message, site: LiveSite) -> str:
        """The person, where the app shows a token."""
        return self._who((message.header("authorization") or "").removeprefix("Bearer ").strip())
