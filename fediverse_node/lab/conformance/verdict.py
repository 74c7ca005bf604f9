"""What a check is, and what it can say: passed, failed, warning, or skipped with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from fediverse_node.lab.exchange import Exchange

CaseT = TypeVar("CaseT")


class Verdict(Enum):
    """How a check ended. The value is what stands in the JSON report."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"


class Need(Enum):
    """What must be known or allowed before a check can be made. The value says what is missing."""

    HANDLE = "the actor has no name that a handle could be made of"
    ACTOR = "the actor document could not be read"
    OBJECT = "no public post was found in the outbox: name one with --post"
    STAND_IN = (
        "the server could not fetch the checker's keys: give the address under which it reaches this machine (--as)"
    )
    SEND = "nothing but GETs was sent"
    INBOX = "the actor names no inbox of its own origin"
    CONTROL = "not even an honest, well-signed Follow was taken, so a refusal would prove nothing"
    CAVAGE = "it takes no draft-cavage signatures, so a refusal would prove nothing"
    RFC9421 = "it takes no RFC 9421 signatures, which is optional so far"
    ORIGINS = "it needs a second address of this machine: give --as twice"
    LOOPBACK = "it costs a server that is not prepared too much: sent to this machine only"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one check; `said` is a sentence about what came back."""

    verdict: Verdict
    said: str


def passed(said: str) -> Outcome:
    """As it should be."""
    return Outcome(Verdict.PASSED, said)


def failed(said: str) -> Outcome:
    """Against a specification, or unsafe."""
    return Outcome(Verdict.FAILED, said)


def warning(said: str) -> Outcome:
    """Allowed, but some peers will stumble over it."""
    return Outcome(Verdict.WARNING, said)


def skipped(said: str) -> Outcome:
    """Could not be asked, and why."""
    return Outcome(Verdict.SKIPPED, said)


@dataclass(frozen=True, slots=True)
class Check(Generic[CaseT]):
    """One question to a server.

    `id` is `section.name`. `refs` are specifications (`rfc7033#4.2`, as in schemas/specs.toml) and advisories
    (CVE-…, GHSA-…). `advice` says what to do where it failed.
    """

    id: str
    title: str
    why: str
    advice: str
    run: Callable[[CaseT], Awaitable[Outcome]] = field(repr=False)
    refs: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    @property
    def section(self) -> str:
        """What stands before the dot."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """A check with its outcome and everything that was sent and came back for it."""

    id: str
    title: str
    why: str
    advice: str
    refs: tuple[str, ...]
    verdict: Verdict
    said: str
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
    took_ms: float = 0.0

    @property
    def section(self) -> str:
        """What stands before the dot of the id."""
        return self.id.partition(".")[0]
