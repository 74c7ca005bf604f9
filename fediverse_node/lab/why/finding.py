"""What is found out about one stage of a post's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Stage(Enum):
    """The stages, in the order in which a post passes them; the value is the question."""

    SAID = "was it said, and is it still there?"
    AUDIENCE = "is anybody at that host to get it?"
    RESOLVE = "is the host found, and does it answer?"
    WEBFINGER = "were their people found by their handles?"
    ACTOR = "could each side read the other's actor?"
    SIGN = "was the signature believed?"
    INBOX = "what did their inbox answer?"
    POLICY = "did a rule of theirs refuse it?"
    STORE = "is it in their database?"
    SHOWN = "does anybody's app there show it?"


class State(Enum):
    """How a stage was passed."""

    PASSED = "yes"
    FAILED = "no"
    WAITING = "not yet"
    UNKNOWN = "not seen"


@dataclass(frozen=True, slots=True)
class Finding:
    """One stage: `sentence` says what happened, `advice` what to do about it, `exchanges` where it can be seen."""

    stage: Stage
    state: State
    sentence: str
    advice: str = ""
    exchanges: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs and pages."""
        return {
            "stage": self.stage.name.lower(),
            "question": self.stage.value,
            "state": self.state.name.lower(),
            "sentence": self.sentence,
            "advice": self.advice,
            "exchanges": list(self.exchanges),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole way of a post to a host."""

    post_uri: str
    host: str
    findings: Sequence[Finding]

    @property
    def culprit(self) -> Finding | None:
        """The first stage that was not passed; None if the post is there, or nothing is known."""
        return next((x for x in self.findings if x.state in (State.FAILED, State.WAITING)), None)

    @property
    def verdict(self) -> str:
        """The answer in a sentence."""
        culprit = self.culprit
        if culprit is not None:
            return culprit.sentence
        if any(x.stage is Stage.STORE and x.state is State.PASSED for x in self.findings):
            return f"It did reach {self.host}."
        return f"Nothing that was seen says whether it reached {self.host}."

    @property
    def has_arrived(self) -> bool:
        """Whether it is there."""
        return self.culprit is None and any(x.stage is Stage.STORE and x.state is State.PASSED for x in self.findings)

    def to_json(self) -> dict[str, Any]:
        """For programs and pages."""
        return {
            "post": self.post_uri,
            "host": self.host,
            "verdict": self.verdict,
            "arrived": self.has_arrived,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def text(self) -> str:
        """For a terminal: the answer first, then how it was found."""
        marks = {State.PASSED: "✓", State.FAILED: "✗", State.WAITING: "…", State.UNKNOWN: "·"}
        lines = [self.verdict]
        if self.culprit is not None and self.culprit.advice:
            lines.append(f"What to do: {self.culprit.advice}")
        lines.append("")
        width = max(len(finding.stage.name) for finding in self.findings)
        for finding in self.findings:
            seen = f" [{', '.join(str(number) for number in finding.exchanges)}]" if finding.exchanges else ""
            lines.append(f"  {marks[finding.state]} {finding.stage.name.lower():<{width}}  {finding.sentence}{seen}")
        if any(finding.exchanges for finding in self.findings):
            lines += ["", "Numbers in brackets are exchanges: the inspector shows them at #exchange=NUMBER."]
        return "\n".join(lines)
