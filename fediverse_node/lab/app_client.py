"""A person's Mastodon app: signed in at their node, speaking its API over the world's network."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import aiohttp
import orjson

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.place import place
from fediverse_node.transport.resolver import GuardedResolver, Resolver

_TIMEOUT_S = 30.0


class Refused(NodeError):
    """The node answered with an error, or not at all. `status` is 0 where there was no answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}" if status else text)
        self.status = status


class AppClient:
    """Apps of all people of a world. `resolve` finds a node's address."""

    def __init__(self, resolve: Resolver, *, ssl: Any = True) -> None:
        self._resolve = resolve
        self._ssl = ssl
        self._session: aiohttp.ClientSession | None = None
        self._numbers = count(1)

    async def ask(self, who: str, method: str, url: str, *, token: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the API answers, as JSON. Raises Refused for anything but success."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            # The node repeats it, instead of drawing one that no seed knows.
            "X-Request-Id": f"lab-request-{next(self._numbers):08d}",
        }
        data = None
        if body is not None:
            data = orjson.dumps({name: value for name, value in body.items() if value is not None})
            headers["Content-Type"] = "application/json"
        token_ = place.set(who)
        try:
            async with self._open().request(method, url, data=data, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Refused(0, f"{url} cannot be reached: {error!r}") from error
        finally:
            place.reset(token_)
        if answer.status >= 400:
            raise Refused(answer.status, content.decode("utf-8", "replace")[:500])
        return orjson.loads(content) if content else None

    async def close(self) -> None:
        """End all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._resolve, loopback_allowed=True), ssl=self._ssl, force_close=True
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "lab-app"},
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            )
        return self._session
