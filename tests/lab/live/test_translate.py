"""Addresses are turned into ones that a browser here can open, and back, and nothing else is touched."""

from __future__ import annotations

import pytest

from fediverse_node.lab.live.streams import Chunks, Frames
from fediverse_node.lab.live.translate import Translator, cookies_in, cookies_out, is_form, is_text

TRANSLATOR = Translator({"alpha.test": 4401, "beta.test": 4402})


@pytest.mark.parametrize(
    ("worldly", "local"),
    [
        ("https://alpha.test/@alice", "http://127.0.0.1:4401/@alice"),
        ("https://alpha.test", "http://127.0.0.1:4401"),
        ("see https://beta.test/x, https://alpha.test/y", "see http://127.0.0.1:4402/x, http://127.0.0.1:4401/y"),
        ("wss://alpha.test", "ws://127.0.0.1:4401"),
        ("?to=https%3A%2F%2Fbeta.test%2F%40ben", "?to=http%3A%2F%2F127.0.0.1%3A4402%2F%40ben"),
    ],
)
def test_addresses_of_the_world_can_be_opened_and_are_turned_back(worldly: str, local: str) -> None:
    assert TRANSLATOR.outward_text(worldly, asked="127.0.0.1") == local
    assert TRANSLATOR.inward_text(local) == worldly


@pytest.mark.parametrize(
    "text",
    [
        "@alice@alpha.test",
        "https://alpha.test.example/",
        "https://alpha.testing/",
        "https://alpha.test-site/",
        "https://xalpha.test/",
        "https://gamma.test/",
        "http://alpha.test/",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert TRANSLATOR.outward_text(text, asked="127.0.0.1") == text


@pytest.mark.parametrize(
    ("local", "worldly"),
    [
        ("http://beta.localhost:4402/@ben", "https://beta.test/@ben"),
        ("http://localhost:4401/", "https://alpha.test/"),
        ("q=%40ben%40127.0.0.1%3A4402", "q=%40ben%40beta.test"),
        ("@ben@beta.localhost:4402", "@ben@beta.test"),
        ("http://127.0.0.1:5173/callback", "http://127.0.0.1:5173/callback"),
        ("http://127.0.0.1:44011/", "http://127.0.0.1:44011/"),
    ],
)
def test_what_people_send_is_turned_back_where_it_means_a_node(local: str, worldly: str) -> None:
    assert TRANSLATOR.inward_text(local) == worldly


def test_a_sentence_may_end_with_an_address() -> None:
    assert TRANSLATOR.outward_text("at https://alpha.test.", asked="localhost") == "at http://localhost:4401."


def test_whoever_asks_by_name_gets_names() -> None:
    found = TRANSLATOR.outward_text("https://beta.test/@ben", asked="alpha.localhost")
    assert found == "http://beta.localhost:4402/@ben"


@pytest.mark.parametrize(
    ("content_type", "text", "form"),
    [
        ("application/json; charset=utf-8", True, True),
        ("text/html", True, False),
        ("application/x-www-form-urlencoded", False, True),
        ("application/activity+json", False, False),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams"', False, False),
        ("application/jrd+json", False, False),
        ("image/png", False, False),
        ("multipart/form-data; boundary=x", False, False),
        ("", False, False),
    ],
)
def test_documents_and_files_are_left_alone(content_type: str, text: bool, form: bool) -> None:
    assert (is_text(content_type), is_form(content_type)) == (text, form)


def test_cookies_of_nodes_are_told_apart_and_work_over_http() -> None:
    out = cookies_out("__Host-session=abc; HttpOnly; Max-Age=60; Path=/; SameSite=Lax; Secure", "alpha.test.")
    assert out == "alpha.test.__Host-session=abc; HttpOnly; Max-Age=60; Path=/; SameSite=Lax"
    sent = "alpha.test.__Host-session=abc; beta.test.__Host-session=def; other=1"
    assert cookies_in(sent, "alpha.test.") == "__Host-session=abc"
    assert cookies_in("other=1", "alpha.test.") == ""


def _upper(data: bytes) -> bytes:
    return data.upper() * 2


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_chunks_are_translated_whole_however_they_arrive(step: int) -> None:
    stream, data = Chunks(_upper), b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    out = b"".join(stream.feed(data[at : at + step]) for at in range(0, len(data), step))
    assert out == b"6\r\nABCABC\r\n4\r\nDEDE\r\n0\r\n\r\n"


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("length", [5, 63, 125, 126, 40_000, 70_000])
def test_frames_are_translated_whole_however_they_arrive(step: int, length: int) -> None:
    text, ping = b"a" * length, b"\x89\x02hi"
    stream, data = Frames(_upper), _frame(text) + ping + _frame(b"b")
    out = b"".join(stream.feed(data[at : at + step]) for at in range(0, len(data), step))
    assert out == _frame(_upper(text)) + ping + _frame(b"BB")


def _frame(text: bytes) -> bytes:
    if len(text) < 126:
        return b"\x81" + bytes([len(text)]) + text
    if len(text) < 65_536:
        return b"\x81\x7e" + len(text).to_bytes(2, "big") + text
    return b"\x81\x7f" + len(text).to_bytes(8, "big") + text
