"""NodeInfo: which software this is and how many use it.

spec: nodeinfo-2.0, nodeinfo-2.1, fep-f1d5, fep-0151, fep-2677

Counting reads many rows, so it is done at most once a minute, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.base.config_values import Registration
from fediverse_node.protocol import nodeinfo
from fediverse_node.protocol.media_types import NODEINFO_JSON
from fediverse_node.storage.queries.federation_documents import USAGE
from fediverse_node.web import responses
from fediverse_node.web.context import WEB, WebContext

SOFTWARE_NAME = "fediverse-node"
_COUNT_AGAIN_MS = 60_000
_DAY_MS = 86_400_000


@dataclass(slots=True)
class UsageCounts:
    """The newest counts and when they were made (milliseconds; 0: never)."""

    counted_ms: int = 0
    users_total: int = 0
    users_active_month: int = 0
    users_active_half_year: int = 0
    posts: int = 0
    comments: int = 0


USAGE_COUNTS = web.AppKey("web.usage_counts", UsageCounts)


async def get_links(request: web.Request) -> web.Response:
    """GET /.well-known/nodeinfo."""
    context = request.app[WEB]
    return responses.json(request, nodeinfo.dump_links(context.config.base_url, context.names.instance_actor))


async def get_nodeinfo(request: web.Request) -> web.Response:
    """GET /nodeinfo/{version}."""
    version = request.match_info["version"]
    if version not in nodeinfo.VERSIONS:
        return responses.problem("There is NodeInfo 2.0, 2.1 and 2.2", 404)
    context = request.app[WEB]
    counts = await load_usage(context, request.app[USAGE_COUNTS])
    document: dict[str, Any] = nodeinfo.dump_nodeinfo(
        version,
        software_name=SOFTWARE_NAME,
        software_version=__version__,
        open_registrations=context.config.registration in (Registration.OPEN, Registration.APPROVAL),
        users_total=counts.users_total,
        users_active_month=counts.users_active_month,
        users_active_half_year=counts.users_active_half_year,
        posts=counts.posts,
        comments=counts.comments,
        node_name=context.config.title,
        node_description=context.config.description,
        metadata={
            # Mail need not be confirmed; somebody has to let people in where that is so set.
            "accountActivationRequired": context.config.registration is Registration.APPROVAL,
            "authorizedFetch": context.config.wants_signatures,
        },
    )
    return responses.json(request, document, content_type=NODEINFO_JSON.format(version=version))


async def load_usage(context: WebContext, counts: UsageCounts) -> UsageCounts:
    """The counts, at most a minute old."""
    now_ms = context.world.clock.now_ms()
    if counts.counted_ms and now_ms - counts.counted_ms < _COUNT_AGAIN_MS:
        return counts
    if counts.counted_ms:
        # Before the query: those who ask meanwhile get the old counts instead of counting too.
        counts.counted_ms = now_ms
    rows = await context.database.fetch(
        USAGE,
        patient=True,
        host=context.config.host,
        month_ms=now_ms - 30 * _DAY_MS,
        half_year_ms=now_ms - 180 * _DAY_MS,
    )
    row = rows[0]
    counts.counted_ms = now_ms
    counts.users_total = row["users_total"]
    counts.users_active_month = row["users_active_month"]
    counts.users_active_half_year = row["users_active_half_year"]
    counts.posts = row["posts"]
    counts.comments = row["comments"]
    return counts
