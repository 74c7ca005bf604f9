"""What links in letters lead to: an address is confirmed, a password chosen anew, another address taken.

A link is spent by a button, not by opening it, because mail scanners open links. Nothing here tells whether an address
belongs to anybody. A new password signs everything out and nobody in, so a second factor stays in force.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.limits import (
    LETTERS_BY_ACCOUNT,
    PASSWORD_RESETS_BY_ADDRESS,
    PASSWORD_RESETS_BY_EMAIL,
    network_of,
)
from fediverse_node.mastodon_api.mail_desks import mail_desk_of
from fediverse_node.mastodon_api.pages import page_headers, render_page, render_problem
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.routing import SURFACE
from fediverse_node.mastodon_api.sessions import (
    Session,
    form_token_of,
    is_ours,
    keep_visitor,
    load_session,
    visitor_of,
    visitor_secret,
)
from fediverse_node.mastodon_api.sign_in_tries import STALE, count_try, problem_of
from fediverse_node.outbox.mailing import desk
from fediverse_node.outbox.passwords import LONGEST, SHORTEST, hash_password, is_acceptable, verify_password
from fediverse_node.storage.queries.mailing import CHANGE, CONFIRM, RESET

FORGOTTEN, EMAIL = "/auth/password/forgotten", "/auth/email"
_SIGN_IN = "/auth/sign_in"
_SPENT_TITLE = "This link does not work any more"
_SPENT = "A link in a letter works once, and not for long. Ask for a new letter."
_LONGEST_EMAIL = 254


def mount(app: web.Application) -> None:
    """Their addresses."""
    router = app.router
    router.add_get(FORGOTTEN, show_forgotten)
    router.add_post(FORGOTTEN, ask_reset)
    router.add_get(desk.RESET_PATH + "/{token}", show_reset)
    router.add_post(desk.RESET_PATH + "/{token}", reset)
    router.add_get(desk.CONFIRM_PATH + "/{token}", show_confirm)
    router.add_post(desk.CONFIRM_PATH + "/{token}", confirm)
    router.add_get(EMAIL, show_email)
    router.add_post(EMAIL, ask_change)
    router.add_get(desk.CHANGE_PATH + "/{token}", show_change)
    router.add_post(desk.CHANGE_PATH + "/{token}", change)


# Forgotten passwords


async def show_forgotten(request: web.Request) -> web.Response:
    """Which address is it?"""
    return _page(request, "forgotten.html", problem="", email="")


async def ask_reset(request: web.Request) -> web.Response:
    """The answer is the same for every address."""
    context = request.app[CONTEXT]
    form = await _visitors_form(request, context)
    if isinstance(form, web.Response):
        return form
    try:
        email = form.text("email", "").strip()[:_LONGEST_EMAIL]
        limiter = request.app[SURFACE].limiter
        address = limiter.address_of(request)
        limiter.take(PASSWORD_RESETS_BY_ADDRESS, network_of(address), spared=limiter.is_spared(address))
        limiter.take(PASSWORD_RESETS_BY_EMAIL, email.lower())
    except ApiError as error:
        return problem_of(error, context)
    if "@" not in email:
        return _page(request, "forgotten.html", status=422, problem="Please write your e-mail address.", email=email)
    await mail_desk_of(context).ask_reset(email)
    if context.config.sends_mail:
        text = "If an account here has this address, a letter with a link is on its way. Look among the unwanted, too."
        return _told(context, "Look into your mail", text)
    text = "This server sends no mail. Ask whoever runs it: if an account has this address, they can give you a link."
    return _told(context, "Ask for your link", text)


async def show_reset(request: web.Request) -> web.Response:
    """A form for the new password."""
    context = request.app[CONTEXT]
    person = await mail_desk_of(context).load_link(request.match_info["token"], RESET)
    return _spent(context) if person is None else _reset_page(request, person.username)


async def reset(request: web.Request) -> web.Response:
    """The new password."""
    context = request.app[CONTEXT]
    form = await _visitors_form(request, context)
    if isinstance(form, web.Response):
        return form
    token, mailing = request.match_info["token"], mail_desk_of(context)
    try:
        count_try(request)
        password, repeated = form.text("password", ""), form.text("repeated", "")
    except ApiError as error:
        return problem_of(error, context)
    person = await mailing.load_link(token, RESET)
    if person is None:
        return _spent(context)
    if not is_acceptable(password):
        problem = f"Please choose {SHORTEST} to {LONGEST} characters."
        return _reset_page(request, person.username, problem=problem, status=422)
    if password != repeated:
        return _reset_page(request, person.username, problem="The two passwords are not the same.", status=422)
    done = await mailing.reset(token, await hash_password(password))
    if isinstance(done, Fail):
        return _spent(context)
    for token_id in done[1]:
        request.app[SURFACE].viewers.forget(token_id)
    text = "All browsers and apps have been signed out. Sign in with your new password."
    return _told(context, "Your password is changed", text, to=_SIGN_IN, button="Sign in")


def _reset_page(request: web.Request, username: str, *, problem: str = "", status: int = 200) -> web.Response:
    values: dict[str, Any] = {"username": username, "problem": problem, "shortest": SHORTEST, "longest": LONGEST}
    return _page(request, "new_password.html", status=status, **values)


# Addresses


async def show_confirm(request: web.Request) -> web.Response:
    """A button that confirms."""
    context = request.app[CONTEXT]
    person = await mail_desk_of(context).load_link(request.match_info["token"], CONFIRM)
    if person is None:
        return _spent(context)
    return _page(request, "confirm.html", username=person.username, title="Confirm your address", button="Confirm")


async def confirm(request: web.Request) -> web.Response:
    """The button was pressed."""
    context = request.app[CONTEXT]
    form = await _visitors_form(request, context)
    if isinstance(form, web.Response):
        return form
    person = await mail_desk_of(context).confirm(request.match_info["token"])
    if isinstance(person, Fail):
        return _spent(context)
    request.app[SURFACE].viewers.forget_user(person.user_id)
    if not person.is_approved:
        text = "The people who run this server look at each new account. You get a letter when they have decided."
        return _told(context, "Your address is confirmed", text)
    text = "Go back to your app, or sign in here."
    return _told(context, "Your address is confirmed", text, to=_SIGN_IN, button="Sign in")


async def show_email(request: web.Request) -> web.Response:
    """A form for another address."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    return _go_to(_SIGN_IN) if session is None else _email_page(context, session)


