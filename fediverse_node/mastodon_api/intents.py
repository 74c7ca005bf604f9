"""Pages on which people do here what they were asked for elsewhere: follow, like, share, answer, write.

spec: fep-3b86#activity-intents, fep-3b86#security-considerations. WebFinger says where they are. Opening one changes
nothing and asks nobody: what is meant is shown by its address, and looked up when the person agrees. Afterwards the
person stays here: `on-success` and `on-cancel` are not offered, so that nobody is led elsewhere from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from fediverse_node.domain.effects import Refusal, Refuse
from fediverse_node.domain.model import Visibility
from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.intent_links import FIELDS, VERBS, sign_in_query
from fediverse_node.mastodon_api.pages import render_page, render_problem
from fediverse_node.mastodon_api.sessions import Session, is_ours, load_session
from fediverse_node.mastodon_api.sign_in import sign_in_page
from fediverse_node.outbox.draft import Draft
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.protocol.uris import host_of, is_http_uri
from fediverse_node.storage.queries import statuses as queries

_LONGEST = 2048
_LONGEST_TEXT = 5_000
# Longer ones are not links that somebody gave.
_LONGEST_PREFILLED = 2_500


async def show(request: web.Request) -> web.Response:
    """What the person is asked; or first who they are."""
    context, verb = request.app[CONTEXT], request.match_info["verb"]
    if verb not in VERBS:
        return render_problem(context, 404, "There is no such page", "The link that brought you here is not right.")
    given = {name: request.query[name] for name in FIELDS if request.query.get(name)}
    if sum(map(len, given.values())) > _LONGEST_PREFILLED:
        return render_problem(context, 400, "This link is too long", "Copy what you want to say into your app.")
    if not _is_whole(verb, given, context):
        return render_problem(context, 400, "This link is not right", "It does not say what it is about.")
    session = await load_session(request, context)
    if session is None:
        return sign_in_page(request, context, query=sign_in_query(verb, given))
    return _ask(context, session, verb, given)


async def do(request: web.Request) -> web.Response:
    """The person agreed."""
    context, verb = request.app[CONTEXT], request.match_info["verb"]
    session = await load_session(request, context)
    try:
        params = await read_params(request, context.config)
        given = {name: (params.text(name) or "")[:_LONGEST_TEXT] for name in FIELDS}
        form_token = params.text("form_token", "")
    except ApiError as error:
        return render_problem(context, error.status, "This request cannot be read", error.error)
    if session is None or not is_ours(request, form_token, session.secret):
        text = "The page was open for too long, or the request came from another site. Please start again."
        return render_problem(context, 403, "Nothing was done", text)
    if verb not in VERBS or not _is_whole(verb, given, context):
        return render_problem(context, 400, "This link is not right", "It does not say what it is about.")
    if session.user["confirmed_ms"] is None or session.user["approved_ms"] is None:
        return render_problem(context, 403, "Not yet", "Your account has to be confirmed first.")
    refused = await _act(context, int(session.user["actor_id"]), verb, given)
    if refused:
        return render_problem(context, 422, "Nothing was done", refused)
    return render_page("intent_done.html", context, title=VERBS[verb][1], text=VERBS[verb][2])


def _is_whole(verb: str, given: Mapping[str, str], context: Context) -> bool:
    uris = (given.get("object", ""), given.get("inReplyTo", ""))
    plain = context.config.scheme == "http"
    if any(uri and (len(uri) > _LONGEST or not is_http_uri(uri, allow_plain=plain)) for uri in uris):
        return False
    return verb == "create" or bool(given.get("object"))


def _ask(context: Context, session: Session, verb: str, given: Mapping[str, str]) -> web.Response:
    question, button, _ = VERBS[verb]
    parts = (given.get("name", ""), given.get("content", ""), given.get("object", ""))
    return render_page(
        "intent.html",
        context,
        question=question,
        button=button,
        user=session.user,
        is_text=verb == "create",
        about=given.get("inReplyTo" if verb == "create" else "object", ""),
        host=host_of(given.get("inReplyTo" if verb == "create" else "object", "")) or "",
        text="\n\n".join(to_plain_text(part) for part in parts if part) if verb == "create" else "",
        fields={name: given[name] for name in ("object", "inReplyTo", "summary") if given.get(name)},
        form_token=session.form_token,
    )


async def _act(context: Context, actor_id: int, verb: str, given: Mapping[str, str]) -> str:
    """Why nothing was done; "" if it was."""
    if verb == "create":
        return await _write(context, actor_id, given)
    uri = given["object"]
    if verb == "follow":
        found = await context.find_actor(uri)
        if not isinstance(found, int):
            return "Nobody was found at this address."
        return _said(await context.outbox.follow(actor_id, found))
    object_id = await _visible(context, actor_id, uri)
    if object_id is None:
        return "No post was found at this address."
    if verb == "like":
        return _said(await context.outbox.like(actor_id, object_id))
    if verb == "announce":
        outcome = await context.outbox.announce(actor_id, object_id, Visibility.PUBLIC)
        return _said(outcome if isinstance(outcome, Refuse) else None)
    return ""


async def _write(context: Context, actor_id: int, given: Mapping[str, str]) -> str:
    text, summary = given["content"].strip(), given["summary"].strip()
    if not text or len(text) + len(summary) > context.config.posts.max_characters:
        return "A post needs words, and not too many of them."
    parent_id = None
    if given["inReplyTo"]:
        parent_id = await _visible(context, actor_id, given["inReplyTo"])
        if parent_id is None:
            return "The post to answer was not found."
    outcome = await context.outbox.post(actor_id, Draft(text, summary=summary, in_reply_to_id=parent_id))
    return _said(outcome if isinstance(outcome, Refuse) else None)


async def _visible(context: Context, actor_id: int, uri: str) -> int | None:
    """What is at the address, if this person may see it: what they may not is not there for them."""
    found = await context.find_object(uri)
    if not isinstance(found, int):
        return None
    row = await context.database.fetch_one(queries.BY_ID, object_id=found, viewer_id=actor_id)
    return None if row is None else int(row["target_id"] or row["id"])


def _said(refusal: Refuse | None) -> str:
    if refusal is None or refusal.reason is Refusal.ALREADY_DONE:
        return ""
    return f"{(refusal.detail or refusal.reason.sentence).capitalize()}."
