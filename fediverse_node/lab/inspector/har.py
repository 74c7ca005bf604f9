"""Exchanges as an HTTP archive, for every tool that reads one.

spec: HAR 1.2. Fields of our own begin with an underscore, as it asks; readers ignore them. Times are the world's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fediverse_node import __version__
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.content import clean, dump_bytes, moment_of, read_content, text_of

Entry = dict[str, Any]
_MOST_QUERY_FIELDS = 1000


def dump_har(exchanges: Iterable[Exchange], *, about: Mapping[str, Any]) -> dict[str, Any]:
    """The whole archive."""
    return {"log": {**har_head(about), "entries": [dump_entry(exchange) for exchange in exchanges]}}


def har_head(about: Mapping[str, Any]) -> dict[str, Any]:
    """All of `log` but its entries."""
    facts = ", ".join(f"{name} {value}" for name, value in about.items() if isinstance(value, str | int | float))
    head: dict[str, Any] = {"version": "1.2", "creator": {"name": "fediverse-node lab", "version": __version__}}
    return {**head, "comment": clean(facts)} if facts else head


def dump_entry(exchange: Exchange) -> Entry:
    """One entry. An exchange without an answer has status 0, as browsers write it, and `_error` says why."""
    took = max(0.0, float(exchange.took_ms))
    entry: Entry = {
        "startedDateTime": moment_of(exchange).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "time": took,
        "request": _request(exchange),
        "response": _response(exchange.answer),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "comment": f"exchange {exchange.number}",
        "_number": exchange.number,
        "_sender": clean(exchange.sender),
        "_receiver": clean(exchange.receiver),
    }
    for name, value in (("_error", exchange.failure), ("_fault", exchange.fault), ("_cause", exchange.cause)):
        if value:
            entry[name] = clean(value) if isinstance(value, str) else value
    return entry


def _request(exchange: Exchange) -> dict[str, Any]:
    message = exchange.request
    request: dict[str, Any] = {
        "method": clean(exchange.method),
        "url": clean(exchange.url),
        "httpVersion": clean(message.start.rpartition(" ")[2]) or "HTTP/1.1",
        "cookies": [],
        "headers": _headers(message),
        "queryString": _query(exchange.url),
        "headersSize": _headers_size(message),
        "bodySize": len(message.body),
    }
    if message.body:
        text = text_of(message.body)
        request["postData"] = {
            "mimeType": clean(message.header("content-type") or ""),
            "text": dump_bytes(message.body) if text is None else text,
        }
        if text is None:
            # HAR 1.2 knows encodings for answers only.
            request["postData"]["_encoding"] = "base64"
            request["postData"]["comment"] = "text is base64: the body is not text"
    return request


def _response(message: Message | None) -> dict[str, Any]:
    if message is None:
        empty = {"size": 0, "mimeType": "x-unknown"}
        return {
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [], "content": empty,
            "redirectURL": "", "headersSize": -1, "bodySize": -1,
        }  # fmt: skip
    version, _, rest = message.start.partition(" ")
    status, _, reason = rest.partition(" ")
    read = read_content(message).body
    text = text_of(read)
    content: dict[str, Any] = {
        "size": len(read),
        "mimeType": clean(message.header("content-type") or "x-unknown"),
        "text": dump_bytes(read) if text is None else text,
    }
    if text is None:
        content["encoding"] = "base64"
    if len(read) != len(message.body):
        content["compression"] = len(read) - len(message.body)
    return {
        "status": int(status) if status.isascii() and status.isdigit() else 0,
        "statusText": clean(reason),
        "httpVersion": clean(version),
        "cookies": [],
        "headers": _headers(message),
        "content": content,
        "redirectURL": clean(message.header("location") or ""),
        "headersSize": _headers_size(message),
        "bodySize": len(message.body),
    }


def _headers(message: Message) -> list[dict[str, str]]:
    return [{"name": clean(name), "value": clean(value)} for name, value in message.headers]


def _headers_size(message: Message) -> int:
    """From the first byte to the end of the empty line."""
    lines = [message.start, *(f"{name}: {value}" for name, value in message.headers), "", ""]
    return len("\r\n".join(lines).encode("utf-8", "surrogatepass"))


def _query(url: str) -> list[dict[str, str]]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        return []
    return [{"name": clean(name), "value": clean(value)} for name, value in pairs]
