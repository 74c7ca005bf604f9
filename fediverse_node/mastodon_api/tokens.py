"""Access tokens: given for a code or to an app itself, revoked, described.

spec: rfc6749#section-4.1.3, rfc6749#section-4.4, rfc6749#section-5.2, rfc7636#section-4.6, rfc7009, rfc8414
Deliberately absent: the password grant, refresh tokens (tokens do not expire), implicit grants.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import hdrs, web

from fediverse_node.mastodon_api.entities.account import DEFAULT_AVATAR, image_url
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scopes import ALL_SCOPES, is_within, parse_scopes
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.queries import oauth
from fediverse_node.storage.queries.accounts import load_account
from fediverse_node.storage.queries.users import USER

routes = Routes()

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@routes.post("/oauth/token")
async def create_token(call: Call) -> web.Response:
    """A token for a code, or for the app itself."""
    call.headers |= _NO_STORE
    grant = call.params.text("grant_type")
    if not grant:
        raise _error("invalid_request", "Missing required parameter: grant_type.")
    if grant not in ("authorization_code", "client_credentials"):
        raise _error("unsupported_grant_type", "The authorization grant type is not supported by this server.")
    app = await _authenticate_client(call)
    if grant == "client_credentials" and not app["client_secret"]:
        raise _error("unauthorized_client", "An app that is known by its address has no token of its own.")
    if grant == "authorization_code":
        user_id, scopes = await _spend_code(call, app)
    else:
        user_id, scopes = None, _client_scopes(call, app)
    token = await issue_token(call, app_id=app["id"], user_id=user_id, scopes=scopes)
    user = await call.context.database.fetch_one(USER, id=user_id) if user_id is not None else None
    if user is not None:
        # Clients of ActivityPub begin with the actor: so nobody has to ask for it.
        token["activitypub_actor_id"] = call.context.world.names.actor(user["username"])
    return call.json(token)


async def issue_token(call: Call, *, app_id: int | None, user_id: int | None, scopes: str) -> dict[str, Any]:
    """A new token, stored as its hash; the Token entity."""
    world = call.context.world
    secret, now_ms = world.randomness.token(), world.clock.now_ms()
    row = {
        "id": world.ids.next(),
        "token_hash": hash_token(secret),
        "app_id": app_id,
        "user_id": user_id,
        "scopes": scopes,
        "created_ms": now_ms,
        "last_used_ms": now_ms,
    }
    await call.context.writer.run(lambda: oauth.insert_token(row))
    return {"access_token": secret, "token_type": "Bearer", "scope": scopes, "created_at": now_ms // 1000}


@routes.post("/oauth/revoke")
async def revoke_token(call: Call) -> web.Response:
    """A token is good no more. One that is not known is answered as if it had been.  spec: rfc7009#section-2.2"""
    app = await _authenticate_client(call, status=403, code="unauthorized_client")
    token = call.params.text("token")
    if not token:
        raise _error("invalid_request", "Missing required parameter: token.")
    row = await call.context.database.fetch_one(oauth.TOKEN_OWNER, token_hash=hash_token(token))
    if row is not None:
        if row["app_id"] != app["id"]:
            raise _error("unauthorized_client", "You are not authorized to revoke this token", status=403)
        await call.context.writer.run(lambda: oauth.drop_token(row["id"]))
        call.surface.viewers.forget(row["id"])
    return call.json({})


@routes.get("/oauth/userinfo", scope=("profile", "read:accounts"))
@routes.post("/oauth/userinfo", scope=("profile", "read:accounts"))
async def userinfo(call: Call) -> web.Response:
    """Who signed in, in the words of OpenID Connect."""
    row = await load_account(call.context.database, call.viewer.actor_id)
    if row is None:
        raise ApiError(404, "Record not found")
    base_url = call.context.config.base_url
    return call.json(
        {
            "iss": base_url,
            "sub": row["uri"],
            "name": row["name"],
            "preferred_username": row["username"],
            "profile": call.context.world.names.profile_page(row["username"]),
            "picture": image_url(row, "icon_url", call.context) or base_url + DEFAULT_AVATAR,
        }
    )


