"""What people write about themselves becomes HTML: their note, the table of their profile, its emojis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import acct_of
from fediverse_node.protocol import plain_text
from fediverse_node.storage.queries.accounts import ID_BY_HANDLE, load_accounts
from fediverse_node.storage.queries.emojis import OURS_BY_SHORTCODE

_MOST_MENTIONS = 20
_SHORTCODE = re.compile(r"(?<![A-Za-z0-9_]):([A-Za-z0-9_]{2,100}):(?![A-Za-z0-9_])")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


async def render_note(text: str, context: Context) -> str:
    """The note as HTML. People who are known here are linked; nobody is asked over the network."""
    return plain_text.render(text, await _mentions(text, context), context.world.names.hashtag_page)


async def render_fields(
    pairs: Sequence[tuple[str, str]], context: Context, *, stored: str
) -> tuple[str, list[dict[str, str]]]:
    """The table as stored JSON and as source. What was verified stays so while its value stays the same."""
    verified = {(field["name"], field["value"]): field.get("verified_at") for field in orjson.loads(stored)}
    rows, source = [], []
    for name, value in pairs:
        html = await _render_value(value, context)
        rows.append({"name": name, "value": html, "verified_at": verified.get((name, html))})
        source.append({"name": name, "value": value})
    return orjson.dumps(rows).decode(), source


async def find_emojis(context: Context, *texts: str) -> str:
    """The emojis of this server that the texts use, as stored JSON."""
    shortcodes = list(dict.fromkeys(code for text in texts for code in _SHORTCODE.findall(text)))
    if not shortcodes:
        return "[]"
    rows = await context.database.fetch(OURS_BY_SHORTCODE, shortcodes=shortcodes)
    return orjson.dumps(
        [{"shortcode": r["shortcode"], "url": r["url"], "static_url": r["static_url"]} for r in rows]
    ).decode()


async def _render_value(value: str, context: Context) -> str:
    if _ADDRESS.fullmatch(value):
        shown = value.partition("://")[2]
        # `me` is what the other side checks.  spec: relmeauth
        return (
            f'<a href="{escape(value)}" target="_blank" rel="nofollow noopener noreferrer me" translate="no">'
            f'<span class="invisible">{escape(value[: -len(shown)])}</span><span class="">{escape(shown)}</span></a>'
        )
    html = plain_text.render(value, await _mentions(value, context), context.world.names.hashtag_page)
    return html.removeprefix("<p>").removesuffix("</p>")


async def _mentions(text: str, context: Context) -> dict[str, tuple[str, str]]:
    found: dict[str, int] = {}
    for user, host in plain_text.find_mentions(text)[:_MOST_MENTIONS]:
        where = (host or context.world.names.host).lower()
        row = await context.database.fetch_one(ID_BY_HANDLE, username=user.lower(), host=where)
        if row is not None:
            found[plain_text.handle_key(user, host)] = row["id"]
    accounts: dict[int, Any] = dict(await load_accounts(context.database, found.values()))
    return {
        key: (accounts[id_]["url"] or accounts[id_]["uri"], acct_of(accounts[id_]))
        for key, id_ in found.items()
        if id_ in accounts
    }
