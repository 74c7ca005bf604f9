"""Lists of domains as administrators pass them on: read, written, and compared with the rules in force.

Formats: Mastodon's export (CSV with a head beginning with `#domain`), the lists of Oliphant and FediBlockHole (the
same with other columns), and plain text with a domain a line. A list is a stranger's opinion: what it would change is
told before it changes anything, and rules made by people here stay as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from fediverse_node.domain.domains import DomainRule, Severity, parse_domain

MOST_ENTRIES = 50_000
_COMMENT_LIMIT = 500
_HEAD = ("#domain", "#severity", "#reject_media", "#reject_reports", "#public_comment", "#obfuscate")
_SEVERITIES = {
    "suspend": Severity.SUSPEND,
    "block": Severity.SUSPEND,
    "reject": Severity.SUSPEND,
    "silence": Severity.LIMIT,
    "limit": Severity.LIMIT,
    "limited": Severity.LIMIT,
    "noop": Severity.NOTHING,
    "none": Severity.NOTHING,
}


@dataclass(frozen=True, slots=True)
class ParsedList:
    """What a list says, one rule a domain, and the lines that could not be read (with their numbers, at most 20)."""

    rules: tuple[DomainRule, ...]
    unreadable: tuple[str, ...] = ()


class Auto(Enum):
    """What a subscribed list may change without anybody having looked."""

    NOTHING = "none"
    LIMIT_ONLY = "limit-only"
    ALL = "all"


class Kind(Enum):
    """How a rule of a list differs from what is in force."""

    NEW = "new"
    HARDER = "harder"
    SOFTER = "softer"
    WORDS = "words"  # comments only
    GONE = "gone"  # the list does not name it any more
    KEPT = "kept"  # somebody here, or another list, has decided differently


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` and `after` are None where there is no rule; of KEPT, `after` is what the list says."""

    kind: Kind
    domain: str
    before: DomainRule | None
    after: DomainRule | None

    @property
    def suspends(self) -> bool:
        """Whether follows are cut by this."""
        is_suspended = self.before is not None and self.before.severity is Severity.SUSPEND
        return (
            self.kind is not Kind.KEPT
            and not is_suspended
            and self.after is not None
            and self.after.severity is Severity.SUSPEND
        )


def parse_list(text: str) -> ParsedList:
    """Read a list in any of the formats. Of a domain that stands there twice, the harder line counts."""
    text = text.lstrip("\ufeff")
    rows = csv.reader(io.StringIO(text.replace("\x00", "")))
    columns: Mapping[str, int] = {"domain": 0}
    rules: dict[str, DomainRule] = {}
    unreadable: list[str] = []
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not cells or not any(cells):
                continue
            head = _head(cells)
            if head is not None:
                columns = head
            elif cells[0].startswith(("#", "//", "!")):
                continue
            elif not _take(cells, columns, rules):
                unreadable.append(f"line {rows.line_num}: {', '.join(row)[:100]}")
            if len(rules) >= MOST_ENTRIES:
                unreadable.append(f"line {rows.line_num}: not read, nor what follows: {MOST_ENTRIES} domains at most")
                break
    except csv.Error as error:
        unreadable.append(f"line {rows.line_num}: {error}")
    return ParsedList(tuple(rules.values()), tuple(unreadable[:20]))


def dump_list(rules: Iterable[DomainRule]) -> str:
    """The rules as Mastodon exports them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEAD)
    for rule in sorted(rules, key=lambda rule: rule.domain):
        flags = [str(flag) for flag in (rule.reject_media, rule.reject_reports)]
        writer.writerow([rule.domain, rule.severity.value, *flags, _plain(rule.public_comment), str(rule.obfuscate)])
    return out.getvalue()


def compare(
    rules: Mapping[str, DomainRule], listed: Sequence[DomainRule], list_id: int | None, *, protected: frozenset[str]
) -> list[Change]:
    """What the list would change in these rules, by domain.

    `list_id` None is a list that is taken in once: it adds and hardens, and takes nothing away. `protected` are names
    that no list may touch: our own.
    """
    changes: list[Change] = []
    named = {rule.domain: replace(rule, list_id=list_id) for rule in listed if rule.domain not in protected}
    for domain, after in named.items():
        kind = _kind(rules.get(domain), after, list_id)
        if kind is not None:
            changes.append(Change(kind, domain, rules.get(domain), after))
    if list_id is not None:
        changes += [
            Change(Kind.GONE, domain, rule, None)
            for domain, rule in rules.items()
            if rule.list_id == list_id and domain not in named
        ]
    return sorted(changes, key=lambda change: change.domain)


def permitted(changes: Iterable[Change], auto: Auto) -> list[Change]:
    """Those of the changes that may happen by themselves, softened where only limits may."""
    if auto is Auto.NOTHING:
        return []
    wanted = [change for change in changes if change.kind is not Kind.KEPT]
    if auto is Auto.ALL:
        return wanted
    found: list[Change] = []
    for change in wanted:
        after, before = change.after, change.before
        if change.suspends and after is not None:
            if before is not None and before.severity is Severity.LIMIT:
                continue
            change = replace(change, after=replace(after, severity=Severity.LIMIT))
        found.append(change)
    return found


def _kind(before: DomainRule | None, after: DomainRule, list_id: int | None) -> Kind | None:
    if before is None:
        return Kind.NEW
    if before.list_id != list_id:
        return None if before.effect == after.effect else Kind.KEPT
    if before.effect == after.effect:
        is_said_alike = (before.public_comment, before.obfuscate) == (after.public_comment, after.obfuscate)
        return None if is_said_alike or list_id is None else Kind.WORDS
    if _weight(after) >= _weight(before):
        return Kind.HARDER
    return Kind.KEPT if list_id is None else Kind.SOFTER


def _weight(rule: DomainRule) -> tuple[int, bool, bool]:
    return (rule.severity.weight, rule.reject_media, rule.reject_reports)


def _head(cells: Sequence[str]) -> dict[str, int] | None:
    """Where each column stands, if this line is the head of a table."""
    names = [cell.lstrip("#").strip().lower() for cell in cells]
    if names[0] not in ("domain", "host", "instance"):
        return None
    return {"domain": 0, **{name: position for position, name in enumerate(names) if position}}


def _take(cells: Sequence[str], columns: Mapping[str, int], rules: dict[str, DomainRule]) -> bool:
    def cell(*names: str) -> str:
        position = next((columns[name] for name in names if name in columns), len(cells))
        return cells[position] if position < len(cells) else ""

    # A remark may stand behind a name in plain lists.
    domain = parse_domain(cell("domain").partition(" ")[0].partition("\t")[0])
    severity = _SEVERITIES.get(cell("severity").lower() or "suspend")
    # One label is a whole country: that is for a person to say, not for a list.
    if domain is None or severity is None or "." not in domain:
        return False
    rule = DomainRule(
        domain=domain,
        severity=severity,
        reject_media=_is_true(cell("reject_media", "rejectmedia")),
        reject_reports=_is_true(cell("reject_reports", "rejectreports")),
        obfuscate=_is_true(cell("obfuscate")),
        public_comment=cell("public_comment", "comment", "publiccomment")[:_COMMENT_LIMIT],
    )
    known = rules.get(domain)
    if known is None or _weight(rule) > _weight(known):
        rules[domain] = rule
    return True


def _is_true(text: str) -> bool:
    return text.lower() in ("true", "1", "yes", "t")


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
