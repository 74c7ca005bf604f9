"""The few pages of the client API: sign-in, consent, welcome. Plain HTML, no scripts, nothing from elsewhere.

These are pages for people at a browser, so they answer in HTML, errors included.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fediverse_node.mastodon_api.context import Context

_HERE = Path(__file__).parent
STYLE_PATH = "/oauth/style.css"
_STATIC = {
    STYLE_PATH: ("pages.css", "text/css; charset=utf-8"),
    "/avatars/original/missing.png": ("avatar.png", "image/png"),
    "/headers/original/missing.png": ("header.png", "image/png"),
}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(
    template: str, context: Context, *, status: int = 200, sends_to: str | None = None, **values: object
) -> web.Response:
    """A page. `sends_to`: where a form's answer may send the browser on to, which browsers count as the form's aim."""
    text = _environment().get_template(template).render(config=context.config, style=STYLE_PATH, **values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update(page_headers(sends_to))
    return response


def page_headers(sends_to: str | None = None) -> dict[str, str]:
    """What keeps a page of ours to itself."""
    aims = "'self'" + (f" {source}" if (source := _source_of(sends_to)) else "")
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none';"
        f" form-action {aims}"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def render_problem(context: Context, status: int, title: str, text: str) -> web.Response:
    """A page that says what went wrong and what to do."""
    return render_page("problem.html", context, status=status, title=title, text=text)


def _source_of(uri: str | None) -> str:
    """The source expression of a redirect URI: its origin, or the scheme of an app on the device."""
    if not uri:
        return ""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".replace(";", "").replace(",", "")
    return f"{parts.scheme}:" if parts.scheme and parts.scheme != "urn" else ""


def mount_static(app: web.Application) -> None:
    """Serve the style sheet and the pictures of accounts that have none."""
    for path, (name, media_type) in _STATIC.items():
        app.router.add_get(path, _serve((_HERE / "static" / name).read_bytes(), media_type))


def _serve(body: bytes, media_type: str) -> web.Handler:  # type: ignore[name-defined]
    headers = {
        "Content-Type": media_type,
        "Cache-Control": "public, max-age=86400",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
    }

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return serve
