"""The second factor on pages: asked for after the password, set up, and taken away by whoever is signed in.

A sign-in that waits for its code is kept for ten minutes under a cookie of its own, which is no session: with it one
can give a code and nothing else. Tries are counted with those of passwords.
"""

from __future__ import annotations

from aiohttp import web
from markupsafe import Markup

from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.intent_links import onward
from fediverse_node.mastodon_api.pages import page_headers, render_page
from fediverse_node.mastodon_api.sessions import (
    Session,
    begin_session,
    drop_half,
    form_token_of,
    half_of,
    is_ours,
    keep_half,
    load_session,
)
from fediverse_node.mastodon_api.sign_in_tries import STALE, count_try, problem_of
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.outbox.second_factor import SecondFactor
from fediverse_node.storage.queries import oauth
from fediverse_node.storage.queries import second_factors as queries

ASK = "/auth/second_factor"
SECURITY = "/auth/security"
_WRONG = "That code is not right, or it was used already. Wait for the next one and try again."


def second_factor_of(context: Context) -> SecondFactor:
    """What asks for codes."""
    return SecondFactor(
        database=context.database,
        writer=context.writer,
        clock=context.world.clock,
        randomness=context.world.randomness,
    )


async def admit(request: web.Request, context: Context, user_id: int, *, query: str, to: str) -> web.Response:
    """The password was right: on to where the person wants to go, or first to the page that asks for a code."""
    if await second_factor_of(context).is_wanted(user_id):
        response = _go_to(ASK)
        await keep_half(response, context, user_id, query)
        return response
    response = _go_to(onward(query) if query else to)
    await begin_session(request, response, context, user_id)
    return response


# Asked for


async def show_ask(request: web.Request) -> web.Response:
    """Which code does the program show?"""
    context = request.app[CONTEXT]
    half = await half_of(request, context)
    return _go_to("/auth/sign_in") if half is None else _ask(context, half[0])


async def answer(request: web.Request) -> web.Response:
    """A code of the program, or one from paper."""
    context = request.app[CONTEXT]
    half = await half_of(request, context)
    if half is None:
        return _go_to("/auth/sign_in")
    secret, row = half
    try:
        params = await read_params(request, context.config)
        if not is_ours(request, params.text("form_token", ""), secret):
            return _ask(context, secret, problem=STALE, status=403)
        count_try(request, row["user_id"])
        code = params.text("code", "")
    except ApiError as error:
        return problem_of(error, context)
    if not await second_factor_of(context).accepts(row["user_id"], code):
        return _ask(context, secret, problem=_WRONG, status=422)
    token_hash = row["token_hash"]
    await context.writer.run(lambda: queries.drop_half(token_hash))
    response = _go_to(onward(row["query"]) if row["query"] else "/auth/welcome")
    drop_half(response, context)
    await begin_session(request, response, context, row["user_id"])
    return response


def _ask(context: Context, secret: str, *, problem: str = "", status: int = 200) -> web.Response:
    return render_page("second_factor.html", context, status=status, problem=problem, form_token=form_token_of(secret))


# Set up and taken away


async def show_security(request: web.Request) -> web.Response:
    """Whether a code is asked for, and how to change that."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    return _go_to("/auth/sign_in") if session is None else await _security(context, session)


async def change(request: web.Request) -> web.Response:
    """One of the forms of that page: `act` is confirm, codes or off."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    if session is None:
        return _go_to("/auth/sign_in")
    user_id, factor = session.user["user_id"], second_factor_of(context)
    try:
        params = await read_params(request, context.config)
        if not is_ours(request, params.text("form_token", ""), session.secret):
            return await _security(context, session, problem=STALE, status=403)
        count_try(request, user_id)
        act, code = params.text("act", ""), params.text("code", "")
    except ApiError as error:
        return problem_of(error, context)
    if act == "confirm":
        codes = await factor.confirm(user_id, code)
        if codes is None:
            return await _security(context, session, problem=_WRONG, status=422)
        # Whoever else is signed in gave no code.
        await context.writer.run(lambda: oauth.drop_other_sessions(user_id, hash_token(session.secret)))
        return await _security(context, session, codes=codes, done="From now on a code is asked for at sign-in.")
    if act not in ("codes", "off") or not await factor.accepts(user_id, code):
        return await _security(context, session, problem=_WRONG, status=422)
    if act == "codes":
        made = await factor.renew_codes(user_id)
        return await _security(context, session, codes=made, done="The old recovery codes are worth nothing now.")
    await factor.drop(user_id)
    return await _security(context, session, done="Your password alone is asked for again.")


async def _security(
    context: Context,
    session: Session,
    *,
    problem: str = "",
    done: str = "",
    codes: list[str] | None = None,
    status: int = 200,
) -> web.Response:
    factor, user = second_factor_of(context), session.user
    is_on = await factor.is_wanted(user["user_id"])
    beginning = None
    if not is_on and user["password_hash"] is not None:
        account = f"{user['username']}@{context.config.host}"
        beginning = await factor.begin(user["user_id"], account=account, issuer=context.config.title)
    return render_page(
        "security.html",
        context,
        status=status,
        user=user,
        is_on=is_on,
        secret=" ".join(_fours(beginning.secret)) if beginning is not None else "",
        picture=Markup(beginning.picture) if beginning is not None else "",  # noqa: S704  # made here, of an address
        codes=codes or [],
        codes_left=await factor.codes_left(user["user_id"]),
        problem=problem,
        done=done,
        form_token=session.form_token,
    )


def _fours(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def _go_to(path: str) -> web.Response:
    return web.Response(status=303, headers={**page_headers(), "Location": path})
