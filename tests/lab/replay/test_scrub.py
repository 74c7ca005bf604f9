"""Of a scrubbed recording nobody can read what was said, and everybody can see what was done."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fediverse_node.lab.recorder.secrets import REMOVED, without_secrets
from fediverse_node.lab.recording import load_recording
from fediverse_node.lab.scrub.scrubber import Scrubber, scrub_file
from fediverse_node.lab.scrub.vocabulary import sentence_words, terms
from fediverse_node.lab.scrub.words import Words
from fediverse_node.signatures.digest import digest_header
from tests.lab.replay.conversation import EDITED, SECRET

_WORDS = st.from_regex(
    r"zq[a-z]{4,12}|[A-Z]xq[a-z0-9]{4,9}|[äöüéñ]{2}w[àß]{3,8}|[日本語学校食]{4,8}|🦭[🦩🐙🦔]{3}", fullmatch=True
)
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")


def document_of(words: list[str]) -> dict[str, Any]:
    """A post that says the words in every place in which one can say something."""
    text, one, other = " ".join(words), words[0], words[-1]
    markup = (
        f"<p class='{other}'>{html.escape(text)} &amp; <a href=\"https://beta.test/tags/{quote(one)}\">#{one}</a></p>"
    )
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", {other: "toot:Emoji"}],
        "id": f"https://beta.test/users/{quote(one)}/statuses/116158758937654048",
        "type": "Note",
        "attributedTo": f"https://beta.test/users/{quote(one)}",
        "content": markup,
        "contentMap": {"en": markup, other: text},
        "summary": f"<!-- {text} --><{other}>",
        "name": text,
        "source": {"content": text, "mediaType": f"text/{other}"},
        "published": f"2026-01-01T00:00:00Z {other}",
        "tag": [
            {"type": "Hashtag", "name": f"#{one}", "href": f"https://beta.test/tags/{quote(one)}"},
            {"type": "Mention", "name": f"@{other}@beta.test", "href": f"https://beta.test/@{quote(other)}"},
        ],
        "attachment": [
            {
                "type": "Document",
                "name": text,
                "url": f"https://files.beta.test/{quote(text)}.png?{quote(one)}={quote(other)}#{quote(one)}",
                "blurhash": other,
            }
        ],
        "location": {"type": "Place", "name": one, "latitude": 52.5, "address": {"street": text}},
        "_secret": base64.b64encode(text.encode()).decode(),
        f"x:{other}": [text, {"deep": [[text]]}],
        "nested": json.dumps({"inside": text}),
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "sensitive": True,
        "likes": 3,
    }


def exchange_of(words: list[str]) -> dict[str, Any]:
    text, one = " ".join(words), words[0]
    body = orjson.dumps(document_of(words)).decode()
    return {
        "number": 7,
        "at_ms": 1_772_442_000_028,
        "sender": "beta.test",
        "receiver": "alpha.test",
        "url": f"https://alpha.test/users/{quote(one)}/inbox?q={quote(text)}",
        "request": {
            "start": f"POST /users/{quote(one)}/inbox?q={quote(text)} HTTP/1.1",
            "headers": [
                ["Host", "alpha.test"],
                ["Content-Type", "application/activity+json"],
                ["Digest", digest_header(body.encode())],
                ["X-Forwarded-For", "203.0.113.77, 2001:db8:1::5"],
                ["X-Mood", text],
                [f"X-{one}" if one.isascii() else "X-Y", "1"],
                ["Cookie", f"session={one}"],
                ["Authorization", f"Bearer {one}abcdefgh"],
                ["User-Agent", f"Reader/1.0 ({text}; +https://beta.test/)"],
                ["Signature", f'keyId="https://beta.test/users/{quote(one)}#key",headers="host date",signature="YWJj"'],
            ],
            "body": body,
        },
        "answer": {
            "start": f"HTTP/1.1 422 {text}",
            "headers": [["Location", f"https://alpha.test/@{quote(one)}"], ["Content-Type", "text/html"]],
            "body": f"<html><body title='{html.escape(text)}'>{html.escape(text)}</body></html>",
        },
        "took_ms": 12.0,
        "failure": f"the connection broke ({text})",
        "fault": "",
        "cause": None,
        "steps": [
            {
                "name": "understand.activity",
                "passed": False,
                "sentence": f"it is not well-formed ({text})",
                "detail": {"id": text},
            },
            {"name": "signature.base", "passed": True, "sentence": "", "detail": {"base": f"date: {text}"}},
        ],
        "effects": [f"kept the post https://beta.test/users/{quote(one)}/statuses/1, for @{one}@beta.test"],
        "sent": [8],
    }  # fmt: skip


def readings(text: str) -> list[str]:
    """The file as anybody might read it: as it is, and behind escapes, percent signs, entities and base64."""
    found = [text, unquote(text), html.unescape(text), html.unescape(unquote(text))]
    try:
        found.append(json.dumps(json.loads(text), ensure_ascii=False))
        nested = _strings(json.loads(text))
        found += nested
        for value in nested:
            found += [unquote(value), html.unescape(value), _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)]
    except ValueError:
        pass
    for run in _BASE64.findall(" ".join(found)):
        for start in range(4):
            # Wherever the text may begin in it.
            cut = run[start:].rstrip("=")
            data = base64.b64decode(cut[: len(cut) // 4 * 4])
            found.append(data.decode("utf-8", "replace"))
    return found


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *_strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    if not isinstance(value, str):
        return []
    try:
        return [value, *_strings(json.loads(value))] if value[:1] in ("{", "[") else [value]
    except ValueError:
        return [value]


def shape(value: Any) -> Any:
    """What scrubbing keeps: structure, types, numbers, and how long things are."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str):
        return ("text", len(html.unescape(unquote(value))))
    return value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_WORDS, min_size=1, max_size=5), st.booleans())
