"""A person lets an app act for them: the authorisation endpoint of OAuth.

spec: rfc6749#section-4.1.1, rfc6749#section-4.1.2.1, rfc7636#section-4.4.1, rfc9207
Deliberately absent: other response types than `code`, other challenges than S256.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from fediverse_node.mastodon_api import client_documents
from fediverse_node.mastodon_api.apps import OUT_OF_BAND
from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.pages import page_headers, render_page, render_problem
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.scopes import describe_scopes, is_within, parse_scopes
from fediverse_node.mastodon_api.sessions import Session, drop_pending, is_ours, keep_pending, load_session
from fediverse_node.mastodon_api.sign_in import sign_in_page
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.queries import oauth

_CODE_TTL_MS = 10 * 60_000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE_LONGEST = 2000
_KEPT = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorisation request that holds."""

    app: oauth.Row
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    code_challenge: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """One that does not; the app is told, unless it is unclear who it is."""

    code: str
    description: str
    redirect_uri: str | None = None
    state: str | None = None


async def show(request: web.Request) -> web.Response:
    """The sign-in page, or the question whether the app may."""
    context = request.app[CONTEXT]
    try:
        params = await read_params(request, context.config)
        await client_documents.meet(request, context, params.text("client_id"))
        asked = await _read(params, context)
        forced = params.flag("force_login", False)
        query = _query_of(params)
    except ApiError as error:
        return render_problem(context, error.status, "This request cannot be read", error.error)
    if isinstance(asked, Refused):
        return _refuse(asked, context)
    session = await load_session(request, context)
    if session is None or forced:
        response = sign_in_page(request, context, app_name=asked.app["name"], query=query)
        keep_pending(response, context, query)
        return response
    standing = _standing(session)
    if standing:
        return render_problem(context, 403, "Not yet", standing)
    response = render_page(
        "consent.html",
        context,
        sends_to=asked.redirect_uri,
        app=asked.app,
        app_host=_host_of(asked),
        words=describe_scopes(asked.scopes),
        user=session.user,
        query=query,
        fields={name: value for name in _KEPT if (value := params.text(name)) is not None},
        form_token=session.form_token,
    )
    drop_pending(response, context)
    return response


async def decide(request: web.Request) -> web.Response:
    """The person's answer; the browser goes on to the app."""
    context = request.app[CONTEXT]
    session = await load_session(request, context)
    try:
        params = await read_params(request, context.config)
        asked = await _read(params, context)
        form_token, answer = params.text("form_token", ""), params.text("answer", "")
    except ApiError as error:
        return render_problem(context, error.status, "This request cannot be read", error.error)
    if session is None or not is_ours(request, form_token, session.secret):
        text = "The page was open for too long, or the request came from another site. Start again in your app."
        return render_problem(context, 403, "Nothing was allowed", text)
    if isinstance(asked, Refused):
        return _refuse(asked, context)
    standing = _standing(session)
    if standing:
        return render_problem(context, 403, "Not yet", standing)
    if answer != "allow":
        refused = Refused("access_denied", "The person said no.", asked.redirect_uri, asked.state)
        return _refuse(refused, context)
    code = context.world.randomness.token()
    now_ms = context.world.clock.now_ms()
    row = {
        "code_hash": hash_token(code),
        "app_id": asked.app["id"],
        "user_id": session.user["user_id"],
        "redirect_uri": asked.redirect_uri,
        "scopes": " ".join(asked.scopes),
        "code_challenge": asked.code_challenge,
        "expires_ms": now_ms + _CODE_TTL_MS,
    }
    await context.writer.run(lambda: oauth.insert_code(row, now_ms))
    return _send(asked.redirect_uri, context, {"code": code, "state": asked.state})


