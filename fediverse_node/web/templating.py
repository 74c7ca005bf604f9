"""The templates of the pages, compiled once, and the few files they load, under names that change with them."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fediverse_node import __version__
from fediverse_node.base.config import Config

_HERE = Path(__file__).resolve().parent
_FILES = ("style.css", "icon.svg")


@dataclass(frozen=True, slots=True)
class Site:
    """What every page says about the server."""

    title: str
    description: str
    contact: str
    host: str
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load."""

    body: bytes
    content_type: str


class Pages:
    """Renders templates. Everything put into one is escaped, unless it is Markup."""

    def __init__(self, config: Config) -> None:
        self.assets: dict[str, Asset] = {}
        self._addresses: dict[str, str] = {}
        for name in _FILES:
            self._add_asset(name)
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.globals["site"] = Site(config.title, config.description, config.contact_email, config.host)
        self._environment.globals["asset"] = self._addresses.__getitem__

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a page."""
        return self._environment.get_template(template).render(values)

    def _add_asset(self, name: str) -> None:
        body = (_HERE / "static" / name).read_bytes()
        stem, dot, suffix = name.rpartition(".")
        served = f"{stem}-{blake2b(body, digest_size=8).hexdigest()}{dot}{suffix}"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.assets[served] = Asset(body, f"{kind}; charset=utf-8")
        self._addresses[name] = f"/assets/{served}"

    def address_of(self, name: str) -> str:
        """The path under which an asset is served."""
        return self._addresses[name]


PAGES = web.AppKey("web.pages", Pages)


async def get_asset(request: web.Request) -> web.Response:
    """GET /assets/{name}: the name holds the fingerprint, so it may be kept for ever."""
    asset = request.app[PAGES].assets.get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    headers = {
        "Content-Type": asset.content_type,
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        # Opened by itself, a drawing is a document.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return web.Response(body=asset.body, headers=headers)


async def get_favicon(request: web.Request) -> web.Response:
    """GET /favicon.ico: browsers and readers of feeds ask there where no page tells them better."""
    headers = {"Location": request.app[PAGES].address_of("icon.svg"), "Cache-Control": "public, max-age=86400"}
    return web.Response(status=302, headers=headers)
