"""The files in which people take their relations along, as Mastodon writes and reads them.

Written are the columns of Mastodon 4.x; read are also older files, without a header or with fewer columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.domains import parse_domain
from fediverse_node.protocol.uris import is_http_uri
from fediverse_node.protocol.webfinger import Acct, parse_resource
from fediverse_node.storage.rows import languages_of

MOST_ROWS = 100_000
_TITLE_LIMIT = 255
_ADDRESS = "Account address"


class Kind(StrEnum):
    """What is in a file."""

    FOLLOWING = "following"
    FOLLOWERS = "followers"
    BLOCKS = "blocks"
    MUTES = "mutes"
    DOMAIN_BLOCKS = "domain_blocks"
    LISTS = "lists"
    BOOKMARKS = "bookmarks"

    @property
    def file_name(self) -> str:
        """As Mastodon calls it."""
        return _FILE_NAMES[self]


_FILE_NAMES = {
    Kind.FOLLOWING: "following_accounts.csv",
    Kind.FOLLOWERS: "followers.csv",
    Kind.BLOCKS: "blocked_accounts.csv",
    Kind.MUTES: "muted_accounts.csv",
    Kind.DOMAIN_BLOCKS: "blocked_domains.csv",
    Kind.LISTS: "lists.csv",
    Kind.BOOKMARKS: "bookmarks.csv",
}
_HEADERS: Mapping[Kind, tuple[str, ...]] = {
    Kind.FOLLOWING: (_ADDRESS, "Show boosts", "Notify on new posts", "Languages"),
    Kind.FOLLOWERS: (_ADDRESS,),
    Kind.MUTES: (_ADDRESS, "Hide notifications"),
}


class ArchiveFault(Reason):
    """Why a file, or a line of it, was not read."""

    TOO_LONG = "the file has more lines than anybody has relations"
    NOT_READABLE = "this is no file of comma-separated values"
    UNKNOWN_KIND = "it cannot be seen what is in the file: say it with --kind"
    BAD_LINE = "the line names no account, domain or post"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `named` is an Acct, a domain or the URI of a post; the rest counts where its kind has it."""

    named: Acct | str
    show_announces: bool = True
    notify: bool = False
    languages: tuple[str, ...] = ()
    hide_notifications: bool = True
    title: str = ""

    @property
    def text(self) -> str:
        """As it is written in files."""
        return str(self.named)


@dataclass(frozen=True, slots=True)
class Read:
    """What was understood of a file, and what was not."""

    kind: Kind
    entries: tuple[Entry, ...]
    unread: tuple[str, ...] = ()


def dump(kind: Kind, rows: Iterable[Any]) -> str:
    """A file of rows of `storage.queries.archives`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if kind in _HEADERS:
        writer.writerow(_HEADERS[kind])
    for row in rows:
        writer.writerow(_cells(kind, row))
    return out.getvalue()


def parse(text: str, *, kind: Kind | None = None, file_name: str = "") -> Read | Fail:
    """Read a file. Its kind is seen from its name or header if it is not given."""
    try:
        # Only a null character or an open quote make the reader give up.
        lines = [row for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        return Fail(ArchiveFault.NOT_READABLE, str(error))
    if len(lines) > MOST_ROWS:
        return Fail(ArchiveFault.TOO_LONG)
    header = [cell.strip().lstrip("#") for cell in lines[0]] if lines and _is_header(lines[0]) else None
    found = kind or _kind_of(file_name, header)
    if found is None:
        return Fail(ArchiveFault.UNKNOWN_KIND)
    entries: list[Entry] = []
    unread: list[str] = []
    for line in lines[1:] if header is not None else lines:
        entry = _entry(found, dict(zip(header, line, strict=False)) if header else {}, line)
        if entry is None:
            unread.append(",".join(line)[:200])
        else:
            entries.append(entry)
    return Read(found, tuple(dict.fromkeys(entries)), tuple(unread))


def _cells(kind: Kind, row: Any) -> Sequence[object]:
    if kind is Kind.DOMAIN_BLOCKS:
        return (row["host"],)
    if kind is Kind.BOOKMARKS:
        return (row["uri"],)
    acct = f"{row['username']}@{row['host']}"
    match kind:
        case Kind.FOLLOWING:
            languages = ", ".join(languages_of(row["languages"]))
            return acct, _said(row["show_announces"]), _said(row["notify"]), languages
        case Kind.MUTES:
            return acct, _said(row["notifications"])
        case Kind.LISTS:
            return row["title"], acct
    return (acct,)


def _said(value: object) -> str:
    return "true" if value else "false"


def _is_header(cells: Sequence[str]) -> bool:
    return cells[0].strip().lstrip("#") in (_ADDRESS, "domain", "uri")


def _kind_of(file_name: str, header: Sequence[str] | None) -> Kind | None:
    named = next((kind for kind, name in _FILE_NAMES.items() if name.removesuffix(".csv") in file_name), None)
    if named is not None or header is None:
        return named
    return next((kind for kind in (Kind.FOLLOWING, Kind.MUTES) if _HEADERS[kind][1] in header), None)


def _entry(kind: Kind, named: Mapping[str, str], cells: Sequence[str]) -> Entry | None:
    first = cells[0].strip()
    match kind:
        case Kind.DOMAIN_BLOCKS:
            domain = parse_domain(first)
            return Entry(domain) if domain is not None else None
        case Kind.BOOKMARKS:
            return Entry(first) if is_http_uri(first, allow_plain=True) else None
        case Kind.LISTS:
            acct = _acct(cells[1]) if len(cells) > 1 else None
            return Entry(acct, title=first[:_TITLE_LIMIT]) if acct is not None and first else None
    acct = _acct(named.get(_ADDRESS, first))
    if acct is None:
        return None
    return Entry(
        acct,
        show_announces=_flag(named.get("Show boosts"), default=True),
        notify=_flag(named.get("Notify on new posts"), default=False),
        languages=tuple(_words(named.get("Languages"))),
        hide_notifications=_flag(named.get("Hide notifications"), default=True),
    )


def _acct(text: str) -> Acct | None:
    resource = parse_resource(text.strip())
    return resource if isinstance(resource, Acct) else None


def _flag(text: str | None, *, default: bool) -> bool:
    return default if text is None or not text.strip() else text.strip().lower() in ("true", "1", "yes")


def _words(text: str | None) -> Iterator[str]:
    for word in (text or "").replace(";", ",").split(","):
        if word.strip():
            yield word.strip().lower()[:20]
