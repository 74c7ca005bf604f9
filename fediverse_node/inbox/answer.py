"""What comes in and what is answered, without any HTTP library."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.outcome import Reason


class Turned(Reason):
    """Why the inbox answered as it did, besides the reasons of signatures, wire and domain."""

    ACCEPTED = "accepted"
    DUPLICATE = "this very request was received before"
    STAGED = "kept until the network has answered what is missing"
    NOT_JSON = "the body is not a JSON object"
    WRONG_ACTOR = "the key belongs to somebody else than the actor of the activity"
    SUSPENDED = "the actor or its host is suspended here"
    KEY_GONE = "the signing actor does not exist any more"
    KEY_UNREACHABLE = "the signing key could not be fetched"
    UNKNOWN_TYPE = "this kind of activity has no meaning here"
    IGNORED = "the activity had no effect here"
    NOT_UNDERSTOOD = "the activity does not say what it needs to say"


@dataclass(frozen=True, slots=True)
class Received:
    """An HTTP request to an inbox. `url` is the public one; header names are in lower case, in their order."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and, unless all is well, a sentence for the other server's log."""

    status: int
    error: str | None = None
    reason: Reason = Turned.ACCEPTED
