"""WebFinger, host-meta and robots.txt.  spec: rfc7033, rfc6415, rfc9309, fep-d556, fep-2677

WebFinger answers for people and for the server itself, asked by handle, `@` handle or any of their URLs.
"""

from __future__ import annotations

import mimetypes
from typing import Any

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.names import Names
from fediverse_node.protocol import webfinger
from fediverse_node.protocol.media_types import JRD_JSON, XRD_XML
from fediverse_node.web import responses
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.local_actors import load_actor, load_instance_actor

Row = Any
_AGE_S = 600
_ABOUT_ONE = ("Follow", "Like", "Announce", "Object")


async def get_webfinger(request: web.Request) -> web.Response:
    """GET /.well-known/webfinger?resource=…[&rel=…]."""
    context = request.app[WEB]
    resource = _parse(request.query.get("resource", ""), context.names)
    if isinstance(resource, Fail):
        return responses.problem("The parameter resource must be acct:user@host or the address of a profile", 400)
    row = await _find(context, resource)
    if row is None:
        return responses.problem("Nobody here has this handle", 404)
    if row["deleted_ms"] is not None:
        return responses.problem("This account is gone", 410)
    if row["uri"] == context.names.instance_actor:
        document = _instance_jrd(context.names, resource)
    else:
        document = _jrd(row, context.names)
    wanted = request.query.getall("rel", [])
    if wanted:  # spec: rfc7033#4.3
        document["links"] = [link for link in document["links"] if link["rel"] in wanted]
    return responses.json(request, document, content_type=f"{JRD_JSON}; charset=utf-8", age_s=_AGE_S)


async def get_host_meta(request: web.Request) -> web.Response:
    """GET /.well-known/host-meta, as XML unless JSON is asked for."""
    if responses.wants_document(request):
        return await get_host_meta_json(request)
    context = request.app[WEB]
    xml = webfinger.dump_host_meta(context.config.base_url, context.names.instance_actor)
    return responses.data(request, xml.encode(), f"{XRD_XML}; charset=utf-8", age_s=_AGE_S)


async def get_host_meta_json(request: web.Request) -> web.Response:
    """GET /.well-known/host-meta.json."""
    context = request.app[WEB]
    document = webfinger.dump_host_meta_json(context.config.base_url, context.names.instance_actor)
    return responses.json(request, document, content_type=f"{JRD_JSON}; charset=utf-8", age_s=_AGE_S)


async def get_robots(request: web.Request) -> web.Response:
    """GET /robots.txt. Who does not want to be found says so on the pages themselves, which must be read for that."""
    text = "User-agent: *\nDisallow: /api/\nDisallow: /oauth/\nDisallow: /users/\nDisallow: /contexts/\n"
    return responses.data(request, text.encode(), "text/plain; charset=utf-8", age_s=_AGE_S)


def _parse(text: str, names: Names) -> webfinger.Acct | str | Fail:
    if text.removeprefix("acct:").removeprefix("@") == f"{names.host}@{names.host}":
        # In development the host has a port, with which it is no user name elsewhere.
        return names.instance_actor
    return webfinger.parse_resource(text)


async def _find(context: WebContext, resource: webfinger.Acct | str) -> Row | None:
    names = context.names
    if isinstance(resource, webfinger.Acct):
        if resource.host != names.host:
            return None
        if resource.user.lower() == names.host:
            return await load_instance_actor(context)
        return await load_actor(context, resource.user)
    # spec: fep-d556: the server's actor is found by the server's address.
    if resource.rstrip("/") in (names.base_url, names.instance_actor):
        return await load_instance_actor(context)
    for prefix in (names.actor(""), names.profile_page("")):
        if resource.startswith(prefix):
            return await load_actor(context, resource.removeprefix(prefix))
    return None


def _jrd(row: Row, names: Names) -> dict[str, Any]:
    icon = row["icon_url"] if row["suspended_ms"] is None else None
    return webfinger.dump_jrd(
        webfinger.Acct(row["username"], names.host),
        actor_uri=row["uri"],
        profile_url=names.profile_page(row["username"]),
        subscribe_template=f"{names.base_url}/intents/follow?object={{uri}}",
        intents=_intents(names),
        avatar_url=names.media(icon) if icon else None,
        avatar_media_type=mimetypes.guess_type(icon)[0] if icon else None,
    )


def _intents(names: Names) -> dict[str, str]:
    """Where people of this server do what they are asked for elsewhere.  spec: fep-3b86#activity-intents"""
    about_one = {name: f"{names.base_url}/intents/{name.lower()}?object={{object}}" for name in _ABOUT_ONE}
    words = "content={content}&name={name}&summary={summary}&inReplyTo={inReplyTo}"
    return {**about_one, "Create": f"{names.base_url}/intents/create?{words}"}


def _instance_jrd(names: Names, asked: webfinger.Acct | str) -> dict[str, Any]:
    """Who asks by the server's address gets an answer about that address.  spec: fep-d556"""
    is_address = isinstance(asked, str) and asked.rstrip("/") == names.base_url
    return webfinger.dump_jrd(
        webfinger.Acct(names.host, names.host),
        actor_uri=names.instance_actor,
        profile_url=names.base_url,
        is_server=True,
        subject=f"{names.base_url}/" if is_address else None,
    )
