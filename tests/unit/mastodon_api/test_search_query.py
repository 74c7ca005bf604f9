"""What people type into the search field, and what is looked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.ids import id_floor
from fediverse_node.mastodon_api.search_query import MOST_TERMS, Query, parse_query, with_author_ids
from fediverse_node.protocol.words import Phrase
from fediverse_node.storage.queries.search import Place, Wanted

_CAT, _DOG = Phrase(("cat",)), Phrase(("dog",))
_END = (1 << 63) - 1


def _at(*moment: int) -> int:
    return id_floor(datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cat", Wanted(phrases=(_CAT,))),
        ("cat DOG", Wanted(phrases=(_CAT, _DOG))),
        ("+cat -dog", Wanted(phrases=(_CAT,), without_phrases=(_DOG,))),
        ("wander", Wanted(phrases=(Phrase(("wander",), open_ended=True),))),
        ('"wander"', Wanted(phrases=(Phrase(("wander",)),))),
        ('"cat dog" x', Wanted(phrases=(Phrase(("cat", "dog")), Phrase(("x",))))),
        ("\u201ccat dog\u201d", Wanted(phrases=(Phrase(("cat", "dog")),))),
        ('-"cat dog"', Wanted(without_phrases=(Phrase(("cat", "dog")),))),
        ('"cat', Wanted(phrases=(_CAT,))),
        ("#Caf\u00e9", Wanted(marks=(("~tcafe",),))),
        ("-#cat", Wanted(without_marks=("~tcat",))),
        ("has:image has:poll", Wanted(marks=(("~himage",), ("~hpoll",)))),
        ("has:MEDIA", Wanted(marks=(("~hmedia",),))),
        ("-has:video", Wanted(without_marks=("~hvideo",))),
        ("has:link has:embed has:audio", Wanted(marks=(("~hlink",), ("~hembed",), ("~haudio",)))),
        ("is:reply", Wanted(marks=(("~ireply",),))),
        ("-is:sensitive", Wanted(without_marks=("~isensitive",))),
        ("language:pt-BR", Wanted(marks=(("~lpt_br",),))),
        ("-language:en", Wanted(without_marks=("~len",))),
        ("in:library", Wanted(place=Place.LIBRARY)),
        ("in:public cat", Wanted(phrases=(_CAT,), place=Place.PUBLIC)),
        ("-in:library", Wanted(place=Place.PUBLIC)),
        ("before:2024-02-03", Wanted(spans=((0, _at(2024, 2, 3)),))),
        ("after:2024-02-03", Wanted(spans=((_at(2024, 2, 4), _END),))),
        ("during:2024-02-29", Wanted(spans=((_at(2024, 2, 29), _at(2024, 3, 1)),))),
        ("during:2024-12", Wanted(spans=((_at(2024, 12, 1), _at(2025, 1, 1)),))),
        ("during:2024", Wanted(spans=((_at(2024, 1, 1), _at(2025, 1, 1)),))),
        ("-before:2024", Wanted(without_spans=((0, _at(2024, 1, 1)),))),
        ("after:2024-02-03T04:05:06+01:00", Wanted(spans=((_at(2024, 2, 3, 3, 5, 7), _END),))),
    ],
)
def test_operators_and_words(text: str, wanted: Wanted) -> None:
    assert parse_query(text) == Query(wanted)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo:cat", "foo cat"),
        ("has:cat", "has cat"),
        ("is:cat", "is cat"),
        ("in:cat", "in cat"),
        ("language:e_n", "language e n"),
        ("during:2024-13", "during 2024 13"),
        ("before:2024-02-30", "before 2024 02 30"),
        ("before:1900", "before 1900"),
        ("after:now", "after now"),
        ("before:9999-12-31T23:59:59.999-23:59", "before 9999 12 31t23 59 59 999 23 59"),
        ("12:30", "12 30"),
        ("https://example.org", "https example org"),
        ("from:", "from"),
    ],
)
def test_what_is_no_operator_is_words(text: str, words: str) -> None:
    found = parse_query(text)
    assert [phrase.words for phrase in found.wanted.phrases] == [tuple(words.split())]
    assert replace(found.wanted, phrases=()) == Wanted()


def test_whom_posts_are_from() -> None:
    query = parse_query("from:me from:@Bob@Far.example -from:carol cat")
    assert (query.authors, query.without_authors) == (("me", "bob@far.example"), ("carol",))
    both = with_author_ids(query, {"me": 1, "bob@far.example": 2, "carol": 3})
    assert both == Wanted(phrases=(_CAT,), marks=(("~a1", "~a2"),), without_marks=("~a3",))
    assert with_author_ids(query, {"me": 1}) == Wanted(phrases=(_CAT,), marks=(("~a1",),))
    assert with_author_ids(query, {"carol": 3}) is None, "nobody whom it is from is known"


@pytest.mark.parametrize("text", ["", "  ", "!", '""', "-", "#", "+ -", "\U0001f980"])
def test_a_query_without_words_asks_for_nothing(text: str) -> None:
    assert parse_query(text).is_nothing()


@given(st.text(max_size=400))
def test_nothing_that_can_be_typed_breaks_it(text: str) -> None:
    wanted = parse_query(text).wanted
    assert len(wanted.phrases) + len(wanted.without_phrases) + len(wanted.marks) <= MOST_TERMS


def test_a_query_is_read_to_an_end() -> None:
    assert len(parse_query("a " * 1_000).wanted.phrases) == MOST_TERMS