@routes.get("/.well-known/oauth-authorization-server")
async def describe_server(call: Call) -> web.Response:
    """What this server can do. Phanpy uses PKCE only where S256 is listed.  spec: rfc8414#section-2"""
    base_url = call.context.config.base_url
    call.headers["Cache-Control"] = "public, max-age=3600"
    return call.json(
        {
            "issuer": base_url + "/",
            "authorization_endpoint": f"{base_url}/oauth/authorize",
            "token_endpoint": f"{base_url}/oauth/token",
            "revocation_endpoint": f"{base_url}/oauth/revoke",
            "userinfo_endpoint": f"{base_url}/oauth/userinfo",
            "app_registration_endpoint": f"{base_url}/api/v1/apps",
            "service_documentation": "https://docs.joinmastodon.org/",
            "scopes_supported": list(ALL_SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "activitypub_object_id_as_client_id": True,
            "client_id_metadata_document_supported": True,
            "code_challenge_methods_supported": ["S256"],
        }
    )


async def _authenticate_client(call: Call, *, status: int = 401, code: str = "invalid_client") -> oauth.Row:
    client_id, secret = _client_credentials(call)
    row = None
    if client_id:
        row = await call.context.database.fetch_one(oauth.APP_BY_CLIENT_ID, client_id=client_id)
    # An app that is known by its address has no secret; its codes are bound to it by PKCE.  spec: fep-d8c2
    expected = row["client_secret"] if row is not None else None
    if row is None or (expected and not hmac.compare_digest(expected.encode(), secret.encode())):
        why = (
            "Client authentication failed due to unknown client, no client authentication included, or unsupported"
            " authentication method."
        )
        raise _error(code, why, status=status)
    return row


def _client_credentials(call: Call) -> tuple[str, str]:
    """From HTTP Basic or the body.  spec: rfc6749#section-2.3.1"""
    header = call.request.headers.get(hdrs.AUTHORIZATION, "")
    kind, _, encoded = header.partition(" ")
    if kind.lower() == "basic":
        try:
            user, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return unquote_plus(user), unquote_plus(secret)
    return call.params.text("client_id", ""), call.params.text("client_secret", "")


async def _spend_code(call: Call, app: oauth.Row) -> tuple[int, str]:
    code = call.params.text("code")
    if not code:
        raise _error("invalid_request", "Missing required parameter: code.")
    taken = await call.context.writer.run(lambda: oauth.take_code(hash_token(code)))
    good = (
        taken is not None
        and taken["app_id"] == app["id"]
        and taken["expires_ms"] > call.context.world.clock.now_ms()
        and taken["redirect_uri"] == call.params.text("redirect_uri")
        and _proves(taken["code_challenge"], call.params.text("code_verifier"))
    )
    if taken is None or not good:
        why = (
            "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in"
            " the authorization request, or was issued to another client."
        )
        raise _error("invalid_grant", why)
    return int(taken["user_id"]), str(taken["scopes"])


def _proves(challenge: str | None, verifier: str | None) -> bool:
    """spec: rfc7636#section-4.6"""
    if challenge is None:
        return not verifier
    if verifier is None or not 43 <= len(verifier) <= 128:
        return False
    computed = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(computed.encode(), challenge.encode())


def _client_scopes(call: Call, app: oauth.Row) -> str:
    allowed = tuple(app["scopes"].split())
    asked = parse_scopes(call.params.text("scope") or "")
    if asked is None or not is_within(asked, allowed):
        raise _error("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    return " ".join(asked)


def _error(code: str, why: str, *, status: int = 400) -> ApiError:
    headers = dict(_NO_STORE)
    if status == 401:
        headers["WWW-Authenticate"] = f'Basic realm="Fediverse", error="{code}"'
    return ApiError(status, code, description=why, headers=headers)
