"""Push messages to the apps of people here: noticed after the commit, sent in the background, with patience.

spec: rfc8030#5 (TTL, Urgency, Topic), rfc8291, rfc8292, mastodon-client-api#push
What is sent is what the person would be shown at that moment: whoever mutes, blocks or filters between the commit and
the sending hears nothing. What a crash comes before is not sent later: the app finds it at its next look.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import orjson

from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.delivery.backoff import pause_ms
from fediverse_node.inbox.worker import Worker
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.notification import TYPES
from fediverse_node.mastodon_api.notifications import render_notifications
from fediverse_node.mastodon_api.push_text import dump_payload
from fediverse_node.mastodon_api.push_tokens import unlock_token
from fediverse_node.mastodon_api.vapid import load_keys
from fediverse_node.signatures.web_push import (
    P256_ORDER,
    SALT_BYTES,
    Receiver,
    dump_base64,
    parse_receiver,
    public_key_of,
    seal_aes128gcm,
    seal_aesgcm,
    sign_vapid,
)
from fediverse_node.storage.engine import Row
from fediverse_node.storage.events import Applied, Notified
from fediverse_node.storage.queries import notifications as notification_queries
from fediverse_node.storage.queries import push as queries
from fediverse_node.transport.exchange import Headers, Http, Response

log = logging.getLogger(__name__)

# As long as Mastodon's messages wait for a telephone that is off.
LIFETIME_MS = 48 * 3_600_000
_TIMEOUT_S = 10.0
_LEASE_MS = 60_000
_LARGEST_LOOK = 400
_MOST_TOLD = 20_000
# spec: rfc8292#2 - at most a day.
_VAPID_S = 12 * 3600
_GONE = frozenset((404, 410))
_LATER = frozenset((408, 425, 429))


class Verdict(Enum):
    """What becomes of a message."""

    SENT = "sent"
    GONE = "the push service does not know the subscription any more"
    LATER = "tried again later"
    REFUSED = "the push service does not take it"


class PushSender:
    """Notices notifications, and tells the apps that asked for it."""

    def __init__(self, context: Context, http: Http, *, longest_sleep_s: float) -> None:
        self._context = context
        self._http = http
        self._told: list[int] = []
        self._looking: asyncio.Task[None] | None = None
        self._worker = Worker(
            "push",
            due=self._due,
            next_due_ms=self._next_due_ms,
            handle=self._send,
            host=lambda row: str(row["host"]),
            now_ms=context.world.clock.now_ms,
            longest_sleep_s=longest_sleep_s,
        )

    def start(self) -> None:
        """Take up what is due."""
        self._context.writer.listen(self._on_commit)
        self._worker.start()

    async def stop(self) -> None:
        """What is under way is left for the next start."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._worker.stop()

    def _on_commit(self, applied: Applied) -> None:
        for happened in applied.events:
            # A flood of notifications may lose messages, and nothing else.
            if isinstance(happened, Notified) and len(self._told) < _MOST_TOLD:
                self._told.append(happened.notification_id)
        if self._told and (self._looking is None or self._looking.done()):
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._told:
                ids, self._told = self._told[:_LARGEST_LOOK], self._told[_LARGEST_LOOK:]
                await self._notice(ids)
        except Exception:  # in the background nobody else would hear of it
            log.exception("push.failed")

    async def _notice(self, notification_ids: list[int]) -> None:
        world = self._context.world
        now_ms = world.clock.now_ms()
        rows: list[dict[str, Any]] = [
            {
                "id": world.ids.next(),
                "subscription_id": row["subscription_id"],
                "notification_id": row["notification_id"],
                "host": urlsplit(row["endpoint"]).hostname or "",
                "due_ms": now_ms,
                "created_ms": now_ms,
            }
            for row in await self._context.database.fetch(queries.SUBSCRIBED, ids=notification_ids)
            if _is_wanted(row)
        ]
        added = await self._context.writer.run(lambda: queries.add_messages(rows)) if rows else 0
        if added:
            self._worker.wake()

    async def _due(self, busy: list[str]) -> list[Row]:
        now_ms = self._context.world.clock.now_ms()
        return await self._context.database.fetch(queries.DUE, now_ms=now_ms, busy=busy, most=_LARGEST_LOOK)

    async def _next_due_ms(self) -> int | None:
        row = await self._context.database.fetch_one(queries.NEXT_DUE)
        return int(row["due_ms"]) if row is not None and row["due_ms"] is not None else None

    async def _send(self, due: Row) -> None:
        context, message_id = self._context, int(due["id"])
        now_ms = context.world.clock.now_ms()
        if not await context.writer.run(lambda: queries.claim(message_id, now_ms, now_ms + _LEASE_MS)):
            return
        row = await context.database.fetch_one(queries.MESSAGE, message_id=message_id)
        payload = await self._payload(row) if row is not None else None
        receiver = parse_receiver(row["p256dh"], row["auth"]) if row is not None else None
        left_ms = 0 if row is None else int(row["created_ms"]) + LIFETIME_MS - now_ms
        if row is None or payload is None or receiver is None or left_ms <= 0:
            await context.writer.run(lambda: queries.finish(message_id))
            return
        body, headers = await self._seal(row, payload, receiver)
        answer = await self._http.post(
            row["endpoint"], body, headers=(*headers, ("TTL", str(left_ms // 1000))), timeout_s=_TIMEOUT_S
        )
        verdict = _judge(answer)
        _log(verdict, answer, host=due["host"], subscription_id=row["subscription_id"])
        if verdict is Verdict.LATER:
            now = context.world.clock.now()
            asked_s = answer.retry_after_s(now) if isinstance(answer, Response) else None
            pause = pause_ms(int(due["attempts"]) + 1, context.world.randomness, asked_s=asked_s)
            later_ms = context.world.clock.now_ms() + pause
            await context.writer.run(lambda: queries.put_off(message_id, later_ms))
        elif verdict is Verdict.GONE:
            subscription_id = int(row["subscription_id"])
            await context.writer.run(lambda: queries.drop_subscription(subscription_id))
        else:
            await context.writer.run(lambda: queries.finish(message_id))

    async def _payload(self, row: Row) -> bytes | None:
        """What the message says; None where the person is not told of this any more."""
        policy = orjson.loads(row["settings"]).get("notification_policy") or {}
        rows = await self._context.database.fetch(
            notification_queries.BY_IDS,
            ids=[row["notification_id"]],
            viewer_id=row["actor_id"],
            now_ms=self._context.world.clock.now_ms(),
            limited_too=int(policy.get("for_limited_accounts") == "accept"),
        )
        rendered = await render_notifications(self._context, row["actor_id"], rows)
        if not rendered:
            return None
        token = await unlock_token(self._context, row["locked_token"], token_id=row["token_id"])
        return dump_payload(orjson.loads(rendered[0]), access_token=token, locale=row["locale"])

    async def _seal(self, row: Row, payload: bytes, receiver: Receiver) -> tuple[bytes, Headers]:
        world = self._context.world
        private = 1 + world.randomness.below(P256_ORDER - 1)
        salt = urlsafe_b64decode(world.randomness.token(SALT_BYTES) + "==")
        vapid_private, vapid_public = await load_keys(self._context)
        parts = urlsplit(row["endpoint"])
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc.rpartition('@')[2].removesuffix(':443')}",
            "exp": world.clock.now_ms() // 1000 + _VAPID_S,
            "sub": self._contact,
        }
        signed = sign_vapid(vapid_private, claims)
        common = (
            ("Content-Type", "application/octet-stream"),
            ("Urgency", "normal"),
            # What is sent again because an answer got lost takes the place of the first; says nothing to others.
            ("Topic", dump_base64(sha256(f"{row['auth']} {row['notification_id']}".encode()).digest())[:32]),
        )
        if row["standard"]:
            return seal_aes128gcm(payload, receiver, private=private, salt=salt), (
                *common,
                ("Content-Encoding", "aes128gcm"),
                ("Authorization", f"vapid t={signed},k={vapid_public}"),
            )
        return seal_aesgcm(payload, receiver, private=private, salt=salt), (
            *common,
            ("Content-Encoding", "aesgcm"),
            ("Encryption", f"salt={dump_base64(salt)}"),
            ("Crypto-Key", f"dh={public_key_of(private)};p256ecdsa={vapid_public}"),
            ("Authorization", f"WebPush {signed}"),
        )

    @property
    def _contact(self) -> str:
        """Whom a push service writes to.  spec: rfc8292#2.1"""
        config = self._context.config
        return f"mailto:{config.contact_email}" if config.contact_email else config.base_url


def _is_wanted(row: Mapping[str, Any]) -> bool:
    """Whether the subscription asks for this."""
    # Apps know of no reactions here: those are likes.
    type_ = TYPES.get("like" if row["type"] == "reaction" else row["type"])
    if type_ is None or "push" not in row["scopes"].split() or not orjson.loads(row["alerts"]).get(type_):
        return False
    match row["policy"]:
        case "all":
            return True
        case "followed":
            return bool(row["is_followed"])
        case "follower":
            return bool(row["is_follower"])
        case _:
            return False


def _judge(answer: Response | Fail | TemporaryFail) -> Verdict:
    if isinstance(answer, TemporaryFail):
        return Verdict.LATER
    if isinstance(answer, Fail):
        return Verdict.REFUSED
    if 200 <= answer.status < 300:
        return Verdict.SENT
    if answer.status in _GONE:
        return Verdict.GONE
    return Verdict.LATER if answer.status in _LATER or answer.status >= 500 else Verdict.REFUSED


def _log(verdict: Verdict, answer: Response | Fail | TemporaryFail, *, host: str, subscription_id: int) -> None:
    """The address itself is a secret between app and push service, so only its host is written down."""
    if isinstance(answer, Response):
        cause = f"status {answer.status} {answer.body[:100].decode(errors='replace')}".strip()
    else:
        cause = answer.reason.name
    level = logging.WARNING if verdict is Verdict.REFUSED else logging.INFO
    if verdict is not Verdict.SENT:
        event(log, "push.not_sent", level, verdict=verdict.name, cause=cause, host=host, subscription=subscription_id)
