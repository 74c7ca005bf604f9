"""Words are found however they are written, and are not found where only something like them stands."""

from __future__ import annotations

import base64
import html
import json
import sqlite3
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from fediverse_node.lab.invariants.log_pages import LogPages
from fediverse_node.lab.invariants.spellings import Needle, phrase_of
from fediverse_node.storage.sqlite import connect

_TEXT = "nobody <else> shall 'know': café & \"tea\" №7"
_SPELLINGS = {
    "plain": _TEXT,
    "html": html.escape(_TEXT),
    "html without quotes": html.escape(_TEXT, quote=False),
    "json": json.dumps(_TEXT, ensure_ascii=False),
    "json in ascii": json.dumps(_TEXT),
    "html in json": json.dumps(f"<p>{html.escape(_TEXT)}</p>"),
    "url": quote(_TEXT, safe=""),
    "form": quote_plus(_TEXT),
    **{f"base64 {n}": base64.b64encode(b"x" * n + _TEXT.encode() + b"yz").decode() for n in range(3)},
    **{f"base64 of urls {n}": base64.urlsafe_b64encode(b"?" * n + _TEXT.encode()).decode() for n in range(3)},
}


@pytest.mark.parametrize("name", _SPELLINGS)
def test_a_text_is_found_in_every_spelling(name: str) -> None:
    data = b"\0\x81before " + _SPELLINGS[name].encode() + b" and after\xff"
    assert Needle(_TEXT).stands_in(data)


def test_percent_signs_are_read_in_small_letters_too() -> None:
    data = quote("the café of others").replace("%C3%A9", "%c3%a9").encode()
    assert Needle("the café of others").stands_in(data)


@pytest.mark.parametrize("other", ["nobody else shall know", "shall", "NOBODY <ELSE> SHALL 'KNOW'", ""])
def test_another_text_is_not_taken_for_it(other: str) -> None:
    assert not Needle(_TEXT).stands_in(other.encode())


def test_a_text_without_any_latin_letter_is_found() -> None:
    needle = Needle("это только для друзей")
    assert needle.stands_in("<p>это только для друзей</p>".encode())
    assert needle.stands_in(json.dumps({"content": "это только для друзей"}).encode())
    assert not needle.stands_in("это для всех".encode())


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("@ben@beta.test only between us two", "only between us two"),
        ("look at https://example.com/path and tell nobody", "and tell nobody"),
        ("first line\nthe second line is longer", "the second line is longer"),
        ("about #cheese, and what else is for tea", ", and what else is for tea"),
        ("short", None),
        ("@ben@beta.test hi", None),
    ],
)
def test_what_is_looked_for_is_the_longest_part_that_stays_as_it_is(text: str, phrase: str | None) -> None:
    assert phrase_of(text) == phrase


def _rows(path: Path) -> sqlite3.Connection:
    connection = connect(path, durable=False)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE said (id INTEGER PRIMARY KEY, text TEXT)")
    connection.execute("CREATE INDEX by_text ON said (text)")
    return connection


def test_what_is_written_into_a_database_is_read_once(tmp_path: Path) -> None:
    path, pages = tmp_path / "node.db", LogPages()
    connection = _rows(path)
    assert b"first words" not in b"".join(pages.new_in(path))
    connection.execute("INSERT INTO said (text) VALUES ('first words')")
    assert b"first words" in b"".join(pages.new_in(path))
    assert b"".join(pages.new_in(path)) == b""
    connection.execute("CREATE TABLE other (text TEXT)")
    connection.execute("INSERT INTO other VALUES ('second words')")
    found = b"".join(pages.new_in(path))
    assert b"second words" in found
    connection.close()


def test_a_long_text_is_found_on_the_pages_on_which_it_goes_on(tmp_path: Path) -> None:
    path, pages = tmp_path / "node.db", LogPages()
    connection = _rows(path)
    list(pages.new_in(path))
    connection.execute("INSERT INTO said (text) VALUES (?)", ["x" * 9000 + "at the very end"])
    assert b"at the very end" in b"".join(pages.new_in(path))
    connection.close()


def test_after_a_restart_nothing_is_missed(tmp_path: Path) -> None:
    path, pages = tmp_path / "node.db", LogPages()
    connection = _rows(path)
    list(pages.new_in(path))
    connection.execute("INSERT INTO said (text) VALUES ('just before the crash')")
    connection.close()  # the log is copied into the file, and is gone
    connection = connect(path, durable=False)
    assert b"just before the crash" in b"".join(pages.new_in(path))
    connection.execute("INSERT INTO said (text) VALUES ('just after it')")
    assert b"just after it" in b"".join(pages.new_in(path))
    connection.close()
