"""What a replay showed, for people: lines for a terminal, one HTML file, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fediverse_node import __version__
from fediverse_node.lab.replay.compare import Difference, Report

_HERE = Path(__file__).resolve().parent
# What is told of each kind of difference, after the request.
_KINDS = {
    "missing": "is not sent any more",
    "additional": "is sent, and was not before",
    "not handled": "is not handled by both",
}
# What two sides of a difference show.
_LABELS = {
    "status": "Status",
    "reason": "Reason",
    "steps": "Steps not passed",
    "effect": "What was done",
    "answer": "Answer",
    "request": "What was sent",
    "state": "In the end",
}


def render_text(report: Report) -> Iterator[str]:
    """Line by line; the last one is the result."""
    for (number, what), differences in _grouped(report):
        yield f"{_place(number)}{_printable(what)}"
        for difference in differences:
            if difference.kind in _KINDS:
                yield f"    {_KINDS[difference.kind]}"
            else:
                yield f"    {_label(difference)}:"
                yield f"      {report.before}: {_printable(difference.before)}"
                yield f"      {report.after}: {_printable(difference.after)}"
    for note in report.notes:
        yield f"Note: {_printable(note)}"
    if report.state is not None:
        counts = ", ".join(counted(len(items), kind) for kind, items in report.state.kinds())
        yield f"In the end the node held {counts}."
    yield summary(report)


def render_json(report: Report) -> bytes:
    """All of it."""
    return orjson.dumps(
        {
            "before": report.before,
            "after": report.after,
            "same": report.is_same,
            "compared": {"incoming": report.compared_in, "outgoing": report.compared_out},
            "differences": [asdict(difference) for difference in report.differences],
            "notes": list(report.notes),
            "state": report.state.to_json() if report.state is not None else None,
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def render_html(report: Report) -> str:
    """One file that asks nobody for anything. Everything in it that strangers wrote is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html").render(
        report=report,
        groups=[(_place(number), what, list(found)) for (number, what), found in _grouped(report)],
        kinds=_KINDS,
        labels=_LABELS,
        counted=counted,
        summary=summary(report),
        version=__version__,
    )


def summary(report: Report) -> str:
    """The result in a sentence."""
    compared = (
        f"{counted(report.compared_in, 'requests')} that came in and {report.compared_out} that left, compared with"
        f" {report.before}"
    )
    if report.is_same:
        return f"Nothing differs: {compared}."
    return f"{counted(len(report.differences), 'differences')}: {compared}."


def _label(difference: Difference) -> str:
    label = _LABELS.get(difference.kind, difference.kind)
    return f"{label}, {_printable(difference.where)}" if difference.where else label


def counted(number: int, kind: str) -> str:
    """`1 post`, `2 posts`."""
    return f"{number} {kind.removesuffix('s') if number == 1 else kind}"


def _grouped(report: Report) -> Iterator[tuple[tuple[int | None, str], Iterator[Difference]]]:
    return groupby(report.differences, key=lambda difference: (difference.number, difference.what))


def _place(number: int | None) -> str:
    return f"#{number} " if number is not None else ""


def _printable(text: str) -> str:
    """What strangers wrote moves no cursor."""
    return "".join(char if char.isprintable() else " " for char in text)
