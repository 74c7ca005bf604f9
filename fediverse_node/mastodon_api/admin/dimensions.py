"""What the figures of the dashboard are made up of.  spec: mastodon-client-api#admin-dimensions"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.measures import about_of, human_bytes
from fediverse_node.mastodon_api.admin.periods import period_of
from fediverse_node.mastodon_api.admin.permissions import needs
from fediverse_node.mastodon_api.errors import bad_request
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import admin_shares as queries
from fediverse_node.storage.queries.admin_figures import Days

routes = Routes()

_MOST, _USUAL = 100, 10
_ABOUT: Mapping[str, str] = {
    "tag_servers": "tag_id",
    "tag_languages": "tag_id",
    "instance_accounts": "host",
    "instance_languages": "host",
}
_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_KEYS = frozenset((*queries.SHARES, "instance_accounts", "space_usage", "software_versions"))


@routes.post("/api/v1/admin/dimensions", scope="admin:read")
@needs(Permission.VIEW_DASHBOARD)
async def show(call: Call) -> web.Response:
    """Those that `keys` names, in that order; names that are none are left out, as in Mastodon."""
    days = period_of(call, is_required=False)
    most = call.params.number("limit", _USUAL)
    if most < 0:
        raise bad_request("limit must be positive")
    keys = [key for key in dict.fromkeys(call.params.list("keys")) if key in _KEYS]
    return call.json([{"key": key, "data": await _data(call, key, days, min(most, _MOST))} for key in keys])


async def _data(call: Call, key: str, days: Days, most: int) -> list[dict[str, Any]]:
    database = call.context.database
    if key == "space_usage":
        return await _space(call)
    if key == "software_versions":
        return await _versions(call)
    statement = queries.ACCOUNTS_THERE if key == "instance_accounts" else queries.SHARES[key]
    about = about_of(call.params.mapping(key), _ABOUT.get(key, ""), key)
    rows = await database.fetch(statement, patient=True, most=most, **days.values(), **about)
    return _items((row["name"], row["number"]) for row in rows)


def _items(rows: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    # Whoever has no app signed up here, in the browser or by the command line.
    return [{"key": name or "web", "human_key": name or "Website", "value": str(number)} for name, number in rows]


async def _space(call: Call) -> list[dict[str, Any]]:
    database = call.context.database
    parts = (
        (database.dialect, _ENGINES[database.dialect], queries.DATABASE_BYTES),
        ("media", "Media storage", queries.MEDIA_BYTES),
    )
    found = []
    for key, name, statement in parts:
        rows = await database.fetch(statement, patient=True)
        size = int(rows[0]["number"])
        item = {"key": key, "human_key": name, "value": str(size), "unit": "bytes"}
        found.append(item | {"human_value": human_bytes(size)})
    return found


async def _versions(call: Call) -> list[dict[str, Any]]:
    database = call.context.database
    rows = await database.fetch(queries.DATABASE_VERSION)
    parts = (
        ("fediverse_node", "fediverse_node", __version__),
        ("python", "Python", platform.python_version()),
        (database.dialect, _ENGINES[database.dialect], str(rows[0]["name"]).split(" ")[0]),
    )
    return [{"key": key, "human_key": name, "value": version, "human_value": version} for key, name, version in parts]
