"""Recordings are written and read back whole, and a file that is none says where and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.lab.exchange import Exchange, Message, Step
from fediverse_node.lab.framing import take_request
from fediverse_node.lab.inspector.feed import Feed
from fediverse_node.lab.journal import Journal
from fediverse_node.lab.recording import Recording, RecordingError, load_recording, parse_recording

_text = st.text(max_size=30)
_message = st.builds(
    Message,
    start=_text,
    headers=st.lists(st.tuples(_text, _text), max_size=3).map(tuple),
    body=st.binary(max_size=40),
)
_exchange = st.builds(
    Exchange,
    number=st.integers(1, 1000),
    at_ms=st.integers(0, 2**50),
    sender=_text,
    receiver=_text,
    url=_text,
    request=_message,
    answer=st.none() | _message,
    took_ms=st.integers(0, 10_000),
    failure=_text,
    fault=_text,
    cause=st.none() | st.integers(1, 1000),
    steps=st.lists(
        st.builds(Step, name=_text, passed=st.booleans(), sentence=_text, detail=st.just((("key", "value"),))),
        max_size=2,
    ),
    effects=st.lists(_text, max_size=2),
)


@given(_exchange)
def test_what_is_written_is_read_back(exchange: Exchange) -> None:
    assert Exchange.from_json(orjson.loads(orjson.dumps(exchange.to_json()))) == exchange


def test_headers_that_are_no_text_are_written_too() -> None:
    framed = take_request(bytearray(b"GET /\xff HTTP/1.1\r\nHost: a.test\r\nX-Odd: \xe9\xff\r\n\r\n"))
    assert framed is not None
    recording = Recording({"seed": 1})
    recording.begin(Exchange(1, 0, "a.test", "b.test", "https://b.test/\udcff", framed.message))
    [read] = parse_recording(recording.dump().splitlines(), name="kept")
    assert read.request.header("host") == "a.test"


def test_what_a_get_is_about_is_known_when_it_is_answered() -> None:
    exchange = Exchange(1, 0, "a", "b", "https://b/users/ben", Message("GET /users/ben HTTP/1.1", ()))
    assert exchange.activity.type == ""
    exchange.answer = Message("HTTP/1.1 200 OK", (), b'{"id":"https://b/users/ben","type":"Person"}')
    assert exchange.activity.type == "Person"


_GOOD: dict[str, Any] = Exchange(1, 0, "a", "b", "https://b/", Message("GET / HTTP/1.1", ())).to_json()
_HEAD = b'{"format":"fediverse-node-exchanges/1"}'


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "is empty"),
        ([b"{}"], "line 1: its first line does not say"),
        ([b"hello"], "line 1"),
        ([b'{"format":"fediverse-node-exchanges/99"}'], "use the version that wrote it"),
        ([_HEAD, b"[]"], "line 2"),
        ([_HEAD, b"{}"], "line 2"),
        ([_HEAD, orjson.dumps({**_GOOD, "at_ms": "x"})], "line 2: this is no exchange"),
        ([_HEAD, orjson.dumps({**_GOOD, "url": {}})], "line 2: this is no exchange"),
        ([_HEAD, orjson.dumps({**_GOOD, "sent": ["x"]})], "line 2: this is no exchange"),
        ([_HEAD, orjson.dumps({**_GOOD, "request": 7})], "line 2"),
    ],
)
def test_a_file_that_is_no_recording_says_where_and_why(lines: list[bytes], words: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(RecordingError, match=words):
        load_recording(path)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        load_recording(tmp_path / "nowhere.jsonl")


def test_a_world_without_an_end_keeps_its_newest_exchanges_only() -> None:
    recording = Recording(keeps=80)
    journal = Journal(recording, lambda: 0)
    feed = Feed(recording)
    for _ in range(1_000):
        exchange = recording.begin(_plain(recording.next_number))
        watcher = journal.of_request(exchange)
        for _ in range(40):
            watcher("storage.committed", None, {})
    assert 80 <= len(recording) <= 90
    assert recording.next_number == 1_001
    assert recording.find(1) is None
    assert (newest := recording.find(1_000)) is not None
    assert newest.number == 1_000
    assert len(journal.entries) <= 80 * 30
    assert feed.since(0) == [exchange.number for exchange in recording]


def test_a_world_with_an_end_keeps_all() -> None:
    recording = Recording()
    for _ in range(1_000):
        recording.begin(_plain(recording.next_number))
    assert [exchange.number for exchange in recording] == list(range(1, 1_001))


def _plain(number: int) -> Exchange:
    message = Message(start="POST /inbox HTTP/1.1", headers=(), body=b"{}")
    return Exchange(number, 0, "alpha.test", "beta.test", "https://beta.test/inbox", message)
