"""The server introduces itself.  spec: mastodon-client-api#instance"""

from __future__ import annotations

from html import escape
from typing import Any

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.base.config_values import Registration
from fediverse_node.domain.policy import MAX_PINS
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import DEFAULT_AVATAR, DEFAULT_HEADER, render_account
from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.featured_tags import MOST_FEATURED_TAGS
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.server_documents import PRIVACY_PAGE, TERMS_PAGE
from fediverse_node.mastodon_api.vapid import load_public_key
from fediverse_node.outbox.composition import (
    DESCRIPTION_LIMIT,
    FIELD_LIMIT,
    MAX_MEDIA,
    MAX_OPTION_CHARACTERS,
    MAX_POLL_OPTIONS,
    MAX_POLL_S,
    MIN_POLL_S,
    MOST_FIELDS,
    NAME_LIMIT,
    NOTE_LIMIT,
)
from fediverse_node.outbox.picture_files import SUPPORTED_TYPES
from fediverse_node.storage.queries import emojis
from fediverse_node.storage.queries import instance as queries
from fediverse_node.storage.queries.accounts import load_account

routes = Routes()

# Apps read the number in front, and compare.
VERSION = f"4.6.0 (compatible; fediverse_node {__version__})"
# What apps switch on by it: 2 is grouped notifications and the policy for them, 7 would be quote posts.
API_VERSION = 2
_MONTH_MS = 30 * 86_400_000
_WEEK_MS = 7 * 86_400_000
_MOST_PEERS = 50_000
_FRESH = {"Cache-Control": "public, max-age=60"}


@routes.get("/api/v2/instance")
async def show(call: Call) -> web.Response:
    """Everything an app needs before anybody signs in."""
    context, config = call.context, call.context.config
    now_ms = context.world.clock.now_ms()
    active = await _count(context, queries.ACTIVE_USER_COUNT, since_ms=now_ms - _MONTH_MS)
    call.headers |= _FRESH
    return call.json(
        {
            "domain": config.host,
            "title": config.title,
            "version": VERSION,
            "source_url": f"{config.base_url}/source.tar.gz",
            "description": config.description,
            "wrapstodon": None,
            "usage": {"users": {"active_month": active}},
            "thumbnail": {
                "url": config.base_url + DEFAULT_HEADER,
                "description": "",
                "blurhash": None,
                "versions": {"@1x": config.base_url + DEFAULT_HEADER},
            },
            "icon": [{"src": config.base_url + DEFAULT_AVATAR, "size": "400x400"}],
            "languages": ["en"],
            "configuration": _configuration(context)
            | {
                "urls": {
                    "streaming": streaming_url(context),
                    "status": None,
                    "about": config.base_url + "/",
                    "privacy_policy": config.base_url + PRIVACY_PAGE if config.privacy_policy else None,
                    "terms_of_service": config.base_url + TERMS_PAGE if config.terms_of_service else None,
                },
                "vapid": {"public_key": await load_public_key(context)},
                "translation": {"enabled": False},
                "timelines_access": {
                    "live_feeds": {"local": "public", "remote": "public"},
                    "hashtag_feeds": {"local": "public", "remote": "public"},
                    "trending_link_feeds": {"local": "public", "remote": "public"},
                },
                "limited_federation": config.allow_list,
            },
            "registrations": {
                "enabled": _takes_people(context),
                "approval_required": config.registration is Registration.APPROVAL,
                "reason_required": config.registration is Registration.APPROVAL,
                "message": None,
                "min_age": None,
                "url": None,
            },
            "api_versions": {"mastodon": API_VERSION, "fediverse_node": 1},
            "contact": {"email": config.contact_email, "account": await _contact(context)},
            "rules": [],
        }
    )


@routes.get("/api/v1/instance")
async def show_v1(call: Call) -> web.Response:
    """The same for older apps; toot and Tusky still ask here."""
    context, config = call.context, call.context.config
    call.headers |= _FRESH
    return call.json(
        {
            "uri": config.host,
            "title": config.title,
            "short_description": config.description,
            "description": config.description,
            "email": config.contact_email,
            "version": VERSION,
            "urls": {"streaming_api": streaming_url(context)},
            "stats": {
                "user_count": await _count(context, queries.USER_COUNT),
                "status_count": await _count(context, queries.LOCAL_STATUS_COUNT),
                "domain_count": await _count(context, queries.HOST_COUNT),
            },
            "thumbnail": config.base_url + DEFAULT_HEADER,
            "languages": ["en"],
            "registrations": _takes_people(context),
            "approval_required": config.registration is Registration.APPROVAL,
            "invites_enabled": config.registration is Registration.INVITE,
            "configuration": _configuration(context),
            "contact_account": await _contact(context),
            "rules": [],
        }
    )


@routes.get("/api/v1/instance/rules")
async def rules(call: Call) -> web.Response:
    """No rules are written down yet."""
    return call.json([])


