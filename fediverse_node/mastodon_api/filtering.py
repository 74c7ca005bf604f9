"""What a person does not want to read: their filters, applied to what they are shown.

spec: mastodon-client-api#filters
A filter that warns or blurs is told to the app (`filtered`); one that hides takes the status out of the home
timeline and of the notifications, and elsewhere is left to the app. Managing filters is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.moments import render_moment_or_none
from fediverse_node.storage.queries import statuses as queries

_MOST_REMEMBERED = 10_000
_compiled: dict[tuple[Any, ...], tuple[Filter, ...]] = {}


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter in force."""

    id: int
    contexts: frozenset[str]
    hides: bool
    pattern: re.Pattern[str] | None
    entity: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """All filters of one person."""

    filters: tuple[Filter, ...] = ()
    objects: Mapping[int, frozenset[int]] | None = None  # filter -> objects that it names

    def __bool__(self) -> bool:
        return bool(self.filters)

    def results(self, object_id: int, text: str) -> list[dict[str, Any]]:
        """FilterResult entities for a status with these words."""
        found = []
        for filter_ in self.filters:
            words, named = self._match(filter_, object_id, text)
            if words is not None or named:
                found.append(
                    {
                        "filter": filter_.entity,
                        "keyword_matches": None if words is None else [words],
                        "status_matches": [str(object_id)] if named else None,
                    }
                )
        return found

    def hides(self, object_id: int, text: str, where: str) -> bool:
        """Whether a filter takes the status out of a list: `home` or `notifications`."""
        for filter_ in self.filters:
            if filter_.hides and where in filter_.contexts:
                words, named = self._match(filter_, object_id, text)
                if words is not None or named:
                    return True
        return False

    def _match(self, filter_: Filter, object_id: int, text: str) -> tuple[str | None, bool]:
        match = filter_.pattern.search(text) if filter_.pattern is not None else None
        named = self.objects is not None and object_id in self.objects.get(filter_.id, ())
        return (None if match is None else match.group(0)), named


NO_FILTERS = Filters()


async def load_filters(context: Context, viewer_id: int) -> Filters:
    """The filters of a person as they are now. Only the patterns are remembered: they are slow to compile."""
    rows = await context.database.fetch(queries.FILTERS, viewer_id=viewer_id, now_ms=context.world.clock.now_ms())
    if not rows:
        return NO_FILTERS
    key = tuple(tuple(row) for row in rows)
    compiled = _compiled.get(key)
    if compiled is None:
        if len(_compiled) >= _MOST_REMEMBERED:
            _compiled.clear()
        compiled = _compiled[key] = _compile(rows)
    named: dict[int, set[int]] = {}
    for filter_id, object_id in await context.database.fetch(queries.FILTERED_OBJECTS, viewer_id=viewer_id):
        named.setdefault(filter_id, set()).add(object_id)
    return Filters(compiled, {filter_id: frozenset(ids) for filter_id, ids in named.items()})


def _compile(rows: Sequence[Any]) -> tuple[Filter, ...]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row["id"], []).append(row)
    return tuple(_filter_of(id_, members) for id_, members in grouped.items())


def _filter_of(id_: int, rows: Sequence[Any]) -> Filter:
    first = rows[0]
    words = [_expression(row["keyword"], whole=bool(row["whole_word"])) for row in rows if row["keyword"]]
    contexts = orjson.loads(first["context"])
    return Filter(
        id=id_,
        contexts=frozenset(contexts),
        hides=first["action"] == "hide",
        pattern=re.compile("|".join(words), re.IGNORECASE) if words else None,
        entity={
            "id": str(id_),
            "title": first["title"],
            "context": contexts,
            "expires_at": render_moment_or_none(first["expires_ms"]),
            "filter_action": first["action"],
        },
    )


def _expression(keyword: str, *, whole: bool) -> str:
    """A keyword literally; a whole word has an edge only where it begins or ends with a letter or digit."""
    escaped = re.escape(keyword)
    if not whole:
        return escaped
    begins = r"\b" if re.match(r"\w", keyword) else ""
    ends = r"\b" if re.search(r"\w\Z", keyword) else ""
    return f"{begins}{escaped}{ends}"
