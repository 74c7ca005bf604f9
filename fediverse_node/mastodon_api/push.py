"""Where this app wants to be told of new notifications.  spec: mastodon-client-api#push, rfc8030, rfc8292

One subscription an access token. Sending is done by pushing.py.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.push_tokens import lock_token
from fediverse_node.mastodon_api.routing import Call, Routes, bearer_of
from fediverse_node.mastodon_api.vapid import load_public_key
from fediverse_node.signatures.web_push import parse_receiver
from fediverse_node.storage.queries import push as queries

routes = Routes()

ALERTS = (
    *("mention", "status", "reblog", "follow", "follow_request", "favourite", "poll", "update", "quote"),
    *("quoted_update", "admin.sign_up", "admin.report"),
)
POLICIES = ("all", "followed", "follower", "none")
_LONGEST_ENDPOINT = 2000


@routes.post("/api/v1/push/subscription", scope="push")
async def create(call: Call) -> web.Response:
    """Subscribe, in the place of an earlier subscription of this token."""
    given = call.params.mapping("subscription")
    keys = given.mapping("keys")
    endpoint, p256dh, auth = given.text("endpoint", ""), keys.text("p256dh", ""), keys.text("auth", "")
    if not _is_endpoint(endpoint, development=call.context.config.development):
        raise invalid("Endpoint is invalid")
    if parse_receiver(p256dh, auth) is None:
        raise invalid("Keys are invalid")
    token_id = call.viewer.token_id
    row = {
        "id": call.context.world.ids.next(),
        "token_id": token_id,
        "endpoint": endpoint,
        "p256dh": p256dh,
        "auth": auth,
        "standard": given.flag("standard", False),
        "alerts": _dump(_alerts(call.params, {})),
        "policy": _policy(call.params, "all"),
        "locked_token": await lock_token(call.context, bearer_of(call.request) or "", token_id=token_id),
    }
    await call.context.writer.run(lambda: queries.put_subscription(row))
    return await _answer(call)


@routes.get("/api/v1/push/subscription", scope="push")
async def show(call: Call) -> web.Response:
    """The subscription of this token."""
    return await _answer(call)


@routes.put("/api/v1/push/subscription", scope="push")
@routes.patch("/api/v1/push/subscription", scope="push")
async def update(call: Call) -> web.Response:
    """Change what it is told of."""
    token_id = call.viewer.token_id
    row = await call.context.database.fetch_one(queries.SUBSCRIPTION, token_id=token_id)
    if row is None:
        raise not_found()
    alerts = _dump(_alerts(call.params, {}))
    policy = _policy(call.params, row["policy"])
    await call.context.writer.run(lambda: queries.change_subscription(token_id, alerts=alerts, policy=policy))
    return await _answer(call)


@routes.delete("/api/v1/push/subscription", scope="push")
async def delete(call: Call) -> web.Response:
    """No more push messages for this token."""
    token_id = call.viewer.token_id
    await call.context.writer.run(lambda: queries.delete_subscription(token_id))
    return call.json({})


async def _answer(call: Call) -> web.Response:
    row = await call.context.database.fetch_one(queries.SUBSCRIPTION, token_id=call.viewer.token_id)
    if row is None:
        raise not_found()
    return call.json(
        {
            "id": str(row["id"]),
            "endpoint": row["endpoint"],
            "standard": bool(row["standard"]),
            "alerts": dict.fromkeys(ALERTS, False) | orjson.loads(row["alerts"]),
            "policy": row["policy"],
            "server_key": await load_public_key(call.context),
        }
    )


def _alerts(params: Params, present: dict[str, bool]) -> dict[str, bool]:
    given = params.mapping("data").mapping("alerts")
    return present | {name: given.flag(name, False) for name in ALERTS if name in given}


def _policy(params: Params, present: str) -> str:
    # Some apps send it beside `data` instead of inside.
    policy = params.mapping("data").text("policy") or params.text("policy") or present
    if policy not in POLICIES:
        raise invalid("Policy is not included in the list")
    return policy


def _is_endpoint(text: str, *, development: bool) -> bool:
    if len(text) > _LONGEST_ENDPOINT or not text.isprintable():
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (development and parts.scheme == "http"))


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
