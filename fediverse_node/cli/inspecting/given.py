"""What was given to be inspected: a document, a message on the wire, or a recording of many; found by its form.

Read are JSON documents, captures (`{"method", "target", "headers", "body", ...}`), exchanges and recordings of the lab,
and raw HTTP requests and answers as text with their heads. Does not interpret what a document says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.recording import FORMAT, RecordingError, parse_recording
from fediverse_node.protocol.reading import moment, number
from fediverse_node.signatures.request import Request

SIZE_LIMIT_BYTES = 64_000_000
_METHODS = (b"GET ", b"POST ", b"PUT ", b"DELETE ", b"PATCH ", b"HEAD ")


class GivenFault(Reason):
    """Why nothing can be inspected, and what to do."""

    NO_FILE = "the file cannot be read: check the name, and who may read it"
    TOO_LARGE = "the file is larger than 64 MB: cut out the message in question"
    EMPTY = "the file is empty: give it a JSON document, a captured message or a raw HTTP request"
    NOT_JSON = "the file is neither JSON nor an HTTP request: a request begins with a line like `POST /inbox HTTP/1.1`"
    NO_HOST = "the request has no Host header, so it is not known for whom it was signed: add the header"
    BAD_HEAD = "the head of the HTTP request cannot be read: each line needs a name, a colon and a value"
    BAD_RECORDING = "the recording cannot be read"


@dataclass(frozen=True, slots=True)
class Given:
    """One thing to inspect. `body` is what the document was read from; `document` is None where there is none.

    `fault` says why a body is no document. `request` is what carried it, as its receiver saw it, `sent_at` when.
    `url` is where an answer was found. `keys` are PEM texts that came along, for the key id or its owner.
    """

    name: str
    body: bytes = b""
    document: object = None
    fault: str = ""
    request: Request | None = None
    sent_at: datetime | None = None
    url: str | None = None
    keys: tuple[tuple[str, str], ...] = ()


def load_given(path: Path) -> tuple[Given, ...] | Fail:
    """All that a file holds; a recording holds many."""
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            return Fail(GivenFault.TOO_LARGE, str(path))
        data = path.read_bytes()
    except OSError as error:
        return Fail(GivenFault.NO_FILE, f"{path}: {error.strerror}")
    return read_given(data, name=str(path))


def read_given(data: bytes, *, name: str) -> tuple[Given, ...] | Fail:
    """All that these bytes hold. Never raises."""
    if not data.strip():
        return Fail(GivenFault.EMPTY, name)
    if data.startswith(_METHODS) or data.startswith(b"HTTP/"):
        given = _read_raw(data, name)
        return given if isinstance(given, Fail) else (given,)
    first = data.split(b"\n", 1)[0]
    if FORMAT.partition("/")[0].encode() in first[:200]:
        return _read_recording(data, name)
    document = _parse(data)
    if isinstance(document, Fail):
        return document
    if isinstance(document, dict) and (carried := _carried(document, name)) is not None:
        return carried if isinstance(carried, Fail) else (carried,)
    return (Given(name, data, document),)


def _parse(data: bytes) -> object | Fail:
    try:
        found: object = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
        return found
    except orjson.JSONDecodeError as error:
        return Fail(GivenFault.NOT_JSON, str(error)[:200])


def _with_document(given: dict[str, Any], body: bytes) -> Given:
    """The same with the document of its body, or with why there is none."""
    if not body.strip():
        return Given(**given, body=body, fault="the message has no body, so there is no document to read")
    found = _parse(body)
    if isinstance(found, Fail):
        return Given(**given, body=body, fault=f"the body is not JSON ({found.detail})")
    return Given(**given, body=body, document=found)


def _carried(document: dict[str, Any], name: str) -> Given | Fail | None:
    """The message that a file of JSON describes; None where it is just a document."""
    if isinstance(document.get("request"), dict) and "receiver" in document:
        try:
            return _of_exchange(Exchange.from_json(document), name)
        except ValueError as error:
            return Fail(GivenFault.BAD_RECORDING, str(error)[:200])
    has_head = isinstance(document.get("headers"), list | dict)
    if not has_head or "type" in document or not isinstance(document.get("body", ""), str):
        return None
    body = document.get("body", "").encode("utf-8", "surrogatepass")
    pem, owner = document.get("publicKeyPem"), document.get("actor")
    keys = ((owner, pem),) if isinstance(pem, str) and isinstance(owner, str) else ()
    if not isinstance(document.get("method"), str) or not isinstance(document.get("target"), str):
        return _with_document({"name": name, "keys": keys}, body) if "status" in document else None
    headers = tuple((key.lower(), value) for key, value in _pairs(document["headers"]))
    host = dict(headers).get("host")
    if host is None:
        return Fail(GivenFault.NO_HOST, name)
    scheme = "https" if document.get("scheme") == "https" else "http"
    request = Request(document["method"].upper(), f"{scheme}://{host}{document['target']}", headers, body)
    seconds = number(document.get("captured_at"))
    sent_at = datetime.fromtimestamp(seconds, UTC) if seconds is not None else moment(document.get("captured"))
    given = {"name": name, "request": request, "sent_at": sent_at, "keys": keys}
    answer = document.get("response")
    if not body and isinstance(answer, Mapping) and isinstance(answer.get("body"), str):
        return _with_document({**given, "url": request.url}, answer["body"].encode("utf-8", "surrogatepass"))
    return _with_document(given, body)


def _pairs(headers: list[Any] | dict[str, Any]) -> Iterator[tuple[str, str]]:
    items = headers.items() if isinstance(headers, dict) else headers
    for item in items:
        if isinstance(item, list | tuple) and len(item) == 2 and all(isinstance(part, str) for part in item):
            yield item[0], item[1]


def _of_exchange(exchange: Exchange, name: str) -> Given:
    message = exchange.request
    headers = tuple((key.lower(), value) for key, value in message.headers)
    request = Request(exchange.method, exchange.url, headers, message.body)
    sent_at = datetime.fromtimestamp(exchange.at_ms / 1000, UTC)
    given: dict[str, Any] = {"name": name, "request": request, "sent_at": sent_at}
    if exchange.method == "GET" and exchange.answer is not None:
        return _with_document({**given, "url": exchange.url}, exchange.answer.body)
    return _with_document(given, message.body)


def _read_recording(data: bytes, name: str) -> tuple[Given, ...] | Fail:
    try:
        recording = parse_recording(data.split(b"\n")[: None if data.endswith(b"}") else -1], name=name)
    except RecordingError as error:
        return Fail(GivenFault.BAD_RECORDING, str(error)[:300])
    return tuple(_of_exchange(exchange, f"{name} #{exchange.number}") for exchange in recording)


def _read_raw(data: bytes, name: str) -> Given | Fail:
    """An HTTP message as text. Line ends may be those of an editor; the body is taken as it stands."""
    ends = [position for mark in (b"\r\n\r\n", b"\n\n") if (position := data.find(mark)) >= 0]
    end = min(ends, default=len(data))
    body = data[end:].removeprefix(b"\r\n\r\n").removeprefix(b"\n\n")
    first, *lines = data[:end].decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    headers: list[tuple[str, str]] = []
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon or not key.strip():
            return Fail(GivenFault.BAD_HEAD, line[:100])
        headers.append((key.strip().lower(), value.strip()))
    stated = dict(headers).get("content-length", "")
    # Editors end a file with a line end that was not sent.
    if stated.isdigit() and int(stated) < len(body) and not body[int(stated) :].strip():
        body = body[: int(stated)]
    words = first.split(" ")
    if words[0].startswith("HTTP/"):
        return _with_document({"name": name}, body)
    target = words[1] if len(words) > 1 else "/"
    host = dict(headers).get("host")
    if not target.startswith("/"):
        url = target
    elif host is None:
        return Fail(GivenFault.NO_HOST, name)
    else:
        url = f"https://{host}{target}"
    return _with_document({"name": name, "request": Request(words[0], url, tuple(headers), body)}, body)
