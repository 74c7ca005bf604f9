"""What a signature header claims, before anything of it has been proven."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.reasons import SignatureFault

Scheme = Literal["cavage", "rfc9421"]

MOST_COMPONENTS = 64
LONGEST_KEY_ID = 2048
# The end of the year 9999 would be within datetime, but not within the arithmetic done with it.
_LATEST_S = 99_999_999_999


class Component(NamedTuple):
    """One covered component."""

    name: str  # lower case, e.g. "date", "(request-target)", "@method"
    identifier: str  # as it stands in the signature base; with quotes and parameters in RFC 9421
    query_name: str | None = None  # the `name` of "@query-param"


@dataclass(frozen=True, slots=True)
class Claim:
    """A parsed signature, not yet verified. `key_id` is a stranger's text: fetch it with care."""

    scheme: Scheme
    key_id: str
    covered: frozenset[str]  # lower-case component names
    algorithm: str | None  # lower case in cavage, as sent in RFC 9421; None: the key decides
    created: datetime | None
    expires: datetime | None
    nonce: str | None
    tag: str | None
    signature: bytes = field(repr=False)
    components: tuple[Component, ...] = field(repr=False)
    label: str = ""  # RFC 9421: which of the signatures of the request this is
    created_text: str = field(default="", repr=False)  # cavage: as written, for the signature base
    expires_text: str = field(default="", repr=False)
    params_line: str = field(default="", repr=False)  # RFC 9421: the value of "@signature-params"


def moment_of_seconds(seconds: float) -> datetime | Fail:
    """The moment of a `created` or `expires` parameter, seconds since 1970."""
    if not 0 <= seconds <= _LATEST_S:
        return Fail(SignatureFault.MALFORMED, "a time outside the years 1970 to 5138")
    return datetime.fromtimestamp(seconds, UTC)


def has_control_characters(text: str) -> bool:
    """Whether `text` could break out of its line in a signature base or a log."""
    return not text.isprintable()