def test_no_word_survives_anywhere_and_the_shape_stays(words: list[str], hosts: bool) -> None:
    scrubber = Scrubber(hosts=hosts)
    plain = exchange_of(words)
    scrubbed = scrubber.line(without_secrets(plain))
    everything = [reading.lower() for reading in readings(orjson.dumps(scrubbed).decode())]
    for word in words:
        assert not [reading for reading in everything if word.lower() in reading], word
    assert "203.0.113.77" not in everything[0]
    assert "2001:db8:1::5" not in everything[0]
    before, after = orjson.loads(plain["request"]["body"]), orjson.loads(scrubbed["request"]["body"])
    place, moved = before.pop("location"), after.pop("location")
    assert shape(before) == shape(after)
    assert shape({**place, "latitude": 0}) == shape({**moved, "latitude": 0})
    assert moved["latitude"] != place["latitude"]
    assert scrubbed["number"] == 7
    assert scrubbed["at_ms"] == plain["at_ms"]
    assert [step["name"] for step in scrubbed["steps"]] == [step["name"] for step in plain["steps"]]


@given(st.lists(_WORDS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_was_the_same_stays_the_same_and_nothing_else_does(words: list[str]) -> None:
    scrubber = Scrubber()
    one = scrubber.line(exchange_of(words))
    other = scrubber.line(exchange_of(words))
    assert one == other
    body = orjson.loads(one["request"]["body"])
    assert body["id"].startswith(body["attributedTo"] + "/statuses/")
    assert body["tag"][0]["href"].rpartition("/")[2] == quote(body["tag"][0]["name"][1:])
    assert Scrubber().line(exchange_of(words)) != one


def test_words_of_the_protocol_stay_where_they_are_words_of_the_protocol() -> None:
    text = "Follow the Note key, Create Person"
    scrubber = Scrubber()
    scrubbed = orjson.loads(
        scrubber.line(
            {
                **exchange_of(["zqword"]),
                "request": {
                    "start": "POST /inbox HTTP/1.1",
                    "headers": [],
                    "body": json.dumps({"type": "Create", "content": text, "name": "Note"}),
                },
            }
        )["request"]["body"]
    )
    assert scrubbed["type"] == "Create"
    assert not set(re.findall(r"\w+", text)) & set(re.findall(r"\w+", scrubbed["content"]))
    assert scrubbed["name"] != "Note"
    assert {"Create", "Note"} <= terms()


def test_a_digest_that_was_right_is_right_again_and_a_wrong_one_stays_wrong() -> None:
    scrubber = Scrubber()
    right = exchange_of(["zqword"])
    scrubbed = scrubber.line(right)
    fresh = dict(scrubbed["request"]["headers"])["Digest"]
    assert fresh == digest_header(scrubbed["request"]["body"].encode())
    wrong = exchange_of(["zqword"])
    wrong["request"]["headers"][2][1] = digest_header(b"something else")
    kept = dict(scrubber.line(wrong)["request"]["headers"])["Digest"]
    assert kept != digest_header(scrubbed["request"]["body"].encode())
    assert kept.partition("=")[2] != digest_header(b"something else").partition("=")[2]


def test_moments_keep_their_order_and_numbers_of_posts_their_moment() -> None:
    scrubber = Scrubber()
    line = exchange_of(["zqword"])
    line["request"]["body"] = json.dumps(
        {"id": "https://beta.test/users/x/statuses/116158758937654048", "published": "2026-03-02T09:00:00Z"}
    )
    body = orjson.loads(scrubber.line(line)["request"]["body"])
    assert body["published"] == "2026-03-02T09:00:00Z"
    number = int(body["id"].rpartition("/")[2])
    assert number != 116158758937654048
    assert number >> 16 == 116158758937654048 >> 16


def test_bytes_that_are_no_text_become_other_bytes() -> None:
    line = exchange_of(["zqword"])
    data = bytes(range(256))
    line["answer"] = {"start": "HTTP/1.1 200 OK", "headers": [], "body_base64": base64.b64encode(data).decode()}
    scrubbed = base64.b64decode(Scrubber().line(line)["answer"]["body_base64"])
    assert len(scrubbed) == 256
    assert scrubbed != data


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_no_two_words_become_the_same_and_none_stays(size: int) -> None:
    words = Words()
    numbers = [f"{number:0{size}d}" for number in range(10**size)]
    replaced = [words.word(number) for number in numbers]
    assert len(set(replaced)) == len(numbers)
    assert not [number for number, other in zip(numbers, replaced, strict=True) if number == other]


@given(st.text(max_size=40))
def test_words_keep_their_length_and_case(text: str) -> None:
    replaced = Words().text(text)
    assert len(replaced) == len(text)
    assert len(replaced.encode()) == len(text.encode())
    ascii_pairs = [(a, b) for a, b in zip(text, replaced, strict=True) if a.isascii() and a.isalnum()]
    assert all(a.isupper() == b.isupper() and a.isdigit() == b.isdigit() for a, b in ascii_pairs)


def test_names_of_hosts_go_only_if_that_is_asked_for() -> None:
    line = exchange_of(["zqword"])
    kept, gone = Scrubber().line(line), Scrubber(hosts=True).line(line)
    assert kept["sender"] == "beta.test"
    assert "beta" not in orjson.dumps(gone).decode()
    assert "alpha" not in orjson.dumps(gone).decode()
    assert gone["sender"].endswith(".test")
    assert orjson.loads(gone["request"]["body"])["id"].startswith(f"https://{gone['sender']}/users/")


def test_a_real_recording_holds_none_of_what_was_said(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "scrubbed.jsonl"
    scrub_file(recorded, target, hosts=False)
    said = {word for text in (SECRET, EDITED, "walrus speaking Gladly heard") for word in text.split() if len(word) > 6}
    before = recorded.read_text()
    assert all(word in before for word in said)
    for line in target.read_text().splitlines():
        for reading in readings(line):
            assert not [word for word in said if word.lower() in reading.lower()]
    assert "/users/alice" in before
    assert "alice" not in target.read_text()
    one, other = load_recording(recorded), load_recording(target)
    assert [item.number for item in one] == [item.number for item in other]
    assert [item.activity.type for item in one] == [item.activity.type for item in other]
    assert [[step.name for step in item.steps] for item in one] == [
        [step.name for step in item.steps] for item in other
    ]


def test_a_scrubbed_recording_made_while_serving_holds_none_of_it_either(recorded_scrubbed: Path) -> None:
    text = recorded_scrubbed.read_text()
    assert not [word for word in SECRET.split() if len(word) > 6 and word in text]
    assert "alice" not in text
    assert oct(recorded_scrubbed.stat().st_mode & 0o777) == "0o600"


def test_secrets_go_also_without_scrubbing() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----"
    line = exchange_of(["zqword"])
    line["url"] = "https://alpha.test/oauth/authorize?code=abcdef&state=kept"
    line["request"]["body"] = json.dumps({"access_token": "abcdef", "text": "basic training, code=word", "k": key})
    line["answer"]["headers"] = [["Set-Cookie", "id=abcdef"], ["Location", "/sign-in/abcdef"]]
    line["answer"]["body"] = "token=abcdef"
    cleaned = without_secrets(line)
    text = orjson.dumps(cleaned).decode()
    assert "abcdef" not in text.replace("zqwordabcdefgh", "")
    assert "zqwordabcdefgh" not in text
    assert "MIIEvQIBADANBg" not in text
    assert "state=kept" in text
    # What people say is not touched by this.
    assert "basic training, code=word" in text
    assert text.count(REMOVED) >= 7
    assert without_secrets(exchange_of(["zqword"]))["request"]["body"] == exchange_of(["zqword"])["request"]["body"]


def test_the_words_that_stay_are_those_of_this_program() -> None:
    assert {"kept", "the", "post", "signature"} <= sentence_words()
    assert not {"zeppelin", "walrus", "alice"} & sentence_words()
