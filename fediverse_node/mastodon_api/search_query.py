"""What somebody typed into the search field, as words and operators.  spec: mastodon-client-api#search

`from:` `has:` `before:` `after:` `during:` `in:` `is:` `language:`, `"quoted phrases"`, `#hashtags` and `-` before any
of them. What is no operator, or asks an operator for what it does not know, is words. Pure: whom `from:` names is
looked up elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from fediverse_node.base.ids import id_floor
from fediverse_node.domain.search_words import IS_REPLY, IS_SENSITIVE, by_author, in_language, with_part, with_tag
from fediverse_node.protocol.language import is_language_tag
from fediverse_node.protocol.words import Phrase, name_word, phrase_of
from fediverse_node.storage.queries.search import Place, Wanted

# Nobody types more; each costs a look into the index.
MOST_TERMS = 24
_ONE_TERM = re.compile(
    r"""(?P<minus>[-\u2212]?)\+?(?:["\u201c\u201d\u201e\u00ab](?P<phrase>[^"\u201c\u201d\u00bb]*)["\u201c\u201d\u00bb]
    |(?P<operator>[A-Za-z]{2,8}):(?P<argument>[^\s"]+)|(?P<word>\S+))""",
    re.VERBOSE,
)
_PARTS = frozenset({"media", "image", "video", "audio", "poll", "link", "embed"})
_STATES = {"reply": IS_REPLY, "sensitive": IS_SENSITIVE}
_DAY = re.compile(r"(?P<year>[12]\d{3})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?")
_LARGEST_ID = (1 << 63) - 1
_OPPOSITE = {Place.LIBRARY: Place.PUBLIC, Place.PUBLIC: Place.LIBRARY, Place.ALL: Place.ALL}


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked. `authors`, `without_authors`: handles after `from:`, without `@`, lower case; `me` is oneself."""

    wanted: Wanted = field(default_factory=Wanted)
    authors: tuple[str, ...] = ()
    without_authors: tuple[str, ...] = ()

    def is_nothing(self) -> bool:
        """Whether nothing is asked for: not a word, not an operator."""
        return self == Query()


def parse_query(text: str) -> Query:
    """Words and operators of a query, the first `MOST_TERMS`."""
    query = Query()
    for count, term in enumerate(_ONE_TERM.finditer(text)):
        if count == MOST_TERMS:
            break
        is_without = bool(term["minus"])
        if term["phrase"] is not None:
            query = _with_phrase(query, phrase_of(term["phrase"], exact=True), is_without)
            continue
        if term["operator"] is not None:
            known = _with_operator(query, term["operator"].lower(), term["argument"], is_without)
            if known is not None:
                query = known
                continue
        query = _with_words(query, term[0].lstrip("-\u2212+") if is_without else term[0], is_without)
    return query


def with_author_ids(query: Query, ids: Mapping[str, int]) -> Wanted | None:
    """What to look for, now that it is known whom the handles name; None where nobody of those meant exists."""
    wanted = query.wanted
    if query.authors:
        group = tuple(by_author(ids[handle]) for handle in query.authors if handle in ids)
        if not group:
            return None
        wanted = replace(wanted, marks=(*wanted.marks, group))
    without = tuple(by_author(ids[handle]) for handle in query.without_authors if handle in ids)
    return replace(wanted, without_marks=(*wanted.without_marks, *without))


def _with_phrase(query: Query, phrase: Phrase | None, is_without: bool) -> Query:
    if phrase is None:
        return query
    wanted = query.wanted
    if is_without:
        return replace(query, wanted=replace(wanted, without_phrases=(*wanted.without_phrases, phrase)))
    return replace(query, wanted=replace(wanted, phrases=(*wanted.phrases, phrase)))


def _with_words(query: Query, word: str, is_without: bool) -> Query:
    if word.startswith(("#", "\uff03")) and name_word(word):
        return _with_mark(query, with_tag(word[1:]), is_without)
    return _with_phrase(query, phrase_of(word, exact=is_without), is_without)


def _with_mark(query: Query, mark: str, is_without: bool) -> Query:
    wanted = query.wanted
    if is_without:
        return replace(query, wanted=replace(wanted, without_marks=(*wanted.without_marks, mark)))
    return replace(query, wanted=replace(wanted, marks=(*wanted.marks, (mark,))))


def _with_operator(query: Query, operator: str, argument: str, is_without: bool) -> Query | None:
    value = argument.lower()
    if operator == "from":
        handle = value.removeprefix("@")
        if is_without:
            return replace(query, without_authors=(*query.without_authors, handle))
        return replace(query, authors=(*query.authors, handle))
    if operator == "has" and value in _PARTS:
        return _with_mark(query, with_part(value), is_without)
    if operator == "is" and value in _STATES:
        return _with_mark(query, _STATES[value], is_without)
    if operator == "language" and is_language_tag(value):
        return _with_mark(query, in_language(value), is_without)
    if operator == "in" and value in {place.value for place in Place}:
        place = Place(value)
        return replace(query, wanted=replace(query.wanted, place=_OPPOSITE[place] if is_without else place))
    if operator in ("before", "after", "during"):
        return _with_time(query, operator, argument, is_without)
    return None


def _with_time(query: Query, operator: str, argument: str, is_without: bool) -> Query | None:
    period = _period(argument)
    if period is None:
        return None
    begin, end = (id_floor(moment) for moment in period)
    span = {"before": (0, begin), "after": (end, _LARGEST_ID), "during": (begin, end)}[operator]
    wanted = query.wanted
    if is_without:
        return replace(query, wanted=replace(wanted, without_spans=(*wanted.without_spans, span)))
    return replace(query, wanted=replace(wanted, spans=(*wanted.spans, span)))


def _period(text: str) -> tuple[datetime, datetime] | None:
    """A year, a month, a day or a moment (ISO 8601): its first moment, and the first one after it. UTC if not said."""
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            moment = datetime.fromisoformat(text.upper())
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            moment = moment.astimezone(UTC)
            return (moment, moment + timedelta(seconds=1)) if moment.year >= 1970 else None
        year, month, day = (int(found[name] or 0) for name in ("year", "month", "day"))
        if year < 1970:
            return None
        begin = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if found["day"]:
            return begin, begin + timedelta(days=1)
        return begin, datetime(year + (month in (0, 12)), month % 12 + 1 if month else 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
