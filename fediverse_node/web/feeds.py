"""RSS and Atom of a profile.  spec: rss2, rfc4287

What everybody may read, without boosts and answers to others. A content warning stands before its text, as a
feed reader cannot fold it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime
from html import escape
from typing import Any
from xml.etree import ElementTree as Xml

import orjson
from aiohttp import web

from fediverse_node.base.clock import from_ms
from fediverse_node.domain.names import Names
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.storage.queries.feeds import FEED_POSTS
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import ANYBODY, shown
from fediverse_node.web.local_actors import load_actor
from fediverse_node.web.rich_text import excerpt, plain_name

Row = Any
_POSTS_LIMIT = 30
_TITLE_CHARACTERS = 80
_ATOM = "http://www.w3.org/2005/Atom"
_AGE_S = 300
# spec: xml#charsets: these make a document that no reader opens.
_NOT_IN_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))

Xml.register_namespace("atom", _ATOM)


async def get_rss(request: web.Request) -> web.Response:
    """GET /@{name}.rss."""
    found = await _load(request)
    if isinstance(found, web.Response):
        return found
    body = _rss(found[0], found[1], request.app[WEB].names)
    return _feed(request, body, "application/rss+xml; charset=utf-8", found[0])


async def get_atom(request: web.Request) -> web.Response:
    """GET /@{name}.atom."""
    found = await _load(request)
    if isinstance(found, web.Response):
        return found
    body = _atom(found[0], found[1], request.app[WEB].names)
    return _feed(request, body, "application/atom+xml; charset=utf-8", found[0])


async def _load(request: web.Request) -> tuple[Row, list[Row]] | web.Response:
    context = request.app[WEB]
    actor = await load_actor(context, request.match_info["name"])
    if actor is None or actor["suspended_ms"] is not None:
        return problems.not_found(request)
    if actor["deleted_ms"] is not None:
        return responses.problem("Gone", 410)
    rows = await context.database.fetch(FEED_POSTS, actor_id=actor["id"], limit=_POSTS_LIMIT)
    return actor, shown(rows, ANYBODY)


def _feed(request: web.Request, root: Xml.Element, content_type: str, actor: Row) -> web.Response:
    body: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    answer = responses.data(request, body, content_type, age_s=_AGE_S)
    if not (actor["discoverable"] and actor["indexable"]):
        answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _rss(actor: Row, rows: Sequence[Row], names: Names) -> Xml.Element:
    page = names.profile_page(actor["username"])
    root = Xml.Element("rss", {"version": "2.0"})
    channel = Xml.SubElement(root, "channel")
    _add(channel, "title", _who(actor))
    _add(channel, "link", page)
    _add(channel, "description", to_plain_text(actor["summary"]) or _who(actor))
    Xml.SubElement(channel, f"{{{_ATOM}}}link", {"rel": "self", "type": "application/rss+xml", "href": f"{page}.rss"})
    if actor["icon_url"]:
        image = Xml.SubElement(channel, "image")
        _add(image, "url", names.media(actor["icon_url"]))
        _add(image, "title", _who(actor))
        _add(image, "link", page)
    for row in rows:
        item = Xml.SubElement(channel, "item")
        link = names.object_page(actor["username"], row["id"])
        _add(item, "title", _title(row))
        _add(item, "link", link)
        _add(item, "guid", row["uri"]).set("isPermaLink", "false")
        _add(item, "pubDate", format_datetime(from_ms(row["published_ms"]), usegmt=True))
        _add(item, "description", _content(row, names))
        for name in orjson.loads(row["parts"]).get("tags") or ():
            _add(item, "category", str(name))
    return root


def _atom(actor: Row, rows: Sequence[Row], names: Names) -> Xml.Element:
    page = names.profile_page(actor["username"])
    root = Xml.Element(f"{{{_ATOM}}}feed")
    _add(root, f"{{{_ATOM}}}id", actor["uri"])
    _add(root, f"{{{_ATOM}}}title", _who(actor))
    newest_ms = max((row["edited_ms"] or row["published_ms"] for row in rows), default=actor["created_ms"])
    _add(root, f"{{{_ATOM}}}updated", _iso(newest_ms))
    _link(root, "alternate", page, "text/html")
    _link(root, "self", f"{page}.atom", "application/atom+xml")
    author = Xml.SubElement(root, f"{{{_ATOM}}}author")
    _add(author, f"{{{_ATOM}}}name", _name(actor))
    _add(author, f"{{{_ATOM}}}uri", page)
    if actor["icon_url"]:
        _add(root, f"{{{_ATOM}}}icon", names.media(actor["icon_url"]))
    for row in rows:
        entry = Xml.SubElement(root, f"{{{_ATOM}}}entry")
        _add(entry, f"{{{_ATOM}}}id", row["uri"])
        _add(entry, f"{{{_ATOM}}}title", _title(row))
        _add(entry, f"{{{_ATOM}}}published", _iso(row["published_ms"]))
        _add(entry, f"{{{_ATOM}}}updated", _iso(row["edited_ms"] or row["published_ms"]))
        _link(entry, "alternate", names.object_page(actor["username"], row["id"]), "text/html")
        content = _add(entry, f"{{{_ATOM}}}content", _content(row, names))
        content.set("type", "html")
        if row["language"]:
            content.set("{http://www.w3.org/XML/1998/namespace}lang", row["language"])
        for name in orjson.loads(row["parts"]).get("tags") or ():
            Xml.SubElement(entry, f"{{{_ATOM}}}category", {"term": _clean(str(name))})
    return root


def _content(row: Row, names: Names) -> str:
    """The HTML of a post, its pictures after it: they are ours, the reader asked for them by subscribing."""
    warning = row["summary"].strip()
    parts = [f"<p><strong>{escape(warning)}</strong></p><hr>"] if warning else []
    parts.append(sanitise(row["content"]))
    for item in orjson.loads(row["attachments"]):
        path, description = item.get("path"), escape(str(item.get("description") or ""))
        if path and item.get("type") == "image" and not row["sensitive"]:
            parts.append(f'<p><img src="{escape(names.media(path))}" alt="{description}"></p>')
        elif path:
            parts.append(f'<p><a href="{escape(names.media(path))}">{description or "Attached file"}</a></p>')
    if row["options"] is not None:
        parts += ["<ul>", *(f"<li>{escape(str(title))}</li>" for title in orjson.loads(row["options"])), "</ul>"]
    return "".join(parts)


def _title(row: Row) -> str:
    text = row["summary"].strip() or to_plain_text(row["content"])
    return excerpt(text, _TITLE_CHARACTERS) or "Media"


def _name(actor: Row) -> str:
    return plain_name(actor["name"], orjson.loads(actor["emojis"])) or str(actor["username"])


def _who(actor: Row) -> str:
    return f"{_name(actor)} (@{actor['username']}@{actor['host']})"


def _iso(ms: int) -> str:
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: Xml.Element, name: str, text: str) -> Xml.Element:
    element = Xml.SubElement(parent, name)
    element.text = _clean(text)
    return element


def _link(parent: Xml.Element, rel: str, href: str, type_: str) -> None:
    Xml.SubElement(parent, f"{{{_ATOM}}}link", {"rel": rel, "type": type_, "href": href})


def _clean(text: str) -> str:
    return text.translate(_NOT_IN_XML)
