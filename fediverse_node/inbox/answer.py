"""What comes in and what is answered, without any HTTP library."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.outcome import Reason


class Turned(Reason):
    """Why the inbox answered as it did, besides the reasons of signatures, wire and domain."""

    ACCEPTED = "accepted"
    DUPLICATE = "this very request was received before"
    STAGED = "kept until the network has answered what is missing"
    OUT_OF_ORDER = "what it takes back still waits for the network, and comes first"
    STAGED_TOO_MUCH = "too much of this host waits for the network already"
    NOT_JSON = "the body is not a JSON object"
    WRONG_ACTOR = "the key belongs to somebody else than the actor of the activity"
    NO_SUCH_INBOX = "nobody of this name lives here"
    INBOX_GONE = "whoever had this inbox is gone"
    NOT_DECLARED_JSON = "the body is not declared as JSON"
    ENCODED = "the body is compressed, and its digest would be of something else"
    TOO_LARGE = "the body is larger than an inbox takes"
    TOO_SLOW = "the body did not arrive in time"
    BROKEN_BODY = "the body ended early, or was not sent as the request says"
    SUSPENDED = "the actor or its host is suspended here"
    KEY_GONE = "the signing actor does not exist any more"
    KEY_UNREACHABLE = "the signing key could not be fetched"
    KEY_ASKED_ALREADY = "the key was asked for anew a few minutes ago, and is not asked for again so soon"
    TOO_MANY_KEYS = "too many keys of this domain were asked for in vain within a minute; send it again later"
    UNKNOWN_TYPE = "this kind of activity has no meaning here"
    IGNORED = "the activity had no effect here"
    NOT_UNDERSTOOD = "the activity does not say what it needs to say"
    BROKEN = "something went wrong here"


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
