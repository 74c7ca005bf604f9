"""People come in by invitation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.registration import Account, RegistrationFault
from fediverse_node.storage.queries.invites import invite
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, invites, users
from tests.api.talking_node import Person, TalkingNode, talking_node

_INVITES = Statement(select(invites))
_USERS = Statement(select(users))


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _invite(node: TalkingNode, inviter: Person, code: str = "door", **values: Any) -> None:
    row = {"id": node.context.world.ids.next(), "code": code, "actor_id": inviter.actor_id, "created_ms": 1}
    await node.run(lambda: invite({**row, "most_uses": None, "expires_ms": None, **values}))


async def _join(node: TalkingNode, name: str, code: str = "door", **more: Any) -> Account | Fail:
    return await node.context.registration.create(
        name, more.pop("email", f"{name}@mail.example"), password="correct horse", invite_code=code, **more
    )


async def _uses(node: TalkingNode) -> list[int]:
    return [row["uses"] for row in await node.context.database.fetch(_INVITES)]


async def test_whoever_comes_by_an_invitation_is_known_to_have(node: TalkingNode) -> None:
    alice = await node.person("alice")
    await _invite(node, alice)
    dan, eve = await _join(node, "dan"), await _join(node, "eve")
    assert isinstance(dan, Account)
    assert isinstance(eve, Account)
    rows = {row["id"]: row["invited_by_id"] for row in await node.context.database.fetch(_USERS)}
    assert rows == {alice.user_id: None, dan.user_id: alice.actor_id, eve.user_id: alice.actor_id}
    assert await _uses(node) == [2]


@pytest.mark.parametrize("values", [{"expires_ms": 2}, {"code": "another"}, {"of": {"suspended_ms": 1}}])
async def test_what_does_not_hold_any_more_lets_nobody_in(node: TalkingNode, values: dict[str, Any]) -> None:
    values, alice = dict(values), await node.person("alice")
    await node.set(actors, alice.actor_id, **values.pop("of", {"deleted_ms": None}))
    await _invite(node, alice, **values)
    assert await _join(node, "dan") == Fail(RegistrationFault.INVITE_OVER)
    assert len(await node.context.database.fetch(_USERS)) == 1
    assert await _uses(node) == [0]


async def test_an_account_that_cannot_be_made_uses_nothing_up(node: TalkingNode) -> None:
    alice = await node.person("alice")
    await _invite(node, alice, most_uses=1)
    assert await _join(node, "alice") == Fail(RegistrationFault.TAKEN, "alice")
    assert await _join(node, "dan", email="alice@example.org") == Fail(
        RegistrationFault.EMAIL_TAKEN, "alice@example.org"
    )
    assert await _uses(node) == [0]
    assert isinstance(await _join(node, "dan"), Account)


async def test_of_many_who_come_at_once_as_many_come_in_as_are_invited(node: TalkingNode) -> None:
    alice = await node.person("alice")
    await _invite(node, alice, most_uses=2)
    made = await asyncio.gather(*(_join(node, f"guest{number}") for number in range(5)))
    assert sum(isinstance(each, Account) for each in made) == 2
    assert await _uses(node) == [2]
