"""The page on which people see which apps and browsers act for them, and put them out."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from fediverse_node.base.clock import from_ms
from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.pages import page_headers, render_page
from fediverse_node.mastodon_api.routing import SURFACE
from fediverse_node.mastodon_api.scopes import describe_scopes
from fediverse_node.mastodon_api.sessions import Session, is_ours, load_session
from fediverse_node.mastodon_api.sign_in_tries import STALE, problem_of
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.queries import authorized as queries

PATH = "/auth/apps"
# As much of a session's hash names it on the page.
_NAME_CHARACTERS = 20
# Each pretends to be those behind it, so the order counts.
_BROWSERS = (
    ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Edg", "Edge"), ("OPR/", "Opera"), ("Vivaldi/", "Vivaldi"),
    ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class App:
    """An app that was let in, once or several times."""

    id: int
    name: str
    website: str
    may: tuple[str, ...]
    since: str
    used: str


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser on which the person is signed in."""

    name: str
    browser: str
    since: str
    is_this: bool


async def show(request: web.Request) -> web.Response:
    """Apps and browsers."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    return _go_to("/auth/sign_in") if session is None else await _page(context, session)


async def put_out(request: web.Request) -> web.Response:
    """`app` or `session` names what shall act for the person no more."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    if session is None:
        return _go_to("/auth/sign_in")
    try:
        params = await read_params(request, context.config)
        if not is_ours(request, params.text("form_token", ""), session.secret):
            return await _page(context, session, problem=STALE, status=403)
        app, name = params.text("app", ""), params.text("session", "")
    except ApiError as error:
        return problem_of(error, context)
    user_id = session.user["user_id"]
    if app.isascii() and app.isdigit() and len(app) <= 18:
        app_id = int(app)
        for token_id in await context.writer.run(lambda: queries.put_out_app(user_id, app_id)):
            request.app[SURFACE].viewers.forget(token_id)
        return await _page(context, session, done="The app is signed out.")
    ended = await _session_named(context, user_id, name)
    if ended is None:
        return await _page(context, session, problem="It was signed out already.", status=422)
    await context.writer.run(lambda: queries.put_out_session(user_id, ended))
    return await _page(context, session, done="The browser is signed out.")


async def _session_named(context: Context, user_id: int, name: str) -> str | None:
    rows = await context.database.fetch(queries.SESSIONS, user_id=user_id, now_ms=context.world.clock.now_ms())
    found = (row["token_hash"] for row in rows if hmac.compare_digest(row["token_hash"][:_NAME_CHARACTERS], name))
    return next(found, None) if name.isascii() else None


async def _page(
    context: Context, session: Session, *, done: str = "", problem: str = "", status: int = 200
) -> web.Response:
    user_id = session.user["user_id"]
    tokens = await context.database.fetch(queries.APPS, user_id=user_id)
    rows = await context.database.fetch(queries.SESSIONS, user_id=user_id, now_ms=context.world.clock.now_ms())
    this = hash_token(session.secret)
    return render_page(
        "apps.html",
        context,
        status=status,
        apps=list(_apps(tokens)),
        browsers=[
            BrowserSession(
                row["token_hash"][:_NAME_CHARACTERS],
                _browser_of(row["user_agent"]),
                _day(row["created_ms"]),
                row["token_hash"] == this,
            )
            for row in rows
        ],
        done=done,
        problem=problem,
        form_token=session.form_token,
    )


def _apps(rows: Iterable[Mapping[str, Any]]) -> Iterable[App]:
    """One for each app, the one that was used last first."""
    by_app: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_app.setdefault(row["app_id"], []).append(row)
    for app_id, listed in by_app.items():
        scopes = dict.fromkeys(scope for row in listed for scope in row["scopes"].split())
        used = [row["last_used_ms"] for row in listed if row["last_used_ms"] is not None]
        website = listed[0]["website"] or ""
        yield App(
            app_id,
            listed[0]["name"] or "Made on the server, without an app",
            website if website.startswith(("https://", "http://")) else "",
            tuple(describe_scopes(tuple(scopes))),
            _day(min(row["created_ms"] for row in listed)),
            _day(max(used)) if used else "",
        )


def _browser_of(user_agent: str) -> str:
    """`Firefox on Linux`; what is not known is shown as it called itself."""
    name = next((words for mark, words in _BROWSERS if mark in user_agent), None)
    system = next((words for mark, words in _SYSTEMS if mark in user_agent), None)
    if name is None:
        return user_agent or "Unknown browser"
    return f"{name} on {system}" if system is not None else name


def _day(ms: int) -> str:
    return f"{from_ms(ms):%Y-%m-%d}"


def _go_to(path: str) -> web.Response:
    return web.Response(status=303, headers={**page_headers(), "Location": path})
