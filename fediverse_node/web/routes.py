"""Which path leads where. Everything hangs off the root of one application, beside the client API's paths."""

from __future__ import annotations

from aiohttp import web

from fediverse_node.web import (
    activities,
    actors,
    authorizations,
    collections,
    emojis,
    feeds,
    followers_synchronization,
    front_page,
    gate,
    groups,
    inboxes,
    invites,
    malformed,
    nodeinfo,
    objects,
    post_pages,
    problems,
    profile_pages,
    recommending,
    source,
    tag_pages,
    threads,
    well_known,
)
from fediverse_node.web.client_to_server import routes as client_to_server
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.nodeinfo import USAGE_COUNTS, UsageCounts
from fediverse_node.web.templating import PAGES, Pages, get_asset, get_favicon

_USER = "/users/{name}"
_POST = "/users/{name}/statuses/{id}"

_GET: tuple[tuple[str, problems.Handler], ...] = (
    ("/", front_page.get_front),
    (source.PATH, source.get_source),
    ("/favicon.ico", get_favicon),
    ("/robots.txt", well_known.get_robots),
    ("/.well-known/webfinger", well_known.get_webfinger),
    ("/.well-known/host-meta", well_known.get_host_meta),
    ("/.well-known/host-meta.json", well_known.get_host_meta_json),
    ("/.well-known/nodeinfo", nodeinfo.get_links),
    ("/nodeinfo/{version}", nodeinfo.get_nodeinfo),
    ("/actor", actors.get_instance_actor),
    ("/actor/outbox", collections.get_instance_outbox),
    (_USER, actors.get_actor),
    (f"{_USER}/outbox", collections.get_outbox),
    (f"{_USER}/followers", collections.get_followers),
    (f"{_USER}/following", collections.get_following),
    (f"{_USER}/followers_synchronization", followers_synchronization.get_followers_synchronization),
    (f"{_USER}/collections/featured", collections.get_featured),
    (f"{_USER}/collections/tags", collections.get_featured_tags),
    (f"{_USER}/featured_collections", recommending.get_featured_collections),
    (f"{_USER}/featured_collections/{{id}}", recommending.get_featured_collection),
    (f"{_USER}/feature_authorizations/{{id}}", recommending.get_feature_authorization),
    (f"{_USER}/moderators", groups.get_moderators),
    ("/emojis/{name}", emojis.get_emoji),
    (f"{_USER}/activities/{{kind}}/{{number}}", activities.get_activity),
    (f"{_USER}/quote_authorizations/{{id}}", authorizations.get_quote_authorization),
    (f"{_USER}/authorizations/{{id}}", authorizations.get_authorization),
    (_POST, objects.get_object),
    (f"{_POST}/activity", objects.get_create),
    (f"{_POST}/replies", objects.get_replies),
    (f"{_POST}/likes", objects.get_likes),
    (f"{_POST}/shares", objects.get_shares),
    ("/contexts/{id}", threads.get_context),
    ("/contexts/{id}/history", threads.get_history),
    ("/contexts/{id}/history/{object_id}", threads.get_addition),
    ("/tags/{name}", tag_pages.get_tag),
    ("/collections/{id}", recommending.get_collection_page),
    ("/invite/{code}", invites.get_invite),
    ("/assets/{name}", get_asset),
    # Before the page: the name of a profile would take the ending in.
    ("/@{name}.rss", feeds.get_rss),
    ("/@{name}.atom", feeds.get_atom),
    ("/@{name}.json", profile_pages.get_profile_document),
    ("/@{name}", profile_pages.get_profile),
    ("/@{name}/{id}", post_pages.get_post),
)
# Pages and feeds for people, and what others need before they can ask for anything else.
_OPEN = frozenset(
    (
        "/",
        source.PATH,
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/webfinger",
        "/.well-known/host-meta",
        "/.well-known/host-meta.json",
        "/.well-known/nodeinfo",
        "/nodeinfo/{version}",
        "/actor",
        "/assets/{name}",
        "/invite/{code}",
        "/@{name}.rss",
        "/@{name}.atom",
        # Asks for a signature itself, also where documents are open.
        f"{_USER}/followers_synchronization",
    )
)
_WITH_PAGE = frozenset((_USER, _POST, "/tags/{name}", "/collections/{id}", "/@{name}", "/@{name}/{id}"))
_STUBS: dict[str, problems.Handler] = dict.fromkeys((_USER, "/@{name}", "/@{name}.json"), actors.get_stub)
_POST_ROUTES: tuple[tuple[str, problems.Handler], ...] = (
    ("/inbox", inboxes.post),
    ("/actor/inbox", inboxes.post),
    (f"{_USER}/inbox", inboxes.post_personal),
)


def setup(app: web.Application, context: WebContext) -> None:
    """Mount all routes of this room. What no route of the application answers gets a page or JSON with 404."""
    malformed.quieten()
    app[WEB] = context
    app[PAGES] = Pages(context.config)
    app[USAGE_COUNTS] = UsageCounts()
    for path, handler in _GET:
        if path not in _OPEN:
            handler = gate.for_viewers(handler, has_page=path in _WITH_PAGE, otherwise=_STUBS.get(path))
        app.router.add_get(path, problems.guarded(handler))
    for path, handler in _POST_ROUTES:
        app.router.add_post(path, problems.guarded(handler))
    client_to_server.mount(app)
    # The router tries longer prefixes first, so this takes nothing from others that are mounted later.
    app.router.add_get("/{tail:.*}", problems.guarded(problems.unknown_path))