async def show_code(request: web.Request) -> web.Response:
    """The code, for apps that cannot be sent to: the person copies it."""
    context = request.app[CONTEXT]
    code = request.query.get("code", "")
    # Whatever else stands in the address could be a trick to make a person copy it.
    if not _CODE.fullmatch(code):
        return render_problem(context, 404, "There is no code", "Start again in your app.")
    return render_page("code.html", context, code=code)


async def _read(params: Params, context: Context) -> Asked | Refused:
    client_id = params.text("client_id")
    app = await context.database.fetch_one(oauth.APP_BY_CLIENT_ID, client_id=client_id) if client_id else None
    if app is None:
        return Refused("invalid_client", "This server does not know the app. Sign in again from the app's start.")
    redirect_uri = params.text("redirect_uri") or ""
    if redirect_uri not in app["redirect_uris"].split("\n"):
        return Refused("invalid_redirect_uri", "The address to return to is not one that the app has registered.")
    state = params.text("state")
    if state is not None and len(state) > _STATE_LONGEST:
        return Refused("invalid_request", "state is too long.", redirect_uri)

    def no(code: str, description: str) -> Refused:
        return Refused(code, description, redirect_uri, state)

    if params.text("response_type") != "code":
        return no("unsupported_response_type", "The authorization server does not support this response type.")
    scopes = parse_scopes(params.text("scope") or "")
    if scopes is None or not is_within(scopes, tuple(app["scopes"].split())):
        return no("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    challenge, method = params.text("code_challenge"), params.text("code_challenge_method")
    if challenge is None and not app["client_secret"]:
        return no("invalid_request", "An app that is known by its address needs PKCE: send a code_challenge.")
    if challenge is None and method is None:
        return Asked(app, redirect_uri, scopes, state, None)
    # Without a method the challenge would be the secret itself, in the open.
    if method != "S256" or challenge is None or not _CHALLENGE.fullmatch(challenge):
        return no("invalid_request", "The code_challenge_method must be S256.")
    return Asked(app, redirect_uri, scopes, state, challenge)


def _query_of(params: Params) -> str:
    return urlencode([(name, value) for name in _KEPT if (value := params.text(name)) is not None])


def _refuse(refused: Refused, context: Context) -> web.Response:
    if refused.redirect_uri is None or refused.redirect_uri == OUT_OF_BAND:
        return render_problem(context, 400, "The app cannot be let in", refused.description)
    answer = {"error": refused.code, "error_description": refused.description, "state": refused.state}
    return _send(refused.redirect_uri, context, answer)


def _send(redirect_uri: str, context: Context, answer: Mapping[str, str | None]) -> web.Response:
    """To the app, with an answer in the query. The issuer tells it who answers.  spec: rfc9207#section-2"""
    given = urlencode({name: value for name, value in answer.items() if value is not None})
    if redirect_uri == OUT_OF_BAND:
        target = f"/oauth/authorize/native?{given}"
    else:
        given += "&" + urlencode({"iss": context.config.base_url + "/"})
        parts = urlsplit(redirect_uri)
        target = urlunsplit(parts._replace(query=f"{parts.query}&{given}" if parts.query else given))
        # urlunsplit drops the slashes of `com.app://`, which has neither host nor path.
        if redirect_uri.startswith(f"{parts.scheme}://") and not target.startswith(f"{parts.scheme}://"):
            target = target.replace(":", "://", 1)
    return web.Response(status=302, headers={**page_headers(), "Location": target})


def _standing(session: Session) -> str:
    if session.user["confirmed_ms"] is None:
        return "Please confirm your e-mail address first: open the link in the message we sent you."
    if session.user["approved_ms"] is None:
        return "Somebody of this server's team has to let you in first. Please come back later."
    return ""


def _host_of(asked: Asked) -> str:
    """Where the browser goes next, for the person to judge."""
    if asked.redirect_uri == OUT_OF_BAND:
        return ""
    parts = urlsplit(asked.redirect_uri)
    return parts.hostname or "" if parts.scheme in ("http", "https") else ""
