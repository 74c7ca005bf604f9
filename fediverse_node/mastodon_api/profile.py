"""One's own account: looked at, changed; what one prefers.

spec: mastodon-client-api#update_credentials, #preferences
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.mastodon_api.accounts import require_account
from fediverse_node.mastodon_api.entities.account import image_url
from fediverse_node.mastodon_api.entities.credential_account import render_credential_account, settings_of
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.limits import MEDIA
from fediverse_node.mastodon_api.media import require_upload
from fediverse_node.mastodon_api.params import Params
from fediverse_node.mastodon_api.profile_text import find_emojis, render_fields, render_note
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.outbox.composition import DESCRIPTION_LIMIT, FIELD_LIMIT, MOST_FIELDS, NAME_LIMIT, NOTE_LIMIT
from fediverse_node.outbox.picture_files import MEDIA_NAME_BYTES, remove_files, store_profile_picture
from fediverse_node.protocol.language import is_language_tag
from fediverse_node.storage.queries import relationships, users
from fediverse_node.storage.queries.timelines import Page
from fediverse_node.storage.unit import Unit

routes = Routes()

_AVATAR = (400, 400)
_HEADER = (1500, 500)
_VISIBILITIES = ("public", "unlisted", "private", "direct")
_QUOTE_POLICIES = ("public", "followers", "nobody")
_MOST_REQUESTS_COUNTED = 1000
_PICTURES = {"avatar": ("icon_url", "icon_description"), "header": ("image_url", "image_description")}


@routes.get("/api/v1/accounts/verify_credentials", scope=("read:accounts", "profile"))
async def show(call: Call) -> web.Response:
    """Oneself."""
    return await _answer(call)


@routes.patch("/api/v1/accounts/update_credentials", scope="write:accounts")
async def update(call: Call) -> web.Response:
    """Change what is given; the rest stays. Followers elsewhere are told."""
    await _apply(call)
    return await _answer(call)


@routes.get("/api/v1/profile", scope=("read:accounts", "profile"))
async def show_profile(call: Call) -> web.Response:
    """Oneself as typed."""
    return await _answer_profile(call)


@routes.patch("/api/v1/profile", scope="write:accounts")
async def update_profile(call: Call) -> web.Response:
    """The same change with the newer answer."""
    await _apply(call)
    return await _answer_profile(call)


@routes.delete("/api/v1/profile/avatar", scope="write:accounts")
async def delete_avatar(call: Call) -> web.Response:
    """No picture any more."""
    return await _delete_picture(call, "avatar")


@routes.delete("/api/v1/profile/header", scope="write:accounts")
async def delete_header(call: Call) -> web.Response:
    """No header any more."""
    return await _delete_picture(call, "header")


@routes.get("/api/v1/preferences", scope="read:accounts")
async def preferences(call: Call) -> web.Response:
    """What apps should assume where the person says nothing."""
    settings = settings_of((await _user(call))["settings"])
    return call.json(
        {
            "posting:default:visibility": settings["default_visibility"],
            "posting:default:sensitive": settings["default_sensitive"],
            "posting:default:language": settings["default_language"],
            "posting:default:quote_policy": settings["quote_policy"],
            "reading:expand:media": settings["expand_media"],
            "reading:expand:spoilers": settings["expand_spoilers"],
            "reading:autoplay:gifs": False,
        }
    )


async def _user(call: Call) -> Any:
    row = await call.context.database.fetch_one(users.USER, id=call.viewer.user_id)
    if row is None:
        raise not_found()
    return row


async def _answer(call: Call) -> web.Response:
    viewer, context = call.viewer, call.context
    row = await require_account(context, viewer.actor_id)
    settings = settings_of((await _user(call))["settings"])
    requests = await relationships.REQUESTS.load(
        context.database, Page(_MOST_REQUESTS_COUNTED), actor_id=viewer.actor_id
    )
    # The badge on the profile is of whoever was there first; this is what this person may do.
    own = {**row, "role": viewer.role}
    return call.json(render_credential_account(own, settings, context, requests_count=len(requests)))


async def _answer_profile(call: Call) -> web.Response:
    context = call.context
    row = await require_account(context, call.viewer.actor_id)
    settings = settings_of((await _user(call))["settings"])
    account = render_credential_account(row, settings, context, requests_count=0)
    pictures = {name: image_url(row, column, context) for name, (column, _) in _PICTURES.items()}
    kept = (
        *("id", "display_name", "avatar_description", "header_description", "locked", "bot", "hide_collections"),
        *("discoverable", "indexable", "show_media", "show_media_replies", "show_featured"),
    )
    return call.json(
        {name: account[name] for name in kept}
        | {"note": account["source"]["note"], "fields": account["source"]["fields"], "attribution_domains": []}
        | {"avatar": pictures["avatar"], "avatar_static": pictures["avatar"]}
        | {"header": pictures["header"], "header_static": pictures["header"]}
    )


async def _apply(call: Call) -> None:
    """Check everything, then store, then tell."""
    params, context = call.params, call.context
    before = await require_account(context, call.viewer.actor_id)
    settings: dict[str, Any] = _settings(params)
    changes: dict[str, Any] = _flags(params, before["type"])
    changes |= _words(params)
    note = params.text("note")
    if note is not None:
        if len(note) > NOTE_LIMIT:
            raise invalid(f"Note is too long (maximum is {NOTE_LIMIT} characters)")
        settings["note_source"] = note
        changes["summary"] = await render_note(note, context)
    pairs = _field_pairs(params)
    if pairs is not None:
        changes["fields"], settings["fields_source"] = await render_fields(pairs, context, stored=before["fields"])
    if changes.keys() & {"name", "summary", "fields"}:
        texts = (changes.get(key, before[key]) for key in ("name", "summary", "fields"))
        changes["emojis"] = await find_emojis(context, *texts)
    # Files last: nothing else can refuse any more.
    replaced = await _pictures(call, before, changes)
    await _store(call, changes, settings)
    await remove_files(context.config.media_dir, *replaced)


async def _store(call: Call, changes: dict[str, Any], settings: dict[str, Any]) -> None:
    viewer = call.viewer
    actor_id, user_id = viewer.actor_id, viewer.user_id

    def unit() -> Unit[None]:
        if changes:
            yield from users.change_profile(actor_id, changes)
        if settings and user_id is not None:
            yield from users.change_settings(user_id, settings)

    if changes or settings:
        await call.context.writer.run(unit)
    if changes:
        await call.context.outbox.profile_changed(actor_id)


async def _pictures(call: Call, before: Any, changes: dict[str, Any]) -> list[str | None]:
    """Store new pictures; answers the paths of those they replace. An empty value changes nothing."""
    replaced: list[str | None] = []
    config = call.context.config
    for name, size in (("avatar", _AVATAR), ("header", _HEADER)):
        if call.params.file(name) is None:
            continue
        call.take(MEDIA)
        file = require_upload(call, name)
        path = await store_profile_picture(
            file.data,
            config.media_dir,
            name=call.context.world.randomness.token(MEDIA_NAME_BYTES),
            max_pixels=config.media.max_image_pixels,
            folder=f"{name}s",
            width=size[0],
            height=size[1],
        )
        if isinstance(path, Fail):
            raise invalid(f"{name.capitalize()}: {path}")
        column = _PICTURES[name][0]
        replaced.append(before[column])
        changes[column] = path
    return replaced


async def _delete_picture(call: Call, name: str) -> web.Response:
    column, description = _PICTURES[name]
    before = await require_account(call.context, call.viewer.actor_id)
    if before[column]:
        await _store(call, {column: None, description: ""}, {})
        await remove_files(call.context.config.media_dir, before[column])
    return await _answer(call)


def _flags(params: Params, type_: str) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in ("locked", "indexable", "discoverable", "hide_collections"):
        value = params.flag(name)
        if value is not None:
            changes[name] = value
    bot = params.flag("bot")
    # Apps send the box with every profile they save: an organisation does not become a person by that.
    if bot is not None and type_ in ("Person", "Service"):
        changes["type"] = "Service" if bot else "Person"
    return changes


def _words(params: Params) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    name = params.text("display_name")
    if name is not None:
        if len(name) > NAME_LIMIT:
            raise invalid(f"Display name is too long (maximum is {NAME_LIMIT} characters)")
        changes["name"] = " ".join(name.split())
    for which, (_, column) in _PICTURES.items():
        text = params.text(f"{which}_description")
        if text is not None:
            if len(text) > DESCRIPTION_LIMIT:
                raise invalid(f"{which.capitalize()} description is too long")
            changes[column] = text.strip()
    return changes


def _settings(params: Params) -> dict[str, Any]:
    source = params.mapping("source")
    settings: dict[str, Any] = {}
    visibility = source.text("privacy")
    if visibility:
        if visibility not in _VISIBILITIES:
            raise invalid("Privacy is not included in the list")
        settings["default_visibility"] = visibility
    sensitive = source.flag("sensitive")
    if sensitive is not None:
        settings["default_sensitive"] = sensitive
    language = source.text("language")
    if language is not None:
        if language and not is_language_tag(language):
            raise invalid("Language is invalid")
        settings["default_language"] = language or None
    policy = source.text("quote_policy")
    if policy:
        if policy not in _QUOTE_POLICIES:
            raise invalid("Quote policy is not included in the list")
        settings["quote_policy"] = policy
    return settings


def _field_pairs(params: Params) -> list[tuple[str, str]] | None:
    """The table of the profile, given as a list or with numbers for keys; None when it is not given."""
    if "fields_attributes" not in params:
        return None
    pairs = [
        (item.text("name", "").strip(), item.text("value", "").strip()) for item in params.mappings("fields_attributes")
    ]
    pairs = [(name, value) for name, value in pairs if name or value]
    if len(pairs) > MOST_FIELDS:
        raise invalid(f"Fields are too many (maximum is {MOST_FIELDS})")
    if any(len(text) > FIELD_LIMIT for pair in pairs for text in pair):
        raise invalid(f"Fields are too long (maximum is {FIELD_LIMIT} characters each)")
    if any(not name for name, _ in pairs):
        raise invalid("Fields need a name")
    return pairs
