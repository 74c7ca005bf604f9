"""The report as one HTML file: nothing is loaded from anywhere, light and dark, readable on a phone."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fediverse_node import __version__
from fediverse_node.lab.conformance.index import SECTIONS
from fediverse_node.lab.conformance.references import address_of, name_of
from fediverse_node.lab.conformance.report import ORDER, Report
from fediverse_node.lab.conformance.verdict import Finding
from fediverse_node.lab.exchange import Exchange, Message

_HERE = Path(__file__).resolve().parent
_BODY_SHOWN = 4_000
_EXCHANGES_SHOWN = 12


def render_html(report: Report) -> str:
    """The whole file. Everything that came from the server is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    functions = (name_of, address_of, shown, coded, curl, is_long)
    environment.globals.update({function.__name__: function for function in functions})
    sections: dict[str, list[Finding]] = {}
    for finding in report.findings:
        sections.setdefault(SECTIONS.get(finding.section, finding.section), []).append(finding)
    wrong = [f for verdict in ORDER[:2] for f in report.findings if f.verdict is verdict]
    return environment.get_template("report.html").render(
        report=report,
        sections=sections,
        wrong=wrong,
        counts=[(verdict.value, report.count(verdict)) for verdict in ORDER],
        most=_EXCHANGES_SHOWN,
        version=__version__,
    )


def shown(message: Message) -> str:
    """A message with its body cut and made printable; JSON is indented if nothing gets lost by that."""
    lines = [message.start, *(f"{name}: {value}" for name, value in message.headers)]
    body = (_indented(message) or message.body)[:_BODY_SHOWN].decode("utf-8", "replace")
    if len(message.body) > _BODY_SHOWN:
        body += f"\n… {len(message.body):,} bytes in all"
    text = "\n".join(lines) + (f"\n\n{body}" if body else "")
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _indented(message: Message) -> bytes | None:
    document = message.document if len(message.body) <= _BODY_SHOWN else None
    if document is None:
        return None
    try:
        indented = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # deeper than it writes
        return None
    # A name that stands there twice is what is to be seen; a parsed document has it once.
    return indented if indented.count(b'"') == message.body.count(b'"') else None


def coded(text: str) -> Markup:
    """A sentence in which `words` stand for code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def is_long(exchange: Exchange) -> bool:
    """Whether the request is too large to be repeated by hand."""
    return len(exchange.request.body) > _BODY_SHOWN


def curl(exchange: Exchange) -> str:
    """The request as a command. Signatures in it are of that moment and will be refused later."""
    words = ["curl", "-i", "-X", exchange.method]
    for name, value in exchange.request.headers:
        if name.lower() not in ("host", "content-length"):
            words += ["-H", f"{name}: {value}"]
    if exchange.request.body:
        words += ["--data-binary", exchange.request.body.decode("utf-8", "replace")]
    return shlex.join([*words, exchange.url])
