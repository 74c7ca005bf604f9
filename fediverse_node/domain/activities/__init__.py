"""One file per verb, what others do and what ours do together; here the index: which rule is for which type.

Files here never import each other: what two of them share lives in `domain/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fediverse_node.domain import groups
from fediverse_node.domain.activities import (
    accept,
    add,
    announce,
    block,
    create,
    delete,
    dislike,
    emoji_react,
    flag,
    follow,
    interaction_request,
    join,
    like,
    lock,
    move,
    quote_request,
    reject,
    remove,
    undo,
    update,
)
from fediverse_node.domain.effects import Effect
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.verified import Verified

__all__ = ["RULES", "Rule", "rule_for"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an activity of one type needs to know, and what follows from it."""

    needs: Callable[[Verified], Needs]
    decide: Callable[[Verified, Facts], Iterator[Effect]]


_RULES: Mapping[str, Rule] = {
    "Accept": Rule(accept.needs, accept.decide),
    "Add": Rule(add.needs, add.decide),
    "Announce": Rule(announce.needs, announce.decide),
    "AnnounceRequest": Rule(interaction_request.needs, interaction_request.decide),
    "Block": Rule(block.needs, block.decide),
    "Create": Rule(create.needs, create.decide),
    "Delete": Rule(delete.needs, delete.decide),
    "Dislike": Rule(dislike.needs, dislike.decide),
    "EmojiReact": Rule(emoji_react.needs, emoji_react.decide),
    "Flag": Rule(flag.needs, flag.decide),
    "Follow": Rule(follow.needs, follow.decide),
    "Join": Rule(join.needs, join.decide),
    "Leave": Rule(join.needs, join.decide),
    "Like": Rule(like.needs, like.decide),
    "LikeRequest": Rule(interaction_request.needs, interaction_request.decide),
    "Lock": Rule(lock.needs, lock.decide),
    "Move": Rule(move.needs, move.decide),
    "QuoteRequest": Rule(quote_request.needs, quote_request.decide),
    "Reject": Rule(reject.needs, reject.decide),
    "Remove": Rule(remove.needs, remove.decide),
    "ReplyRequest": Rule(interaction_request.needs, interaction_request.decide),
    "Undo": Rule(undo.needs, undo.decide),
    "Update": Rule(update.needs, update.decide),
}


def _in_groups(rule: Rule) -> Rule:
    """The rule, and what groups of ours make of it: they pass it on, and their moderators may more than others."""
    return Rule(
        lambda verified: groups.with_groups(rule.needs(verified), verified),
        lambda verified, facts: groups.heard(verified, rule.decide(verified, facts), facts),
    )


RULES: Mapping[str, Rule] = {
    name: _in_groups(rule) if name in groups.PASSED_ON | groups.MODERATING else rule for name, rule in _RULES.items()
}


def rule_for(type_: str) -> Rule | None:
    """The rule for activities of this type, or None: then nothing follows, and the sender is told 202."""
    return RULES.get(type_)
