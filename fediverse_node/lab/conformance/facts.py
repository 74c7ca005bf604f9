"""What is known of the server before the checks begin: the actor, its handle, its documents, a post of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import origin_of, same_origin
from fediverse_node.protocol.webfinger import Acct

Json = Mapping[str, Any]


@dataclass
class Control:
    """What an honest Follow by somebody new was answered, and how long the Accept took (None: there was none)."""

    form: str  # "cavage" or "rfc9421"
    status: int
    answered_after_s: float | None = None

    @property
    def shows_effects(self) -> bool:
        """Whether an accepted Follow can be seen from outside."""
        return self.answered_after_s is not None


@dataclass
class Facts:
    """Filled by `discover`; checks read it. `given_*` were named by the person who runs the check."""

    actor_uri: str = ""
    actor: Json = field(default_factory=dict)
    actor_read: Exchange | None = None  # by which the two documents were read
    post_read: Exchange | None = None
    acct: Acct | None = None
    asked_acct: Acct | None = None
    webfinger_origin: str = ""
    jrd: Json | None = None
    signed_gets_only: str = ""  # the form of signature with which it answers, where it does not answer without one
    post: Json | None = None
    given_private: str | None = None
    given_deleted: str | None = None
    control: Control | None = None
    accepted_forms: set[str] = field(default_factory=set)  # "cavage", "rfc9421": in which an honest Follow was taken

    @property
    def origin(self) -> str:
        """The actor's."""
        return origin_of(self.actor_uri) or ""

    @property
    def inbox(self) -> str | None:
        """The actor's, if it is on its own origin: no other is asked."""
        return self.own("inbox")

    @property
    def shared_inbox(self) -> str | None:
        """The server's, if it is on the actor's origin."""
        endpoints = self.actor.get("endpoints")
        found = endpoints.get("sharedInbox") if isinstance(endpoints, Mapping) else self.actor.get("sharedInbox")
        return found if isinstance(found, str) and same_origin(found, self.actor_uri) else None

    @property
    def post_uri(self) -> str:
        """The id of the public post that was found, "" without one."""
        return address(self.post)

    def own(self, name: str) -> str | None:
        """An address that the actor names, if it is on its own origin."""
        return own_address(self.actor, name)


def own_address(document: Json, name: str) -> str | None:
    """The address in this property, written plainly or as an object with an id, if it is of the document's origin."""
    value = document.get(name)
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) and same_origin(value, str(document.get("id"))) else None


def address(value: object) -> str:
    """The id in a value that is an address or an object with one; "" otherwise."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def addresses(value: object) -> list[str]:
    """All of them, of one or of an array."""
    return [found for found in (address(item) for item in sequence(value)) if found]


def types(document: Json) -> list[str]:
    """The types of an object, however many."""
    return [item for item in sequence(document.get("type")) if isinstance(item, str)]
