"""The reports: readable, complete, and safe whatever a server has answered."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import orjson
import pytest

from fediverse_node.lab.conformance.index import CHECKS
from fediverse_node.lab.conformance.references import address_of, name_of
from fediverse_node.lab.conformance.report import Report
from fediverse_node.lab.conformance.report_html import render_html
from fediverse_node.lab.conformance.report_text import TextReport
from fediverse_node.lab.conformance.verdict import Finding, Verdict
from fediverse_node.lab.exchange import Exchange, Message

HOSTILE = '</pre><script>alert("x")</script><img src=//evil.example/x>\x1b[31m\x07 " onload="'


def finding(id_: str, verdict: Verdict, said: str = HOSTILE) -> Finding:
    exchange = Exchange(
        1,
        0,
        "the checker",
        "social.example",
        f"https://social.example/{HOSTILE}",
        Message("GET /x HTTP/1.1", (("Accept", HOSTILE),)),
        Message("HTTP/1.1 200 OK", (("Content-Type", HOSTILE),), HOSTILE.encode() + b"\xff"),
        took_ms=12.3,
    )
    return Finding(
        id_, f"A title of {id_}", "Why it matters.", "What to do.", ("rfc7033#4.2",), verdict, said, (exchange,)
    )


def report() -> Report:
    found = (
        finding("webfinger.acct", Verdict.PASSED),
        finding("webfinger.type", Verdict.FAILED),
        finding("actor.id", Verdict.WARNING),
        finding("keys.pem", Verdict.SKIPPED, "It was not asked"),
    )
    moment = datetime(2026, 11, 22, 1, 2, tzinfo=UTC)
    return Report("@ada@social.example", "https://social.example/ada", "ada@social.example", moment, found)


def text_of(made: Report, *, colour: bool = False, quiet: bool = False, width: int = 80) -> list[str]:
    text = TextReport(width=width, colour=colour, quiet=quiet)
    return [line for each in made.findings for line in text.lines_of(each)] + text.last_lines(made)


def test_the_last_line_has_the_figures() -> None:
    assert text_of(report())[-1] == "ada@social.example: 4 checks: 1 failed, 1 warning, 1 passed, 1 skipped"


def test_what_is_wrong_is_explained_and_what_is_well_is_one_line() -> None:
    lines = text_of(report())
    assert "ok   A title of webfinger.acct" in lines
    failed = lines[lines.index("FAIL A title of webfinger.type") :]
    assert any("what to do  What to do." in line for line in failed)
    assert any("RFC 7033, section 4.2" in line for line in failed)
    assert any("It was not asked" in line for line in lines)


def test_quiet_prints_what_is_wrong_alone() -> None:
    lines = text_of(report(), quiet=True)
    assert not [line for line in lines if line.startswith(("ok ", "skip"))]
    assert [line for line in lines if line.startswith("FAIL")]


@pytest.mark.parametrize("colour", [False, True])
def test_a_server_cannot_steer_the_terminal(colour: bool) -> None:
    text = "\n".join(text_of(report(), colour=colour))
    assert "\x07" not in text
    assert ("\x1b" in text) is colour
    # Only our own colours are there, and each is ended.
    assert "\x1b[31m\x07" not in text
    assert text.count("\x1b[") == 2 * text.count("\x1b[0m")


def test_lines_fit_the_terminal_but_for_addresses() -> None:
    lines = text_of(report(), width=60)[:-1]
    too_long = [line for line in lines if len(line) > 60 and "https://" not in line]
    assert too_long == []


def test_the_json_report_holds_everything() -> None:
    plain = orjson.loads(report().dump_json())
    assert plain["format"] == "fediverse-node-check/1"
    assert plain["counts"] == {"failed": 1, "warning": 1, "passed": 1, "skipped": 1}
    failed = plain["findings"][1]
    assert failed["verdict"] == "failed"
    assert failed["advice"] == "What to do."
    exchange = failed["exchanges"][0]
    assert exchange["request"]["start"] == "GET /x HTTP/1.1"
    assert "body_base64" in exchange["answer"]  # it is not text


class Elements(HTMLParser):
    """All tags with their attributes, and the text of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_html_report_holds_nothing_that_a_server_has_slipped_in() -> None:
    page = Elements()
    page.feed(render_html(report()))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert {tag for tag, _ in page.tags}.isdisjoint({"img", "iframe", "object", "link"})
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]


def test_the_html_report_loads_nothing_and_names_every_finding() -> None:
    html = render_html(report())
    page = Elements()
    page.feed(html)
    assert not [attrs for _, attrs in page.tags if "src" in attrs]
    assert not re.search(r"@import|url\(", html)
    ids = {attrs.get("id") for tag, attrs in page.tags if tag == "details"}
    assert {each.id for each in report().findings} <= ids
    # What failed stands open, the rest does not.
    opened = [attrs["id"] for tag, attrs in page.tags if tag == "details" and "open" in attrs]
    assert opened == ["webfinger.type"]


def test_every_reference_of_every_check_leads_somewhere() -> None:
    references = {reference for check in CHECKS for reference in check.refs}
    assert {reference for reference in references if address_of(reference) is None} == set()
    assert name_of("fep-fe34#embedding") == "FEP-fe34"
    assert name_of("CVE-2024-23832") == "CVE-2024-23832"
    assert address_of("rfc9421#3.2") == "https://www.rfc-editor.org/rfc/rfc9421#section-3.2"
