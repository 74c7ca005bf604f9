"""Approval stamps: the word of an author that a quote, reply, like or announce of their post is welcome.

spec: fep-044f#quoteauthorization, gts-interaction#approval-objects. Read: the stamps of today, GoToSocial's
`ReplyApproval` and the like of 0.19, and the bare Accept of 0.17. Whether a stamp is
authentic and whose it has to be is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.contexts import with_context
from fediverse_node.protocol.reading import types, uri
from fediverse_node.protocol.reasons import WireReason

_KINDS = {"quote": "Quote", "reply": "Reply", "like": "Like", "announce": "Announce"}
_TYPES = {f"{word}Authorization": kind for kind, word in _KINDS.items()}
_OLD_TYPES = {f"{word}Approval": kind for kind, word in _KINDS.items() if kind != "quote"}


@dataclass(frozen=True, slots=True)
class Authorization:
    """`kind` is quote, reply, like or announce; empty for an Accept, which does not say.

    `interaction_target` is None in old stamps only, where it was optional.
    """

    id: str
    kind: str
    attributed_to: str
    interacting_object: str
    interaction_target: str | None


def parse_authorization(doc: object) -> Authorization | Fail:
    """Read any JSON value as a stamp; never raises."""
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    id_ = doc.get("id")
    own_id = uri(id_) if isinstance(id_, str) else None
    if own_id is None:
        return Fail(WireReason.NO_ID)
    names = types(doc)
    is_new = any(name in _TYPES for name in names)
    kind = next((found for name in names if (found := _TYPES.get(name) or _OLD_TYPES.get(name))), None)
    if kind is None and "Accept" in names:
        kind = ""
    if kind is None:
        return Fail(WireReason.NOT_A_STAMP, names[0] if names else "")
    author = uri(doc.get("attributedTo")) or (uri(doc.get("actor")) if kind == "" else None)
    thing = uri(doc.get("interactingObject" if is_new else "object"))
    target = uri(doc.get("interactionTarget" if is_new else "target"))
    if author is None or thing is None or (target is None and is_new):
        return Fail(WireReason.NOT_A_STAMP, "it does not say whose word it is, and about what")
    return Authorization(own_id, kind, author, thing, target)


def dump_authorization(stamp: Authorization) -> dict[str, object]:
    """A stamp of ours. Both objects by their ids: whoever reads it may not be meant to read them."""
    return with_context(
        {
            "id": stamp.id,
            "type": f"{_KINDS[stamp.kind]}Authorization",
            "attributedTo": stamp.attributed_to,
            "interactingObject": stamp.interacting_object,
            "interactionTarget": stamp.interaction_target,
        }
    )
