"""The files in which people take their relations along: written as Mastodon writes them, read as generously."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.archives import Entry, Kind, Read, dump, parse
from fediverse_node.outbox.importing import in_turns
from fediverse_node.protocol.webfinger import Acct

BEN, CLEO = Acct("ben", "far.example"), Acct("cleo", "third.example")


@pytest.mark.parametrize(
    ("text", "name", "kind", "entries"),
    [
        pytest.param(
            "Account address,Show boosts,Notify on new posts,Languages\n"
            'ben@far.example,false,true,"de, en"\ncleo@third.example,true,false,\n',
            "following_accounts.csv",
            Kind.FOLLOWING,
            (Entry(BEN, show_announces=False, notify=True, languages=("de", "en")), Entry(CLEO)),
            id="follows",
        ),
        pytest.param(
            "Account address,Show boosts\nben@far.example,true\n", "x.csv", Kind.FOLLOWING, (Entry(BEN),), id="older"
        ),
        pytest.param("ben@far.example\n", "following_accounts.csv", Kind.FOLLOWING, (Entry(BEN),), id="old follows"),
        pytest.param(
            "\ufeffAccount address,Hide notifications\r\n@ben@Far.Example,false\r\n",
            "file.csv",
            Kind.MUTES,
            (Entry(BEN, hide_notifications=False),),
            id="mutes with a mark of order and other line ends",
        ),
        pytest.param("ben@far.example\n", "blocked_accounts.csv", Kind.BLOCKS, (Entry(BEN),), id="blocks"),
        pytest.param(
            "#domain,#severity\nbad.example,suspend\n", "blocked_domains.csv", Kind.DOMAIN_BLOCKS,
            (Entry("bad.example"),), id="domains",
        ),
        pytest.param(
            "Friends,ben@far.example\nFriends,ben@far.example\nWork,cleo@third.example\n", "lists.csv", Kind.LISTS,
            (Entry(BEN, title="Friends"), Entry(CLEO, title="Work")), id="lists",
        ),
        pytest.param(
            "https://far.example/1\n\nhttps://far.example/2\n", "bookmarks-2.csv", Kind.BOOKMARKS,
            (Entry("https://far.example/1"), Entry("https://far.example/2")), id="bookmarks",
        ),
    ],
)  # fmt: skip
def test_what_mastodon_writes_is_read(text: str, name: str, kind: Kind, entries: tuple[Entry, ...]) -> None:
    assert parse(text, file_name=name) == Read(kind, entries)


def test_lines_that_name_nobody_are_told_and_the_others_are_read() -> None:
    read = parse("nobody\nben@far.example\njavascript:alert(1)\n", kind=Kind.BLOCKS)
    assert read == Read(Kind.BLOCKS, (Entry(BEN),), ("nobody", "javascript:alert(1)"))


def test_what_is_in_a_file_is_not_guessed() -> None:
    assert isinstance(parse("ben@far.example\n", file_name="people.csv"), Fail)
    assert isinstance(parse("Account address\nben@far.example\n", file_name="people.csv"), Fail)


def test_what_is_written_is_read_again() -> None:
    rows = [
        {"username": "ben", "host": "far.example", "show_announces": 0, "notify": 1, "languages": '["de","en"]',
         "notifications": 0, "title": 'Friends, "old"'},
    ]  # fmt: skip
    assert dump(Kind.FOLLOWING, rows).splitlines()[1] == 'ben@far.example,false,true,"de, en"'
    for kind in (Kind.FOLLOWING, Kind.BLOCKS, Kind.MUTES, Kind.LISTS):
        read = parse(dump(kind, rows), kind=kind)
        assert isinstance(read, Read)
        assert [entry.named for entry in read.entries] == [BEN]
    lists = parse(dump(Kind.LISTS, rows), kind=Kind.LISTS)
    assert isinstance(lists, Read)
    assert lists.entries[0].title == 'Friends, "old"'


@given(st.text(max_size=200), st.sampled_from(list(Kind)))
def test_no_file_breaks_the_reader(text: str, kind: Kind) -> None:
    assert isinstance(parse(text, kind=kind), Fail | Read)


def test_servers_are_asked_in_turns() -> None:
    one = [Entry(Acct(f"p{n}", "one.example")) for n in range(3)]
    other = [Entry(Acct("q", "two.example"))]
    assert list(in_turns([*one, *other])) == [one[0], other[0], one[1], one[2]]
