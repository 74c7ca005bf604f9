"""Quote, ShallowQuote, QuoteApproval, and GoToSocial's InteractionPolicy.

spec: mastodon-client-api#Quote, mastodon-client-api#ShallowQuote, mastodon-client-api#QuoteApproval,
gotosocial-client-api#interactionPolicy
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fediverse_node.domain.interaction_policy import ANYBODY, AUTHOR, FOLLOWERS, FOLLOWING, WORDS
from fediverse_node.domain.model import Approval, InteractionPolicy, Permission, Visibility

NO_QUOTE = b',"quote":null'
# States in which the app gets the quoted status all the same, to show it on demand.
_GIVEN = frozenset({"accepted", "blocked_account", "blocked_domain", "muted_account"})
_NOBODY = Permission()


@dataclass(frozen=True, slots=True)
class QuoteInfo:
    """What is stored of the quote in a status."""

    state: Approval
    quoted_id: int | None
    quoted_actor_id: int | None


@dataclass(frozen=True, slots=True)
class Bond:
    """What is between the viewer and an author. `uri` is the viewer's."""

    uri: str = ""
    follows: bool = False
    is_followed: bool = False


def state_for(quote: QuoteInfo, *, is_visible: bool, avoided: str | None) -> str:
    """The `state` for a viewer: the stored one, or why this viewer does not get to see what was accepted."""
    if quote.state is not Approval.ACCEPTED:
        return str(quote.state.value)
    if quote.quoted_id is None:
        return "deleted"
    if not is_visible:
        return "unauthorized"
    return avoided or "accepted"


def render_quote(state: str, status: bytes | None) -> bytes:
    """The member `quote` of a status, a comma before it."""
    shown = status if status is not None and state in _GIVEN else b"null"
    return b',"quote":{"state":"%b","quoted_status":%b}' % (state.encode(), shown)


def render_shallow_quote(state: str, quoted_id: int | None) -> bytes:
    """The same inside a quoted status, where only the number is told."""
    shown = b'"%d"' % quoted_id if quoted_id is not None and state in _GIVEN else b"null"
    return b',"quote":{"state":"%b","quoted_status_id":%b}' % (state.encode(), shown)


def render_approval(
    policy: InteractionPolicy | None,
    visibility: Visibility,
    *,
    is_author: bool,
    bond: Bond | None,
) -> bytes:
    """The member `quote_approval` of a status, a comma before it. `bond` is None for anybody."""
    permission = policy.quote if policy is not None and policy.quote is not None else _NOBODY
    is_open = visibility in (Visibility.PUBLIC, Visibility.UNLISTED)
    if is_author:
        mine = "denied" if visibility is Visibility.DIRECT else "automatic"
    elif bond is None or not is_open:
        mine = "denied"
    else:
        mine = _standing(permission, bond)
    return _approval(permission.automatic, permission.manual, mine)


@functools.lru_cache(maxsize=1024)
def _approval(automatic: tuple[str, ...], manual: tuple[str, ...], mine: str) -> bytes:
    entity = {"automatic": _groups(automatic), "manual": _groups(manual), "current_user": mine}
    return b',"quote_approval":' + orjson.dumps(entity)


def _groups(words: tuple[str, ...]) -> list[str]:
    known = [word for word in words if word in (ANYBODY, FOLLOWERS, FOLLOWING)]
    return [*known, "unsupported_policy"] if any(word not in WORDS for word in words) else known


def needs_bond(policy: InteractionPolicy | None) -> bool:
    """Whether it depends on who looks what the policy says to them."""
    if policy is None or policy.quote is None or ANYBODY in policy.quote.automatic:
        return False
    return any(word != AUTHOR for word in (*policy.quote.automatic, *policy.quote.manual))


def _standing(permission: Permission, bond: Bond) -> str:
    for words, found in ((permission.automatic, "automatic"), (permission.manual, "manual")):
        is_among = (FOLLOWERS in words and bond.follows) or (FOLLOWING in words and bond.is_followed)
        if ANYBODY in words or bond.uri in words or is_among:
            return found
    # There are others whom it names, but this is not one of them.
    return "denied"


def render_policy(policy: InteractionPolicy) -> dict[str, Any]:
    """What GoToSocial's apps know as `interaction_policy`: who may like, answer and boost."""
    parts: Mapping[str, Permission | None] = {
        "can_favourite": policy.like,
        "can_reply": policy.reply,
        "can_reblog": policy.announce,
    }
    return {name: _rules(permission or Permission((ANYBODY,))) for name, permission in parts.items()}


def _rules(permission: Permission) -> dict[str, list[str]]:
    automatic, manual = list(permission.automatic), list(permission.manual)
    return {
        "automatic_approval": automatic,
        "manual_approval": manual,
        "always": automatic,
        "with_approval": manual,
    }


def restricts(policy: InteractionPolicy | None) -> bool:
    """Whether more is said than who may quote."""
    return policy is not None and any(part is not None for part in (policy.like, policy.reply, policy.announce))
