"""One file per verb, what others do and what ours do together; here the index: which rule is for which type.

Files here never import each other: what two of them share lives in `domain/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fediverse_node.domain.activities import (
    accept,
    add,
    announce,
    block,
    create,
    delete,
    flag,
    follow,
    like,
    move,
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


RULES: Mapping[str, Rule] = {
    "Accept": Rule(accept.needs, accept.decide),
    "Add": Rule(add.needs, add.decide),
    "Announce": Rule(announce.needs, announce.decide),
    "Block": Rule(block.needs, block.decide),
    "Create": Rule(create.needs, create.decide),
    "Delete": Rule(delete.needs, delete.decide),
    "Flag": Rule(flag.needs, flag.decide),
    "Follow": Rule(follow.needs, follow.decide),
    "Like": Rule(like.needs, like.decide),
    "Move": Rule(move.needs, move.decide),
    "Reject": Rule(reject.needs, reject.decide),
    "Remove": Rule(remove.needs, remove.decide),
    "Undo": Rule(undo.needs, undo.decide),
    "Update": Rule(update.needs, update.decide),
}


def rule_for(type_: str) -> Rule | None:
    """The rule for activities of this type, or None: then nothing follows, and the sender is told 202."""
    return RULES.get(type_)
