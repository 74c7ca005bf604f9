"""Posts of this server by the addresses that people have of them, as far as everybody may read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fediverse_node.domain.names import Names
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.storage.queries.federation_documents import OBJECTS_BY_IDS, OPEN

_PATHS = re.compile(r"/(?:@(?P<page>[^/@]+)/|users/(?P<user>[^/@]+)/statuses/)(?P<id>[0-9]{1,19})/?")


def post_at(url: str, names: Names) -> tuple[str, int] | None:
    """(user name, number) of the post whose page or id this address is, if it can be one of ours."""
    address = url.strip().partition("#")[0].partition("?")[0]
    if not address.startswith(names.base_url + "/"):
        return None
    found = _PATHS.fullmatch(address.removeprefix(names.base_url))
    if found is None or (id_ := parse_id(found["id"])) is None:
        return None
    return (found["page"] or found["user"]).lower(), id_


async def find_open_posts(context: Context, urls: Iterable[str]) -> list[Mapping[str, Any]]:
    """Rows of `select_post` of the posts at these addresses: local, public or unlisted, in the order of the addresses.

    What passes on the words of others has no words of its own, so it is none.
    """
    wanted = dict.fromkeys(place for url in urls if (place := post_at(url, context.world.names)) is not None)
    if not wanted:
        return []
    rows = {row["id"]: row for row in await context.database.fetch(OBJECTS_BY_IDS, ids=[id_ for _, id_ in wanted])}
    return [rows[id_] for name, id_ in wanted if id_ in rows and _is_shown(rows[id_], name)]


def _is_shown(row: Mapping[str, Any], username: str) -> bool:
    return (
        bool(row["local"])
        and row["author_username"].lower() == username
        and row["visibility"] <= OPEN
        and row["announce_of_id"] is None
        and row["author_suspended_ms"] is None
        and row["author_deleted_ms"] is None
    )