async def ask_change(request: web.Request) -> web.Response:
    """The password is asked for: an open browser alone must not give the account away."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    if session is None:
        return _go_to(_SIGN_IN)
    try:
        params = await read_params(request, context.config)
        if not is_ours(request, params.text("form_token", ""), session.secret):
            return render_problem(context, 403, "Please try again", STALE)
        email, password = params.text("email", "").strip()[:_LONGEST_EMAIL], params.text("password", "")
        count_try(request, session.user["user_id"])
        request.app[SURFACE].limiter.take(LETTERS_BY_ACCOUNT, session.user["user_id"])
    except ApiError as error:
        return problem_of(error, context)
    stored = session.user["password_hash"]
    if stored is None or not await verify_password(stored, password):
        problem = "The password is not right." if stored else "Set a password first."
        return _email_page(context, session, email=email, problem=problem, status=422)
    refusal = await mail_desk_of(context).ask_change(session.user["user_id"], email)
    if isinstance(refusal, Fail):
        problem = f"{refusal.reason.sentence.capitalize()}."
        return _email_page(context, session, email=email, problem=problem, status=422)
    text = f"A letter with a link is on its way to {email}. Until you have used it, your address stays as it is."
    if not context.config.sends_mail:
        text = "This server sends no mail. Ask whoever runs it for the link that confirms your new address."
    return _told(context, "Look into your mail" if context.config.sends_mail else "Ask for your link", text)


async def show_change(request: web.Request) -> web.Response:
    """A button that takes the new address."""
    context = request.app[CONTEXT]
    person = await mail_desk_of(context).load_link(request.match_info["token"], CHANGE)
    if person is None:
        return _spent(context)
    return _page(
        request, "confirm.html", username=person.username, title="Use your new address", button="Use this address"
    )


async def change(request: web.Request) -> web.Response:
    """The button was pressed."""
    context = request.app[CONTEXT]
    form = await _visitors_form(request, context)
    if isinstance(form, web.Response):
        return form
    person = await mail_desk_of(context).change(request.match_info["token"])
    if isinstance(person, Fail):
        return _spent(context)
    request.app[SURFACE].viewers.forget_user(person.user_id)
    return _told(context, "Your address is changed", "Letters go to the new one from now on.")


def _email_page(
    context: Context, session: Session, *, email: str = "", problem: str = "", status: int = 200
) -> web.Response:
    return render_page(
        "email.html",
        context,
        status=status,
        user=session.user,
        email=email,
        problem=problem,
        form_token=session.form_token,
    )


def _page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page with a form for whoever is not signed in."""
    context = request.app[CONTEXT]
    secret = visitor_secret(request, context)
    response = render_page(template, context, status=status, form_token=form_token_of(secret), **values)
    # The address of the page is a secret.
    response.headers["Referrer-Policy"] = "no-referrer"
    keep_visitor(response, context, secret)
    return response


async def _visitors_form(request: web.Request, context: Context) -> Params | web.Response:
    """What a form of ours says, or else the page to answer with."""
    try:
        params = await read_params(request, context.config)
        if is_ours(request, params.text("form_token", ""), visitor_of(request, context)):
            return params
    except ApiError as error:
        return problem_of(error, context)
    return render_problem(context, 403, "Please try again", STALE)


def _told(context: Context, title: str, text: str, *, to: str = "/", button: str = "To the start page") -> web.Response:
    return render_page("told.html", context, title=title, text=text, to=to, button=button)


def _spent(context: Context) -> web.Response:
    return render_problem(context, 404, _SPENT_TITLE, _SPENT)


def _go_to(path: str) -> web.Response:
    return web.Response(status=303, headers={**page_headers(), "Location": path})
