"""Accounts as moderators see them, loaded for several methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fediverse_node.domain.roles import Role, role_of
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import acct_of
from fediverse_node.mastodon_api.entities.admin_account import render_admin_account
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.outbox.moderation_desk import Subject
from fediverse_node.storage.queries import admin_accounts as queries
from fediverse_node.storage.queries.accounts import load_account, load_accounts

_MOST_ADDRESSES = 50


async def render_people(context: Context, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Admin::Account by id; ids that do not exist, or of accounts that were deleted, are absent."""
    accounts = await load_accounts(context.database, ids)
    if not accounts:
        return {}
    known = list(accounts)
    states = {row["id"]: row for row in await context.database.fetch(queries.STATES, ids=known)}
    people: dict[int, Any] = {}
    for row in await context.database.fetch(queries.USERS, ids=known):
        people.setdefault(row["actor_id"], row)
    addresses: dict[int, list[Any]] = {row["id"]: [] for row in people.values()}
    if addresses:
        for row in await context.database.fetch(queries.ADDRESSES, ids=list(addresses)):
            addresses[row["user_id"]].append(row)
    return {
        id_: render_admin_account(
            account,
            states[id_],
            people.get(id_),
            addresses[people[id_]["id"]][:_MOST_ADDRESSES] if id_ in people else (),
            context,
        )
        for id_, account in accounts.items()
        if id_ in states
    }


async def require_subject(context: Context, id_: int) -> tuple[Subject, Mapping[str, Any]]:
    """Whom an act is about, and the account's row; 404 where there is nobody (the server's own actor is nobody)."""
    row = await load_account(context.database, id_)
    if row is None or (row["local"] and row["type"] == "Application"):
        raise not_found()
    suspended = row["suspended_ms"] is not None
    return Subject(row["id"], row["uri"], bool(row["local"]), acct_of(row), suspended), row


def role_on(row: Mapping[str, Any]) -> Role:
    """The role of an account."""
    return role_of(row["role"] if row["local"] else None)
