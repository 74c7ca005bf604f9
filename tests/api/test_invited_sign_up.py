"""People sign up through an app by an invitation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from fediverse_node.storage.queries.invites import invite
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import users
from tests.api.conftest import ApiNode, Reply
from tests.inprocess import running_node

_USERS = Statement(select(users))


async def _sign_up(node: ApiNode, name: str, **more: Any) -> Reply:
    app = await node.app()
    data = {"client_id": app["client_id"], "client_secret": app["client_secret"], "scope": "read write follow push"}
    token = (await node.call("POST", "/oauth/token", data={**data, "grant_type": "client_credentials"})).json
    person = {"username": name, "email": f"{name}@mail.example", "password": "correct horse", "agreement": "true"}
    return await node.call(
        "POST",
        "/api/v1/accounts",
        headers={"Authorization": f"Bearer {token['access_token']}"},
        json={**person, **more},
    )


@pytest.mark.parametrize(
    ("policy", "without", "with_one"),
    [("closed", 403, 403), ("invite", 403, 200), ("approval", 422, 200), ("open", 200, 200)],
)
async def test_an_invitation_lets_in_where_registration_is_not_open(
    tmp_path: Path, policy: str, without: int, with_one: int
) -> None:
    async with running_node(tmp_path, REGISTRATION=policy) as running, aiohttp.ClientSession() as session:
        node = ApiNode(running, session)
        alice = await node.add("alice")
        row = {"id": 1, "code": "door", "actor_id": alice.actor_id, "created_ms": 1, "expires_ms": None}
        await running.node.core.writer.run(lambda: invite({**row, "most_uses": 1}))
        assert (await _sign_up(node, "dan")).status == without
        assert (await _sign_up(node, "eve", invite_code="door")).status == with_one
        over = await _sign_up(node, "finn", invite_code="door")
        if with_one == 200:
            assert over.status == 422
            assert over.json["details"]["invite_code"][0]["error"] == "ERR_INVALID"
            rows = await running.node.core.database.fetch(_USERS)
            [eve] = [row for row in rows if row["email"] == "eve@mail.example"]
            assert (eve["invited_by_id"], eve["approved_ms"] is not None) == (alice.actor_id, True)
        else:
            assert over.status == 403
