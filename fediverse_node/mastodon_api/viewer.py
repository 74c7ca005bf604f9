"""Who asks: the person or app behind an access token.

Tokens are stored as hashes only. What a token means is remembered for some seconds, because every request asks;
what this process revokes is forgotten at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from fediverse_node.base.errors import StorageError
from fediverse_node.domain.addresses import pack
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.storage.queries import oauth
from fediverse_node.storage.queries.address_rules import note_presence
from fediverse_node.storage.unit import Unit

_TTL_MS = 10_000
_MOST_REMEMBERED = 50_000
# How exact "last seen" is: writing it with each request would cost a commit each.
_SEEN_EVERY_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a token stands for. An app's own token has no user, and 0 for an actor."""

    actor_id: int
    user_id: int | None
    token_id: int
    app_id: int | None
    scopes: frozenset[str]
    role: str
    standing: str = ""  # why the person may not act now; empty when they may

    @property
    def is_user(self) -> bool:
        return self.user_id is not None

    def require_standing(self) -> None:
        """Raise 403 for people whose account is not in use, in Mastodon's words."""
        if self.standing:
            raise ApiError(403, self.standing)


def hash_token(token: str) -> str:
    """What is stored of a secret. The secrets are long and random, so one round is enough."""
    # Bytes that are no UTF-8 come as half surrogates; they are nobody's secret.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Viewers:
    """Finds viewers by token."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[str, tuple[int, Viewer]] = {}
        self._writes: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[int], None]] = []

    async def find(self, token: str, address: str = "") -> Viewer | None:
        """The viewer of an access token, or None when it is not one of ours. `address`: from where it came."""
        key = hash_token(token)
        now_ms = self._context.world.clock.now_ms()
        known = self._known.get(key)
        if known is not None and known[0] > now_ms:
            return known[1]
        row = await self._context.database.fetch_one(oauth.TOKEN, token_hash=key)
        if row is None:
            self._known.pop(key, None)
            return None
        viewer = _viewer_of(row)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = (now_ms + _TTL_MS, viewer)
        self._note_use(viewer, row["last_used_ms"], now_ms, address)
        return viewer

    def on_revoked(self, listener: Callable[[int], None]) -> None:
        """Call this with the id of each token that is revoked: streams that it opened end."""
        self._listeners.append(listener)

    def forget(self, token_id: int) -> None:
        """The token was revoked."""
        for listener in self._listeners:
            listener(token_id)
        self._known = {key: known for key, known in self._known.items() if known[1].token_id != token_id}

    def forget_user(self, user_id: int) -> None:
        """Something about the user changed."""
        self._known = {key: known for key, known in self._known.items() if known[1].user_id != user_id}

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writes, return_exceptions=True)

    def _note_use(self, viewer: Viewer, last_used_ms: int | None, now_ms: int, address: str) -> None:
        if last_used_ms is not None and now_ms - last_used_ms < _SEEN_EVERY_MS:
            return
        task = asyncio.get_running_loop().create_task(self._write_use(viewer, now_ms, address))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write_use(self, viewer: Viewer, now_ms: int, address: str) -> None:
        def unit() -> Unit[None]:
            yield from oauth.note_use(viewer.token_id, viewer.user_id, now_ms)
            if viewer.user_id is not None:
                yield from note_presence(viewer.user_id, pack(address), now_ms)

        # A disk that is full is told to the log by the writer, and to nobody else.
        with contextlib.suppress(StorageError):
            await self._context.writer.run(unit)


def _viewer_of(row: oauth.Row) -> Viewer:
    return Viewer(
        actor_id=row["actor_id"] or 0,
        user_id=row["user_id"],
        token_id=row["id"],
        app_id=row["app_id"],
        scopes=frozenset(row["scopes"].split()),
        role=row["role"] or "",
        standing=_standing(row) if row["user_id"] is not None else "",
    )


def _standing(row: oauth.Row) -> str:
    if row["disabled_ms"] is not None or row["suspended_ms"] is not None or row["deleted_ms"] is not None:
        return "Your login is currently disabled"
    if row["confirmed_ms"] is None:
        return "Your login is missing a confirmed e-mail address"
    if row["approved_ms"] is None:
        return "Your login is currently pending approval"
    return ""
