"""People sign in: by password, or once by a link from the command line; and set their password.

Tries are counted by address and by account. A link is spent by a button, not by opening it, so that previews of
messengers and mail scanners do not burn it.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.intent_links import onward
from fediverse_node.mastodon_api.pages import page_headers, render_page, render_problem
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.second_factor import admit
from fediverse_node.mastodon_api.sessions import (
    Session,
    drop_pending,
    end_session,
    form_token_of,
    is_ours,
    keep_visitor,
    load_session,
    pending_of,
    visitor_of,
    visitor_secret,
)
from fediverse_node.mastodon_api.sign_in_tries import STALE, count_try, problem_of
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.outbox.passwords import LONGEST, SHORTEST, hash_password, is_acceptable, verify_password
from fediverse_node.storage.queries import oauth, users
from fediverse_node.storage.unit import Unit

WELCOME = "/auth/welcome"
_WRONG = "That is not right. Check your name or e-mail address and your password, and try again."


def sign_in_page(
    request: web.Request,
    context: Context,
    *,
    app_name: str = "",
    query: str = "",
    login: str = "",
    problem: str = "",
    status: int = 200,
) -> web.Response:
    """The form. `query` is that of the authorisation which goes on afterwards."""
    secret = visitor_secret(request, context)
    response = render_page(
        "sign_in.html",
        context,
        status=status,
        app_name=app_name,
        query=query,
        login=login,
        problem=problem,
        form_token=form_token_of(secret),
    )
    keep_visitor(response, context, secret)
    return response


async def show_sign_in(request: web.Request) -> web.Response:
    """The form, for those who come without an app."""
    context = request.app[CONTEXT]
    if await load_session(request, context) is not None:
        return go_to(WELCOME)
    return sign_in_page(request, context)


async def sign_in(request: web.Request) -> web.Response:
    """Name or address and password."""
    context = request.app[CONTEXT]
    try:
        params = await read_params(request, context.config)
        login, password = params.text("login", "").strip(), params.text("password", "")
        query, form_token = _cleaned(params.text("query", "")), params.text("form_token", "")
        if not is_ours(request, form_token, visitor_of(request, context)):
            return sign_in_page(request, context, query=query, login=login, problem=STALE, status=403)
        name = login.removeprefix("@").lower()
        row = await context.database.fetch_one(users.USER_BY_LOGIN, login=name)
        # One count an account, whether it is called by name or by address.
        count_try(request, row["id"] if row else name)
    except ApiError as error:
        return problem_of(error, context)
    if not await verify_password(row["password_hash"] if row else None, password) or row is None:
        return sign_in_page(request, context, query=query, login=login, problem=_WRONG, status=422)
    if row["disabled_ms"] is not None:
        return render_problem(context, 403, "This account is closed", "Write to whoever runs this server.")
    return await admit(request, context, row["id"], query=query, to=WELCOME)


async def sign_out(request: web.Request) -> web.Response:
    """End the session, and go on to sign in as somebody else."""
    context = request.app[CONTEXT]
    form = await _own_form(request, context)
    if isinstance(form, web.Response):
        return form
    session, params = form
    query = _cleaned(params.text("query", ""))
    response = go_to(onward(query) if query else "/auth/sign_in")
    await end_session(response, context, session)
    return response


async def show_link(request: web.Request) -> web.Response:
    """A button that spends the link."""
    context = request.app[CONTEXT]
    token = request.match_info["token"]
    now_ms = context.world.clock.now_ms()
    row = await context.database.fetch_one(oauth.LINK, token_hash=hash_token(token), now_ms=now_ms)
    if row is None:
        return _spent(context)
    user = await context.database.fetch_one(users.USER, id=row["user_id"])
    if user is None or user["disabled_ms"] is not None:
        return _spent(context)
    secret = visitor_secret(request, context)
    response = render_page("link.html", context, user=user, form_token=form_token_of(secret))
    keep_visitor(response, context, secret)
    return response


async def spend_link(request: web.Request) -> web.Response:
    """The button was pressed."""
    context = request.app[CONTEXT]
    try:
        params = await read_params(request, context.config)
        if not is_ours(request, params.text("form_token", ""), visitor_of(request, context)):
            return render_problem(context, 403, "Please try again", STALE)
        count_try(request)
    except ApiError as error:
        return problem_of(error, context)
    token_hash, now_ms = hash_token(request.match_info["token"]), context.world.clock.now_ms()
    user_id = await context.writer.run(lambda: oauth.take_link(token_hash, now_ms))
    user = await context.database.fetch_one(users.USER, id=user_id) if user_id is not None else None
    if user is None or user["disabled_ms"] is not None:
        return _spent(context)
    pending = _cleaned(pending_of(request, context))
    response = await admit(request, context, user["id"], query=pending, to=WELCOME)
    drop_pending(response, context)
    return response


async def show_welcome(request: web.Request) -> web.Response:
    """How to connect an app, and a form for the password."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    return go_to("/auth/sign_in") if session is None else _welcome(context, session)


async def set_password(request: web.Request) -> web.Response:
    """A first or a new password. Where there was one, it is asked for."""
    context = request.app[CONTEXT]
    form = await _own_form(request, context)
    if isinstance(form, web.Response):
        return form
    session, params = form
    try:
        password, repeated = params.text("password", ""), params.text("repeated", "")
        current = params.text("current", "")
        count_try(request, session.user["user_id"])
    except ApiError as error:
        return problem_of(error, context)
    if not is_acceptable(password):
        return _welcome(context, session, problem=f"Please choose {SHORTEST} to {LONGEST} characters.", status=422)
    if password != repeated:
        return _welcome(context, session, problem="The two passwords are not the same.", status=422)
    stored = session.user["password_hash"]
    if stored is not None and not await verify_password(stored, current):
        return _welcome(context, session, problem="The current password is not right.", status=422)
    hashed, user_id = await hash_password(password), session.user["user_id"]

    def unit() -> Unit[None]:
        yield from users.set_password(user_id, hashed)
        yield from oauth.drop_other_sessions(user_id, hash_token(session.secret))

    await context.writer.run(unit)
    changed = await load_session(request, context)
    return _welcome(context, changed or session, done="Your password is set.")


def _welcome(
    context: Context, session: Session, *, problem: str = "", done: str = "", status: int = 200
) -> web.Response:
    return render_page(
        "welcome.html",
        context,
        status=status,
        user=session.user,
        has_password=session.user["password_hash"] is not None,
        shortest=SHORTEST,
        longest=LONGEST,
        problem=problem,
        done=done,
        form_token=session.form_token,
    )


async def _own_form(request: web.Request, context: Context) -> tuple[Session, Params] | web.Response:
    """The session and what its own form says, or else the page to answer with."""
    session = await load_session(request, context)
    if session is None:
        return go_to("/auth/sign_in")
    try:
        params = await read_params(request, context.config)
        if is_ours(request, params.text("form_token", ""), session.secret):
            return session, params
    except ApiError as error:
        return problem_of(error, context)
    return render_problem(context, 403, "Please try again", STALE)


def _cleaned(query: str) -> str:
    """A query that came through a form, as one that may stand in an address."""
    return urlencode(parse_qsl(query)[:20])


def _spent(context: Context) -> web.Response:
    text = "A sign-in link works once, and not for long. Sign in with your password, or ask for a new link."
    return render_problem(context, 404, "This link does not work any more", text)


def go_to(path: str) -> web.Response:
    """To another page of ours, by GET."""
    return web.Response(status=303, headers={**page_headers(), "Location": path})
