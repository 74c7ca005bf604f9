"""Admin::Account: somebody as moderators see them.  spec: mastodon-client-api#Admin::Account

Of those elsewhere there is nobody who signs in: text is empty then, and nothing waits to be confirmed or let in, so
that apps which know no null go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.domain.addresses import unpack
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.entities.role import render_role

Row = Mapping[str, Any]


def render_admin_account(
    account: Row, state: Row, user: Row | None, addresses: Sequence[Row], context: Context
) -> dict[str, Any]:
    """The entity of a row of `load_accounts`, its flags, who signs in as it, and from where."""
    ips = [{"ip": unpack(row["address"]), "used_at": render_moment(row["used_ms"])} for row in addresses]
    entity: dict[str, Any] = {
        "id": str(account["id"]),
        "username": account["username"],
        "domain": None if account["local"] else account["host"],
        "created_at": render_moment(account["created_ms"]),
        "email": user["email"] if user is not None else "",
        "ip": ips[0]["ip"] if ips else None,
        "ips": ips,
        "locale": user["locale"] if user is not None else "",
        "invite_request": (user["invite_request"] or None) if user is not None else None,
        "role": render_role(user["role"] if user is not None else None),
        "confirmed": user is None or user["confirmed_ms"] is not None,
        "approved": user is None or user["approved_ms"] is not None,
        "disabled": user is not None and user["disabled_ms"] is not None,
        "sensitized": state["sensitized_ms"] is not None,
        "silenced": state["silenced_ms"] is not None,
        "suspended": state["suspended_ms"] is not None,
        "account": render_account(account, context),
    }
    if user is not None and user["app_id"] is not None:
        entity["created_by_application_id"] = str(user["app_id"])
    if user is not None and user["invited_by_id"] is not None:
        entity["invited_by_account_id"] = str(user["invited_by_id"])
    return entity
