"""Trends: nothing is put forward here by how often it was clicked, so these lists are always empty.

The methods exist because apps call them and show an error where they are missing.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.mastodon_api.routing import Call, Routes

routes = Routes()


async def nothing(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/trends/tags; links and statuses too"""
    return call.json(b"[]")


for _path in ("/api/v1/trends", "/api/v1/trends/tags", "/api/v1/trends/links", "/api/v1/trends/statuses"):
    routes.get(_path, scope="read", anonymous=True, app=True)(nothing)
