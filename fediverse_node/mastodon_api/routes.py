"""All methods of the client API, mounted on an app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from fediverse_node.mastodon_api import (
    accounts,
    announcements,
    annual_making,
    annual_reports,
    apps,
    async_refreshes,
    authorize,
    authorized_apps,
    collections,
    conversations,
    deliveries,
    directory,
    domain_blocks,
    emails,
    endorsements,
    featured_tags,
    filters,
    instance,
    intent_links,
    intents,
    interaction_requests,
    lists,
    mail_pages,
    markers,
    media,
    notifications,
    oembed,
    polls,
    profile,
    push,
    quotes,
    reactions,
    registrations,
    relationships,
    reports,
    scheduled,
    search,
    second_factor,
    server_documents,
    sign_in,
    statuses,
    streaming,
    suggestions,
    tags,
    timelines,
    tokens,
    trends,
)
from fediverse_node.mastodon_api.address_gate import AddressGate
from fediverse_node.mastodon_api.admin.resources import ADMIN_RESOURCES
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.limits import Limiter
from fediverse_node.mastodon_api.pages import mount_static
from fediverse_node.mastodon_api.routing import (
    PREFLIGHT_HEADERS,
    SURFACE,
    Routes,
    Surface,
    endpoint,
    finish,
    render_error,
)
from fediverse_node.mastodon_api.viewer import Viewers

RESOURCES: tuple[Routes, ...] = (
    accounts.routes,
    announcements.routes,
    annual_reports.routes,
    apps.routes,
    async_refreshes.routes,
    collections.routes,
    conversations.routes,
    deliveries.routes,
    directory.routes,
    domain_blocks.routes,
    emails.routes,
    endorsements.routes,
    featured_tags.routes,
    filters.routes,
    instance.routes,
    interaction_requests.routes,
    lists.routes,
    markers.routes,
    media.routes,
    notifications.routes,
    oembed.routes,
    polls.routes,
    profile.routes,
    push.routes,
    quotes.routes,
    reactions.routes,
    registrations.routes,
    relationships.routes,
    reports.routes,
    scheduled.routes,
    search.routes,
    server_documents.routes,
    statuses.routes,
    streaming.routes,
    suggestions.routes,
    tags.routes,
    timelines.routes,
    tokens.routes,
    trends.routes,
    *ADMIN_RESOURCES,
)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def setup(app: web.Application, context: Context) -> None:
    """Mount the client API."""
    limiter = Limiter(context.config, context.world.clock.now_ms)
    surface = Surface(context, Viewers(context), limiter, AddressGate(context))
    app[CONTEXT] = context
    app[SURFACE] = surface
    surface.viewers.on_revoked(lambda token_id: streaming.hub_of(context).close_token(token_id))
    app.middlewares.append(_edge)
    _mount_methods(app, surface)
    _mount_pages(app)
    media.mount_files(app)
    mount_static(app)
    annual_making.setup(app)
    app.on_shutdown.append(streaming.close_streams)
    app.on_cleanup.append(_close)


def _mount_methods(app: web.Application, surface: Surface) -> None:
    mounted: set[tuple[str, str]] = set()
    for routes in RESOURCES:
        for method in routes.methods:
            answer = endpoint(method, surface)
            # Rails does not mind a slash at the end, and Mastodon.py sends one here and there.
            for path in (method.path, method.path.rstrip("/") + "/"):
                if (method.verb, path) not in mounted:
                    mounted.add((method.verb, path))
                    app.router.add_route(method.verb, path, answer)


def _mount_pages(app: web.Application) -> None:
    """Pages for people at a browser."""
    router = app.router
    # toot asks with a slash at the end.
    for path in ("/oauth/authorize", "/oauth/authorize/"):
        router.add_get(path, authorize.show)
        router.add_post(path, authorize.decide)
    router.add_get("/oauth/authorize/native", authorize.show_code)
    router.add_get(intent_links.PATH, intents.show)
    router.add_post(intent_links.PATH, intents.do)
    router.add_get("/auth/sign_in", sign_in.show_sign_in)
    router.add_post("/auth/sign_in", sign_in.sign_in)
    router.add_post("/auth/sign_out", sign_in.sign_out)
    router.add_get(sign_in.WELCOME, sign_in.show_welcome)
    router.add_post("/auth/password", sign_in.set_password)
    router.add_get(second_factor.ASK, second_factor.show_ask)
    router.add_post(second_factor.ASK, second_factor.answer)
    router.add_get(authorized_apps.PATH, authorized_apps.show)
    router.add_post(authorized_apps.PATH, authorized_apps.put_out)
    router.add_get(second_factor.SECURITY, second_factor.show_security)
    router.add_post(second_factor.SECURITY, second_factor.change)
    router.add_get(server_documents.PRIVACY_PAGE, server_documents.show_privacy_page)
    router.add_get(server_documents.TERMS_PAGE, server_documents.show_terms_page)
    router.add_get(server_documents.TERMS_PAGE + "/{date}", server_documents.show_terms_page)
    mail_pages.mount(app)
    router.add_get("/sign-in/{token}", sign_in.show_link)
    router.add_post("/sign-in/{token}", sign_in.spend_link)


async def _close(app: web.Application) -> None:
    await app[SURFACE].viewers.close()


def _shut_out(request: web.Request) -> web.StreamResponse:
    return finish(request, render_error(ApiError(403, "Nobody comes in from this address"), {}))


@web.middleware
async def _edge(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """What no method answers: preflights, paths that do not exist, and whoever moderators keep out, from anything."""
    path, surface = request.path, request.app[SURFACE]
    is_ours = path.startswith(("/api/", "/oauth/"))
    if await surface.gate.is_shut(surface.limiter.address_of(request)):
        return _shut_out(request) if is_ours else web.Response(status=403, text="Nobody comes in from this address.")
    if not is_ours:
        return await handler(request)
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=PREFLIGHT_HEADERS)
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return finish(request, render_error(ApiError(404, "Not Found"), {}))
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return finish(request, render_error(ApiError(404, "Not Found"), allowed))


def all_methods() -> Iterator[tuple[str, str]]:
    """`(verb, path)` of everything that is built."""
    for routes in RESOURCES:
        for method in routes.methods:
            yield method.verb, method.path
