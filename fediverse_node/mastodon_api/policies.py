"""What a person permits others to do with a post, from an app's parameters: quotes as Mastodon has them, the rest as
GoToSocial does. And the post that a new one quotes.

spec: mastodon-client-api#statuses, gotosocial-client-api#statusCreate
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fediverse_node.domain.interaction_policy import ANYBODY, AUTHOR, FOLLOWERS, FOLLOWING, quote_permission
from fediverse_node.domain.model import InteractionPolicy, Permission, Visibility
from fediverse_node.mastodon_api.entities.status import VISIBILITIES, visibility_name
from fediverse_node.mastodon_api.errors import ApiError, invalid
from fediverse_node.mastodon_api.fragments import load_entry
from fediverse_node.mastodon_api.params import Params, parse_id
from fediverse_node.mastodon_api.routing import Call
from fediverse_node.protocol.plain_text import find_mentions
from fediverse_node.protocol.uris import is_http_uri
from fediverse_node.storage.queries.outbox import ACTOR, OBJECT
from fediverse_node.storage.rows import full_object_of

QUOTE_POLICIES = ("public", "followers", "nobody")
_PARTS = {"can_favourite": "like", "can_reply": "reply", "can_reblog": "announce"}
_LISTS = (("automatic_approval", "always"), ("manual_approval", "with_approval"))
_MOST_NAMED = 50
# Who is mentioned or answered may answer in any case; "me" is the one who writes.
_WORDS = {"public": ANYBODY, "followers": FOLLOWERS, "following": FOLLOWING, "author": AUTHOR, "me": AUTHOR}
_UNDERSTOOD = frozenset({"mentioned", "mutuals"})


def read_quote_policy(params: Params) -> str | None:
    """`quote_approval_policy`, checked; None where the app says nothing."""
    word = params.text("quote_approval_policy")
    if word and word not in QUOTE_POLICIES:
        raise invalid("Quote approval policy is not included in the list")
    return word or None


def read_interaction_policy(params: Params) -> dict[str, dict[str, list[str]]] | None:
    """`interaction_policy[can_reply][always][]` and so on: {reply: {automatic, manual}}; None where nothing is said."""
    given = params.mapping("interaction_policy")
    found: dict[str, dict[str, list[str]]] = {}
    for name, part in _PARTS.items():
        rules = given.mapping(name)
        if not rules.names():
            continue
        automatic, manual = (_words(rules, names) for names in _LISTS)
        # Its author always may, and a list that says nothing would say the same as none.
        found[part] = {"automatic": automatic or [AUTHOR], "manual": manual}
    return found or None


def _words(rules: Params, names: tuple[str, str]) -> list[str]:
    given = next((rules.list(name) for name in names if rules.list(name)), [])
    if len(given) > _MOST_NAMED:
        raise invalid(f"Interaction policies cannot name more than {_MOST_NAMED}")
    words: dict[str, None] = {}
    for word in given:
        if word in _WORDS:
            words[_WORDS[word]] = None
        elif is_http_uri(word, allow_plain=True):
            words[word] = None
        elif word not in _UNDERSTOOD:
            raise invalid(f"Interaction policy: {word[:50]} is neither an address nor a group of people that is known")
    return list(words)


def policy_of_params(
    quote_word: str | None, rules: Mapping[str, Any] | None, visibility: Visibility
) -> InteractionPolicy:
    """The policy of a new post, of what was read (and perhaps kept for a while)."""
    parts = {name: Permission(tuple(rule["automatic"]), tuple(rule["manual"])) for name, rule in (rules or {}).items()}
    return InteractionPolicy(
        like=_told(parts.get("like")),
        reply=_told(parts.get("reply")),
        announce=_told(parts.get("announce")),
        quote=quote_permission(quote_word or "nobody", visibility),
    )


def _told(permission: Permission | None) -> Permission | None:
    """Who lets everybody do something says nothing: that is what everybody expects."""
    return None if permission is not None and ANYBODY in permission.automatic else permission


def changed_policy(
    params: Params, before: InteractionPolicy | None, visibility: Visibility
) -> InteractionPolicy | None:
    """The policy of a post after an app named some of it anew; None where it names nothing."""
    word, rules = read_quote_policy(params), read_interaction_policy(params)
    if word is None and rules is None:
        return None
    fresh = policy_of_params(word, rules, visibility)
    policy = before or InteractionPolicy(quote=quote_permission("nobody", visibility))
    if word is not None:
        policy = replace(policy, quote=fresh.quote)
    for name in rules or {}:
        policy = replace(policy, **{name: getattr(fresh, name)})
    return policy


async def read_quoted(call: Call, visibility: str, text: str) -> tuple[str | None, str]:
    """`quoted_status_id`, checked, and the visibility of the post that quotes it.

    A post for followers can be quoted by its author alone, and the quote is for followers too. Nobody is spoken of
    behind their back: in private only to people of whom the quoted author is one.
    """
    given = call.params.text("quoted_status_id")
    if not given:
        return None, visibility
    missing = ApiError(404, "The post you are trying to quote does not appear to exist.")
    id_ = parse_id(given)
    if id_ is None:
        raise missing
    try:
        entry = await load_entry(call.context, call.viewer.actor_id, id_)
    except ApiError:
        raise missing from None
    # A quote of a boost is a quote of what was boosted.
    row = await call.context.database.fetch_one(OBJECT, id_=entry["target_id"] or entry["id"])
    if row is None:
        raise missing
    quoted = full_object_of(row)
    if quoted.visibility is Visibility.DIRECT:
        raise ApiError(403, "This is not allowed: what was said in private cannot be quoted")
    if VISIBILITIES[visibility] is Visibility.DIRECT and not await _is_spoken_to(call, quoted.actor_id, text):
        raise ApiError(422, "Validation failed: in private, a quote can be sent only to people with its author")
    if quoted.visibility is Visibility.FOLLOWERS and VISIBILITIES[visibility] is not Visibility.DIRECT:
        visibility = visibility_name(Visibility.FOLLOWERS)
    return str(quoted.id), visibility


async def _is_spoken_to(call: Call, author_id: int, text: str) -> bool:
    """Whether the author of what is quoted is the one who writes, or is mentioned."""
    if author_id == call.viewer.actor_id:
        return True
    author = await call.context.database.fetch_one(ACTOR, id_=author_id)
    ours = call.context.config.host
    named = {(user.lower(), (host or ours).lower()) for user, host in find_mentions(text)}
    return author is not None and (author["username"].lower(), author["host"].lower()) in named