@routes.get("/api/v1/instance/peers")
async def peers(call: Call) -> web.Response:
    """The hosts this one has talked with."""
    rows = await call.context.database.fetch(queries.HOSTS, patient=True, limit=_MOST_PEERS)
    call.headers |= _FRESH
    policy = call.context.writer.domains
    return call.json([row["host"] for row in rows if not policy.is_suspended(row["host"])])


@routes.get("/api/v1/instance/activity")
async def activity(call: Call) -> web.Response:
    """Twelve weeks: posts, sign-ins, new accounts. Sign-ins are by when each person was last seen."""
    now_ms = call.context.world.clock.now_ms()
    this_week_ms = now_ms - now_ms % _WEEK_MS
    weeks = []
    for number in range(12):
        since_ms = this_week_ms - number * _WEEK_MS
        before_ms = since_ms + _WEEK_MS
        ids = {"since": since_ms << 16, "before": before_ms << 16}
        logins = await _count(call.context, queries.LOGINS_BETWEEN, since=since_ms, before=before_ms)
        weeks.append(
            {
                "week": str(since_ms // 1000),
                "statuses": str(await _count(call.context, queries.STATUSES_BETWEEN, **ids)),
                "logins": str(logins),
                "registrations": str(await _count(call.context, queries.USERS_BETWEEN, **ids)),
            }
        )
    call.headers |= _FRESH
    return call.json(weeks)


@routes.get("/api/v1/instance/extended_description")
async def extended_description(call: Call) -> web.Response:
    """What the server says about itself. Its configuration has no date, so the date is now."""
    content = f"<p>{escape(call.context.config.description)}</p>" if call.context.config.description else ""
    return call.json({"updated_at": render_moment(call.context.world.clock.now_ms()), "content": content})


@routes.get("/api/v1/instance/languages")
async def languages(call: Call) -> web.Response:
    """The languages of this server's own pages."""
    return call.json([{"code": "en", "name": "English"}])


@routes.get("/api/v1/instance/translation_languages")
async def translation_languages(call: Call) -> web.Response:
    """Nothing is translated."""
    return call.json({})


@routes.get("/api/v1/custom_emojis")
async def custom_emojis(call: Call) -> web.Response:
    """The emojis of this server."""
    rows = await call.context.database.fetch(emojis.OURS)
    call.headers |= _FRESH
    return call.json(
        [
            {
                "shortcode": row["shortcode"],
                "url": row["url"],
                "static_url": row["static_url"] or row["url"],
                "visible_in_picker": bool(row["visible_in_picker"]),
                "category": row["category"],
            }
            for row in rows
        ]
    )


@routes.get("/health")
async def health(call: Call) -> web.Response:
    """The process answers and so does its database."""
    await call.context.database.fetch_one(queries.SETTING, key="")
    return call.json({"status": "UP"})


def streaming_url(context: Context) -> str:
    """Plain where the server is plain: apps fail on wss:// without a certificate."""
    return "ws" + context.config.base_url.removeprefix("http")


def _configuration(context: Context) -> dict[str, Any]:
    config = context.config
    return {
        "accounts": {
            "max_display_name_length": NAME_LIMIT,
            "max_note_length": NOTE_LIMIT,
            "max_avatar_description_length": DESCRIPTION_LIMIT,
            "max_header_description_length": DESCRIPTION_LIMIT,
            "max_featured_tags": MOST_FEATURED_TAGS,
            "max_pinned_statuses": MAX_PINS,
            "max_profile_fields": MOST_FIELDS,
            "profile_field_name_limit": FIELD_LIMIT,
            "profile_field_value_limit": FIELD_LIMIT,
        },
        "statuses": {
            "max_characters": config.posts.max_characters,
            "max_media_attachments": MAX_MEDIA,
            "characters_reserved_per_url": 23,
        },
        "media_attachments": {
            "supported_mime_types": list(SUPPORTED_TYPES),
            "description_limit": DESCRIPTION_LIMIT,
            "image_size_limit": config.media.max_upload_bytes,
            "image_matrix_limit": config.media.max_image_pixels,
            "video_size_limit": 0,
            "video_frame_rate_limit": 0,
            "video_matrix_limit": 0,
        },
        "polls": {
            "max_options": MAX_POLL_OPTIONS,
            "max_characters_per_option": MAX_OPTION_CHARACTERS,
            "min_expiration": MIN_POLL_S,
            "max_expiration": MAX_POLL_S,
        },
    }


def _takes_people(context: Context) -> bool:
    return context.config.registration in (Registration.OPEN, Registration.APPROVAL)


async def _count(context: Context, statement: Any, **values: int) -> int:
    row = await context.database.fetch_one(statement, **values)
    return int(row[0]) if row is not None else 0


async def _contact(context: Context) -> dict[str, Any] | None:
    row = await context.database.fetch_one(queries.CONTACT)
    account = await load_account(context.database, row["actor_id"]) if row is not None else None
    return None if account is None else render_account(account, context)
