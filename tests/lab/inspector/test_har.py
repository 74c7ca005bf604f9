"""The HTTP archive of a run."""

from __future__ import annotations

import base64
from datetime import datetime

import orjson

from fediverse_node.lab.inspector.har import dump_har
from fediverse_node.lab.recording import Recording

ENTRY = {"startedDateTime", "time", "request", "response", "cache", "timings"}
REQUEST = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
RESPONSE = {
    "status",
    "statusText",
    "httpVersion",
    "cookies",
    "headers",
    "content",
    "redirectURL",
    "headersSize",
    "bodySize",
}


def test_every_entry_has_all_that_the_format_demands(recording: Recording) -> None:
    log = orjson.loads(orjson.dumps(dump_har(recording, about=recording.about)))["log"]
    assert log["version"] == "1.2"
    assert log["creator"]["name"]
    assert len(log["entries"]) == len(recording)
    for entry in log["entries"]:
        assert entry.keys() >= ENTRY
        assert entry["request"].keys() >= REQUEST
        assert entry["response"].keys() >= RESPONSE
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert entry["time"] == sum(entry["timings"].values()) >= 0
        own = {"_number", "_sender", "_receiver", "_error", "_fault", "_cause"}
        assert entry.keys() <= ENTRY | {"comment"} | own
        for message in (entry["request"], entry["response"]):
            assert all(header.keys() == {"name", "value"} for header in message["headers"])


def test_bodies_are_text_where_they_are_text_and_unpacked_where_they_were_packed(recording: Recording) -> None:
    entries = {entry["_number"]: entry for entry in dump_har(recording, about={})["log"]["entries"]}
    picture = next(one for one in recording if one.url.endswith(".png"))
    content = entries[picture.number]["response"]["content"]
    assert content["encoding"] == "base64"
    assert picture.answer is not None
    assert base64.b64decode(content["text"]) == picture.answer.body
    packed = next(one for one in recording if one.answer and one.answer.header("content-encoding"))
    assert packed.answer is not None
    response = entries[packed.number]["response"]
    assert orjson.loads(response["content"]["text"])["type"] == "Service"
    assert response["bodySize"] == len(packed.answer.body)
    assert response["content"]["size"] - response["bodySize"] == response["content"]["compression"]
    delivery = next(one for one in recording if one.url.endswith("/inbox"))
    posted = entries[delivery.number]["request"]["postData"]
    assert posted == {"mimeType": "application/activity+json", "text": delivery.request.text}


def test_a_request_without_an_answer_says_why(recording: Recording) -> None:
    lost = next(one for one in recording if one.failure)
    entry = dump_har([lost], about={})["log"]["entries"][0]
    assert entry["response"]["status"] == 0
    assert (entry["_error"], entry["_fault"], entry["_cause"]) == (lost.failure, lost.fault, lost.cause)


def test_the_query_is_taken_apart(recording: Recording) -> None:
    finger = next(one for one in recording if "webfinger" in one.url)
    entry = dump_har([finger], about={})["log"]["entries"][0]
    assert entry["request"]["queryString"] == [{"name": "resource", "value": "acct:alice@alpha.test"}]
