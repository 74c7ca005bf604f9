"""The report for a terminal: what is wrong in full, what is well in one line each, the figures on the last line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from fediverse_node.lab.conformance.index import SECTIONS
from fediverse_node.lab.conformance.references import name_of
from fediverse_node.lab.conformance.report import Report
from fediverse_node.lab.conformance.verdict import Finding, Verdict
from fediverse_node.lab.exchange import Exchange

_MARKS = {Verdict.PASSED: "ok  ", Verdict.FAILED: "FAIL", Verdict.WARNING: "warn", Verdict.SKIPPED: "skip"}
_COLOURS = {Verdict.PASSED: "32", Verdict.FAILED: "1;31", Verdict.WARNING: "33", Verdict.SKIPPED: "2"}
_WRONG = (Verdict.FAILED, Verdict.WARNING)
_INDENT = " " * 5
_EXCHANGES_SHOWN = 2
_BODY_SHOWN = 60


class TextReport:
    """Writes findings as they are made. `width` in columns; `colour` only for a terminal."""

    def __init__(self, *, width: int, colour: bool, quiet: bool = False) -> None:
        self._width = max(40, min(width, 110))
        self._colour = colour
        self._quiet = quiet
        self._section = ""

    def lines_of(self, finding: Finding) -> Iterator[str]:
        """What to print for one finding, under the name of its section where that is new."""
        if self._quiet and finding.verdict not in _WRONG:
            return
        if finding.section != self._section:
            self._section = finding.section
            yield ""
            yield self._painted(SECTIONS.get(finding.section, finding.section), "1")
        mark = self._painted(_MARKS[finding.verdict], _COLOURS[finding.verdict])
        first, *rest = self._wrapped(finding.title, "")
        yield f"{mark} {first}"
        yield from rest
        if finding.verdict in _WRONG:
            yield from self._explained(finding)
        elif finding.verdict is Verdict.SKIPPED:
            yield from self._wrapped(finding.said, "- ")

    def last_lines(self, report: Report) -> list[str]:
        """What failed once more, by name, and the figures."""
        wrong = [finding for finding in report.findings if finding.verdict in _WRONG]
        lines = [""] if wrong else []
        for finding in wrong:
            lines.append(f"{self._painted(_MARKS[finding.verdict], _COLOURS[finding.verdict])} {finding.id}")
        verdict = Verdict.PASSED if report.is_well else Verdict.FAILED
        return [*lines, "", self._painted(f"{report.handle or report.target}: {report.summary}", _COLOURS[verdict])]

    def _explained(self, finding: Finding) -> Iterator[str]:
        yield from self._wrapped(finding.said, "what came   ")
        yield from self._wrapped(finding.why, "why         ")
        yield from self._wrapped(finding.advice, "what to do  ")
        if finding.refs:
            yield from self._wrapped("; ".join(name_of(ref) for ref in finding.refs), "see         ")
        for exchange in finding.exchanges[-_EXCHANGES_SHOWN:]:
            yield from self._wrapped(_request(exchange), "sent        ")
            yield from self._wrapped(_answer(exchange), "answered    ")
        yield f"{_INDENT}{self._painted(finding.id, '2')}"

    def _wrapped(self, text: str, label: str) -> list[str]:
        """Under its label; without one, to stand behind a mark."""
        indent = _INDENT + " " * len(label)
        first = _INDENT + label if label else ""
        return textwrap.wrap(
            printable(text),
            width=self._width,
            initial_indent=first,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,  # addresses are there to be copied
        )

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def printable(text: str) -> str:
    """Without control characters: what a server answers must not steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _request(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.url}"


def _answer(exchange: Exchange) -> str:
    if exchange.answer is None:
        return exchange.failure or "nothing"
    kind = exchange.answer.header("content-type") or ""
    body = " ".join(exchange.answer.text.split())
    is_text = "html" not in kind and body
    return f"{exchange.answer.start.partition(' ')[2]} {kind} {body[:_BODY_SHOWN] if is_text else ''}".strip()
