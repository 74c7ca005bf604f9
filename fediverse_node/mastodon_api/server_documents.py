"""What the server promises and asks: privacy policy and terms of service.  spec: mastodon-client-api#instance

The texts are files in the data folder, which settings name. Terms have a date: that of the file's name in a folder of
versions (`2026-01-01.md`), else that on which the file was changed last. Without a file there is nothing: 404.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from aiohttp import web

from fediverse_node.base.clock import from_ms
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.pages import render_page, render_problem
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.protocol.markdown import LARGEST_CHARACTERS, clean_document, render_markdown

routes = Routes()

PRIVACY_PAGE, TERMS_PAGE = "/privacy-policy", "/terms-of-service"
_SUFFIXES = (".md", ".markdown", ".txt", ".html", ".htm")
_MOST_VERSIONS = 500
_FRESH = {"Cache-Control": "public, max-age=60"}


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text as HTML, and when it was changed."""

    content: str
    changed_ms: int


@routes.get("/api/v1/instance/privacy_policy")
async def privacy_policy(call: Call) -> web.Response:
    """What becomes of people's data."""
    text = await _load_policy(call.context)
    if text is None:
        raise not_found()
    call.headers |= _FRESH
    return call.json({"updated_at": render_moment(text.changed_ms), "content": text.content})


@routes.get("/api/v1/instance/terms_of_service")
async def terms_of_service(call: Call) -> web.Response:
    """The terms that are in force, or else the first that will be."""
    versions = await _load_versions(call.context)
    if not versions:
        raise not_found()
    call.headers |= _FRESH
    return call.json(await _render_terms(call.context, versions, _current(call.context, versions)))


@routes.get("/api/v1/instance/terms_of_service/{date}")
async def terms_of_date(call: Call) -> web.Response:
    """The terms that are, were or will be in force from a date on."""
    day, versions = _day_of(call.request.match_info["date"]), await _load_versions(call.context)
    if day is None or day not in versions:
        raise not_found()
    call.headers |= _FRESH
    return call.json(await _render_terms(call.context, versions, day))


async def show_privacy_page(request: web.Request) -> web.Response:
    """GET /privacy-policy, for people."""
    context = request.app[CONTEXT]
    return _page(context, "Privacy policy", await _load_policy(context))


async def show_terms_page(request: web.Request) -> web.Response:
    """GET /terms-of-service and /terms-of-service/{date}, for people."""
    context = request.app[CONTEXT]
    versions = await _load_versions(context)
    asked = request.match_info.get("date")
    day = _day_of(asked) if asked else _current(context, versions) if versions else None
    text = await _load_text(versions[day]) if day is not None and day in versions else None
    return _page(context, "Terms of service", text)


def _page(context: Context, title: str, text: Text | None) -> web.Response:
    if text is None:
        return render_problem(context, 404, "Nothing here", "This server has not written anything of the kind.")
    changed = from_ms(text.changed_ms).strftime("%Y-%m-%d")
    return render_page("document.html", context, title=title, content=text.content, changed=changed)


async def _render_terms(context: Context, versions: dict[date, Path], day: date) -> dict[str, Any]:
    text = await _load_text(versions[day])
    if text is None:
        raise not_found()
    later = [other for other in versions if other > day]
    return {
        "effective_date": day.isoformat(),
        "effective": day <= _today(context),
        "content": text.content,
        "succeeded_by": min(later).isoformat() if later else None,
    }


def _current(context: Context, versions: dict[date, Path]) -> date:
    in_force = [day for day in versions if day <= _today(context)]
    return max(in_force) if in_force else min(versions)


def _today(context: Context) -> date:
    return from_ms(context.world.clock.now_ms()).date()


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


async def _load_policy(context: Context) -> Text | None:
    name = context.config.privacy_policy
    return await _load_text(context.config.data_dir / name) if name else None


async def _load_text(path: Path) -> Text | None:
    return await asyncio.to_thread(_read, path)


async def _load_versions(context: Context) -> dict[date, Path]:
    name = context.config.terms_of_service
    return await asyncio.to_thread(_find_versions, context.config.data_dir / name) if name else {}


def _find_versions(path: Path) -> dict[date, Path]:
    try:
        if path.is_dir():
            files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in _SUFFIXES][-_MOST_VERSIONS:]
            return {day: file for file in files if (day := _day_of(file.stem)) is not None and file.is_file()}
        return {from_ms(int(path.stat().st_mtime * 1000)).date(): path}
    except OSError:
        return {}


def _read(path: Path) -> Text | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            written = file.read(LARGEST_CHARACTERS)
        changed_ms = int(path.stat().st_mtime * 1000)
    except OSError:
        return None
    is_html = path.suffix.lower() in (".html", ".htm")
    return Text(clean_document(written) if is_html else render_markdown(written), changed_ms)
