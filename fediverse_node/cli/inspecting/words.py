"""An inspection in words for people, and as one JSON value for programs; both from the same findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fediverse_node.cli.inspecting.documents import Understood
from fediverse_node.cli.inspecting.fate import Fate, Outcome
from fediverse_node.cli.inspecting.given import Given
from fediverse_node.cli.inspecting.signed import Verdict

FORMAT = "fediverse-node-inspection/1"

_LABEL_WIDTH = 22
_LINE_LIMIT = 2_000
_LIST_LIMIT = 20
# Not for people: the text without markup is there, and blurhashes say nothing to them.
_ONLY_IN_JSON = frozenset({"html", "blurhash", "type", "kind"})
_LABELS = {
    "id": "id", "author": "by", "actor": "by", "groups": "in", "visibility": "reaches", "audience": "for",
    "parent": "answers", "quote": "quotes", "text": "text", "warning": "warning", "url": "page",
}  # fmt: skip
_REACH = {
    "public": "everybody", "unlisted": "everybody, but not in public timelines", "followers": "followers",
    "direct": "only those who are named",
}  # fmt: skip
_MARKS = {True: "ok  ", False: "FAIL", None: "?   "}


@dataclass(frozen=True, slots=True)
class Inspected:
    """All that was found out about one thing. `found` is None where there was no document in it."""

    given: Given
    found: Understood | None
    fate: Fate | None
    verdicts: tuple[Verdict, ...]
    proofs: tuple[Verdict, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing of it would be refused: what is left out, or cannot be known here, is not refused."""
        refused = self.fate is not None and self.fate.outcome is Outcome.REFUSED
        has_fault = bool(self.given.fault) and self.given.request is None
        return not refused and not has_fault and all(v.passed is not False for v in (*self.verdicts, *self.proofs))


def to_json(items: tuple[Inspected, ...]) -> dict[str, Any]:
    """`{"format", "good", "items": [{"of", "kind", "says", "reading", "node", "verdicts", "proofs"}]}`."""
    return {"format": FORMAT, "good": all(item.is_good for item in items), "items": [_item(item) for item in items]}


def _item(item: Inspected) -> dict[str, Any]:
    plain: dict[str, Any] = {"of": item.given.name, "good": item.is_good}
    if item.given.fault:
        plain["fault"] = item.given.fault
    if item.found is not None and item.fate is not None:
        reading: dict[str, Any] = {"as": item.found.read_as}
        if item.found.because:
            reading["because"] = item.found.because
        if item.found.ignored:
            reading["ignored_contexts"] = list(item.found.ignored)
        plain["kind"] = item.found.kind.value
        plain["says"] = item.found.says
        plain["reading"] = reading
        plain["node"] = {
            "outcome": item.fate.outcome.name.lower(),
            "rule": item.fate.rule,
            "sentences": list(item.fate.sentences),
        }
    plain["verdicts"] = [asdict(verdict) for verdict in item.verdicts]
    plain["proofs"] = [asdict(verdict) for verdict in item.proofs]
    return plain


def to_lines(item: Inspected) -> Iterator[str]:
    """The lines that people read."""
    if item.given.fault:
        yield f"{item.given.name}: {item.given.fault}"
    if item.found is not None and item.fate is not None:
        yield f"{item.given.name}: {_headline(item.found)}"
        yield from _told(item.found.says, indent=2)
        if item.found.because:
            yield _line("read as", f"{item.found.read_as}: {item.found.because}", 2)
        if item.found.ignored:
            yield _line("ignored contexts", ", ".join(item.found.ignored), 2)
    for title, verdicts in (("Signature:", item.verdicts), ("Proofs:", item.proofs)):
        if verdicts:
            yield title
            yield from (f"  {_MARKS[verdict.passed]} {_one_line(verdict.sentence)}" for verdict in verdicts)
    if item.fate is not None:
        yield f"Here: {item.fate.outcome.value}."
        yield from (f"  {_one_line(sentence)}" for sentence in item.fate.sentences)


def _headline(found: Understood) -> str:
    type_ = found.says.get("stated_type") or found.says.get("type")
    return f"{found.kind.value}, {type_}" if type_ and type_ != found.kind.value else found.kind.value


def _told(says: Mapping[str, Any], indent: int) -> Iterator[str]:
    for name, value in says.items():
        if name in _ONLY_IN_JSON:
            continue
        label = _LABELS.get(name, name.replace("_", " "))
        if name == "inner":
            yield _line("brings along", f"{value.get('kind')}, {value.get('type', '')}".rstrip(", "), indent)
            yield from _told(value, indent + 2)
        elif name == "visibility":
            yield _line(label, _REACH[value], indent)
        elif isinstance(value, dict):
            yield _line(label, "", indent)
            yield from _told(value, indent + 2)
        elif isinstance(value, list):
            yield from _listed(label, value, indent)
        else:
            yield _line(label, _text(value), indent)


def _listed(label: str, values: list[Any], indent: int) -> Iterator[str]:
    for value in values[:_LIST_LIMIT]:
        if isinstance(value, dict):
            said = ", ".join(f"{key} {_text(part)}" for key, part in value.items() if key not in ("blurhash", "html"))
        elif isinstance(value, list):
            said = ": ".join(_text(part) for part in value)
        else:
            said = _text(value)
        yield _line(label, said, indent)
        label = ""
    if len(values) > _LIST_LIMIT:
        yield _line("", f"and {len(values) - _LIST_LIMIT} more", indent)


def _line(label: str, text: str, indent: int) -> str:
    pad = " " * indent
    return f"{pad}{label:<{_LABEL_WIDTH - indent}} {_one_line(text)}".rstrip()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _one_line(text: str) -> str:
    """Strangers' text must not steer the terminal: no control characters, and it is cut where it is endless."""
    flat = " ".join(text.split())
    clean = "".join(c if c.isprintable() else "\ufffd" for c in flat)
    return clean if len(clean) <= _LINE_LIMIT else f"{clean[:_LINE_LIMIT]}… ({len(clean)} characters)"
