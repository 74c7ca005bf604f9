"""Why a client's activity was not done: one name for each kind of answer, the cause in the detail."""

from __future__ import annotations

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.effects import Refusal, Refuse


class ClientFault(Reason):
    """The ways in which an activity for an outbox can end without effect."""

    MALFORMED = "the activity cannot be read"
    SCOPE_MISSING = "the person did not allow the app to do this"
    WRONG_ACTOR = "the activity is somebody else's"
    NOT_ALLOWED = "this may not be done"
    NOT_FOUND = "there is no such thing here, or it is not for this person"
    ALREADY_DONE = "this is so already"
    CANNOT_SAY = "this server cannot do what the activity says"


_NOT_FOUND = frozenset({Refusal.UNKNOWN_OBJECT, Refusal.UNKNOWN_ACTOR, Refusal.DELETED})
_NOT_ALLOWED = frozenset({Refusal.NOT_PERMITTED, Refusal.NOT_THE_OWNER, Refusal.SUSPENDED, Refusal.WRONG_ORIGIN})


def of_refusal(refuse: Refuse) -> Fail:
    """What the domain refused, as a client is told."""
    sentence = refuse.reason.sentence + (f": {refuse.detail}" if refuse.detail else "")
    if refuse.reason in _NOT_FOUND:
        return Fail(ClientFault.NOT_FOUND, sentence)
    if refuse.reason in _NOT_ALLOWED:
        return Fail(ClientFault.NOT_ALLOWED, sentence)
    if refuse.reason is Refusal.ALREADY_DONE:
        return Fail(ClientFault.ALREADY_DONE, sentence)
    return Fail(ClientFault.CANNOT_SAY, sentence)


def malformed(why: str) -> Fail:
    """It cannot be read."""
    return Fail(ClientFault.MALFORMED, why)


def cannot(why: str) -> Fail:
    """It was understood, and this server has no way to do it."""
    return Fail(ClientFault.CANNOT_SAY, why)


def missing(what: str) -> Fail:
    """It does not exist for this person."""
    return Fail(ClientFault.NOT_FOUND, what)
