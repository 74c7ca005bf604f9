"""The findings of one examination, counted, and as JSON."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from fediverse_node import __version__
from fediverse_node.lab.conformance.verdict import Finding, Verdict
from fediverse_node.lab.exchange import Exchange, Message

FORMAT = "fediverse-node-check/1"
_BODY_LIMIT = 16_384
# In the order in which they are counted and listed.
ORDER = (Verdict.FAILED, Verdict.WARNING, Verdict.PASSED, Verdict.SKIPPED)


@dataclass(frozen=True)
class Report:
    """What was found. `actor` is its id, `handle` without the leading @."""

    target: str
    actor: str
    handle: str
    examined_at: datetime
    findings: tuple[Finding, ...]

    def count(self, verdict: Verdict) -> int:
        """How many ended so."""
        return Counter(finding.verdict for finding in self.findings)[verdict]

    @property
    def is_well(self) -> bool:
        """Whether nothing failed."""
        return self.count(Verdict.FAILED) == 0

    @property
    def summary(self) -> str:
        """One line with the figures."""
        warnings = self.count(Verdict.WARNING)
        return (
            f"{len(self.findings)} checks: {self.count(Verdict.FAILED)} failed, "
            f"{warnings} {'warning' if warnings == 1 else 'warnings'}, "
            f"{self.count(Verdict.PASSED)} passed, {self.count(Verdict.SKIPPED)} skipped"
        )

    def dump_json(self) -> bytes:
        """The JSON report: findings with all that was sent and came back; long bodies are cut."""
        plain = {
            "format": FORMAT,
            "version": __version__,
            "target": self.target,
            "actor": self.actor,
            "handle": self.handle,
            "examined_at": self.examined_at.isoformat(),
            "counts": {verdict.value: self.count(verdict) for verdict in ORDER},
            "findings": [_finding(finding) for finding in self.findings],
        }
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2) + b"\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "title": finding.title,
        "verdict": finding.verdict.value,
        "said": finding.said,
        "why": finding.why,
        "advice": finding.advice,
        "refs": list(finding.refs),
        "took_ms": round(finding.took_ms, 1),
        "exchanges": [_exchange(exchange) for exchange in finding.exchanges],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "number": exchange.number,
        "url": exchange.url,
        "took_ms": round(exchange.took_ms, 1),
        "request": _message(exchange.request),
        "answer": _message(exchange.answer) if exchange.answer is not None else None,
        "failure": exchange.failure,
    }


def _message(message: Message) -> dict[str, Any]:
    body = message.body[:_BODY_LIMIT]
    try:
        shown = {"body": body.decode()}
    except UnicodeDecodeError:
        shown = {"body_base64": base64.b64encode(body).decode()}
    return {
        "start": message.start,
        "headers": [list(pair) for pair in message.headers],
        **shown,
        "size_bytes": len(message.body),
    }
