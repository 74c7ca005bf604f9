"""Which words a text is found by, and what is asked for somebody's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.protocol.words import LONGEST_WORD, Phrase, name_word, phrase_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", "hello world"),
        ("it's foo_bar at example.org/page", "it s foo bar at example org page"),
        ("\u00c9t\u00e9 na\u00efve Stra\u00dfe \u00d8re \u0141\u00f3d\u017a", "ete naive strasse ore lodz"),
        ("\u0401\u043b\u043a\u0430", "\u0435\u043b\u043a\u0430"),
        ("\uff28\uff45\uff4c\uff4c\uff4f \ufb01sh \u2468", "hello fish 9"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("\u6771\u4eac\u90fd", "\u6771\u4eac \u4eac\u90fd \u90fd"),
        ("iPhone\u7528 2", "iphone \u7528 2"),
        ("\uff76\uff9e\uff7d", "\u30ac\u30b9 \u30b9"),
        ("\ud55c\uad6d\uc5b4", "\ud55c\uad6d \uad6d\uc5b4 \uc5b4"),
        ("\u0e44\u0e17\u0e22", "\u0e44\u0e17 \u0e17\u0e22 \u0e22"),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
        ),
        ("\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f", "\u0645\u062d\u0645\u062f"),
        ("\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("\U0001f980 ~e ~v1 ' \" \\ : * ( )", "e v1"),
        ("", ""),
    ],
)
def test_a_text_is_found_by_its_folded_words(text: str, words: str) -> None:
    assert words_of(text) == words.split()


@pytest.mark.parametrize(
    ("query", "exact", "phrase"),
    [
        ("cat", False, Phrase(("cat",))),
        ("harb", False, Phrase(("harb",), open_ended=True)),
        ("harb", True, Phrase(("harb",))),
        ("foo-barn", False, Phrase(("foo", "barn"), open_ended=True)),
        ("\u6771\u4eac", True, Phrase(("\u6771\u4eac",))),
        ("\u6771\u4eac\u90fd", False, Phrase(("\u6771\u4eac", "\u4eac\u90fd"))),
        ("\u4eac", True, Phrase(("\u4eac",), open_ended=True)),
        ("hotel\u4eac", True, Phrase(("hotel", "\u4eac"), open_ended=True)),
        ("\u6771\u4eac \u4eac", True, Phrase(("\u6771\u4eac", "\u4eac", "\u4eac"), open_ended=True)),
        ("!?", False, None),
    ],
)
def test_words_are_asked_for_as_a_phrase(query: str, exact: bool, phrase: Phrase | None) -> None:
    assert phrase_of(query, exact=exact) == phrase


def _holds(text: str, phrase: Phrase) -> bool:
    """What both databases do with a phrase."""
    words, asked = words_of(text), list(phrase.words)
    for start in range(len(words) - len(asked) + 1):
        part = words[start : start + len(asked)]
        if part[:-1] == asked[:-1] and (
            part[-1] == asked[-1] or (phrase.open_ended and part[-1].startswith(asked[-1]))
        ):
            return True
    return False


@given(
    st.text("\u6771\u4eac\u90fd\u0e44\u0e17", max_size=5),
    st.text("\u6771\u4eac\u90fd\u0e44\u0e17", min_size=1, max_size=6),
    st.text("\u6771\u4eac\u90fd\u0e44\u0e17", max_size=5),
)
def test_every_part_of_a_sentence_without_spaces_is_found_in_it(before: str, part: str, after: str) -> None:
    phrase = phrase_of(part, exact=True)
    assert phrase is not None
    assert _holds(before + part + after, phrase)


@given(st.text(max_size=300))
def test_whatever_is_written_words_hold_nothing_that_a_database_would_read_as_its_own(text: str) -> None:
    for word in words_of(text):
        assert 0 < len(word) <= LONGEST_WORD
        assert not set(word) & set(" \t\n\"'\\:*&|!()<>~-+^")
    assert not set(name_word(text)) & set(" \"'\\:*&|!()<>~-+^")


def test_words_have_an_end() -> None:
    assert len(words_of("a " * 9_000)) == 5_000
    assert words_of("x" * 500) == ["x" * LONGEST_WORD]
