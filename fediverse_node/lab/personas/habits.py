"""What is peculiar to one server software on the wire: how it signs, verifies, answers, fetches and repeats.

Facts only, no behaviour: the rooms beside this one read them. What a software says and what it makes of what it hears
stands in its own module.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

ACTIVITY_JSON = "application/activity+json"
ACTIVITY_JSON_UTF8 = f"{ACTIVITY_JSON}; charset=utf-8"
LD_JSON = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'

HOUR = timedelta(hours=1)


class Form(Enum):
    """The two ways in which servers sign requests."""

    CAVAGE = "cavage"
    RFC9421 = "rfc9421"

    @property
    def other(self) -> Form:
        return Form.RFC9421 if self is Form.CAVAGE else Form.CAVAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How requests are signed. Names of headers in the order in which the software lists them.

    `algorithm` is what a cavage signature says it is (the mathematics are RSA PKCS #1 v1.5 with SHA-256 in any case),
    None where it says nothing. `rfc9421` is empty where the software never signs that way.
    """

    post: tuple[str, ...] = ("(request-target)", "host", "date", "digest", "content-type")
    get: tuple[str, ...] = ("(request-target)", "host", "date", "accept")
    algorithm: str | None = "rsa-sha256"
    algorithm_last: bool = False  # after headers, as in libraries that descend from Nautilus
    rfc9421: tuple[str, ...] = ()
    first_knock: Form = Form.CAVAGE
    knocks_twice: bool = False
    key_fragment: str = "#main-key"
    fetches_as_person: bool = False  # else the server's own actor signs GETs
    signs_fetches: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What is asked of a signed request that comes in. `must_cover` counts for POST."""

    reads_rfc9421: bool = False
    reads_linked_data: bool = False  # whether what others pass on is believed by its linked-data signature
    past: timedelta = timedelta(hours=12)
    future: timedelta = HOUR
    must_cover: tuple[str, ...] = ("digest",)
    rsa_smallest_bits: int = 0  # besides what nobody takes any more
    refetches_keys: bool = True
    answers_first: bool = False  # "accepted" is said before the signature was verified
    unreadable: int = 401  # then: what is said at once to what does not even look signed; 0: nothing is
    needs_user_agent: bool = False
    inbox_types: tuple[str, ...] = ()  # media types an inbox takes; empty: any
    body_limit_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What comes back. `rule_refused` is the status for what its rules do not take, None where it says "accepted"."""

    document_type: str = ACTIVITY_JSON_UTF8
    vary: str = "Accept"
    accepted: int = 202
    accepted_body: bytes = b""
    accepted_type: str = "text/plain"
    unsigned: int = 401
    rule_refused: int | None = None
    hidden: int = 404  # for what the asker may not see
    gone: int = 410  # for what was deleted; with a Tombstone if it is 410
    cache: str = "max-age=180, public"
    headers: tuple[tuple[str, str], ...] = ()
    closes_connection: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """One software in one version."""

    software: str  # as NodeInfo says it
    version: str
    user_agent: str  # {origin} and {host} are filled in
    accept: str = f"{ACTIVITY_JSON}, {LD_JSON}"
    post_type: str = ACTIVITY_JSON
    nodeinfo: str = "2.0"
    shared_inbox: str | None = "/inbox"
    authorized_fetch: bool = False
    signing: Signing = Signing()
    checking: Checking = Checking()
    answers: Answers = Answers()
    # Seconds between attempts; each is stretched by up to a tenth by chance.
    retry_pauses_s: tuple[float, ...] = (60.0, 300.0, 1_800.0, 7_200.0, 43_200.0)
    gives_up_at: tuple[int, ...] = (404, 410)
    verbs: frozenset[str] = frozenset()  # of the story verbs that need a feature
    audiences: tuple[str, ...] = ("public", "unlisted", "followers", "direct")
