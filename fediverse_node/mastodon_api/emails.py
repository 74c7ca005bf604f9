"""Confirming an e-mail address again.  spec: mastodon-client-api#emails

Whoever has not confirmed gets no further than the door (viewer.py), and this server sends no mail of its own: people
are let in by links. So what is left to answer is what Mastodon answers to those whose address is confirmed.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.routing import Call, Routes

routes = Routes()


@routes.post("/api/v1/emails/confirmations", scope="write:accounts")
async def send_again(call: Call) -> web.Response:
    """Send the mail with the link again."""
    raise ApiError(403, "This method is only available while the e-mail is awaiting confirmation")
