"""Whatever anybody sends, to any address and in any document: it is refused or understood, never broken, never slow.

A node on a real socket, requests written byte by byte. No answer is a 5xx but 503 with a reason (a busy house), and
nothing is logged with a traceback.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.effects import Refuse
from fediverse_node.outbox.draft import Draft
from tests.fake_peer import AS2, PUBLIC, FakePeer, Person, fake_peer
from tests.inprocess import Running, running_node

pytestmark = pytest.mark.timeout(240)
T = TypeVar("T")
_PATIENCE_S = 20.0
THOROUGH = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class _Tracebacks(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or "Traceback" in record.getMessage():
            self.kept.append(f"{record.name}: {logging.Formatter('%(message)s').format(record)}")


@dataclass(repr=False)
class Target:
    """A node in a loop of its own, with alice, who has an app and said something, and mallory elsewhere."""

    loop: asyncio.AbstractEventLoop
    home: Running
    peer: FakePeer
    token: str
    post: str
    tracebacks: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return "target"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_PATIENCE_S * 2)

    @property
    def mallory(self) -> Person:
        return self.peer.person("mallory")

    async def knock(self, request: bytes) -> int:
        """The status of the answer to these very bytes; 0 if the connection is closed without one."""
        port = int(self.home.base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            async with asyncio.timeout(_PATIENCE_S):
                line = await reader.readline()
                while line.startswith(b"HTTP/1.1 1") and b" 101 " not in line:
                    line = await reader.readline()
                    while line and not line.startswith(b"HTTP/"):
                        line = await reader.readline()
        except ConnectionError:
            return 0
        finally:
            writer.close()
        return int(line.split()[1]) if line.startswith(b"HTTP/") else 0

    async def send(self, body: bytes) -> int:
        """An activity of mallory's, signed."""
        return await self.peer.deliver(self.mallory, f"{self.home.base_url}/inbox", body)

    def assert_well(self) -> None:
        """Nothing was logged with a traceback since this was asked last."""
        found, self.tracebacks[:] = list(self.tracebacks), []
        assert not found, found[0]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made: list[Target] = []
    stop: asyncio.Event = asyncio.Event()
    ready = threading.Event()

    async def run(folder: Path) -> None:
        try:
            async with running_node(folder, RATE_LIMITS="false") as home, fake_peer() as peer:
                registration = home.node.core.registration
                alice = await registration.create("alice", "alice@example.org", reserved_allowed=True)
                assert not isinstance(alice, Fail)
                token = await registration.token(alice.user_id, "read write follow push profile")
                said = await home.node.outbox.post(alice.actor_id, Draft("Hello #sea"))
                assert not isinstance(said, Refuse)
                post = f"{home.base_url}/users/alice/statuses/{said}"
                made.append(Target(loop, home, peer, token, post))
                ready.set()
                await stop.wait()
        finally:
            ready.set()

    errors = _Tracebacks()
    logging.getLogger().addHandler(errors)
    try:
        with tempfile.TemporaryDirectory() as folder:
            running = asyncio.run_coroutine_threadsafe(run(Path(folder)), loop)
            ready.wait(60)
            if not made:
                running.result(1)
            made[0].tracebacks = errors.kept
            yield made[0]
            loop.call_soon_threadsafe(stop.set)
            running.result(60)
    finally:
        logging.getLogger().removeHandler(errors)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


# Requests

_SEGMENTS = (
    "alice",
    "1",
    "-1",
    "0",
    "99999999999999999999999",
    "1e5",
    "%00",
    "%ff",
    "%ED%A0%80",
    "..",
    "%2e%2e%2f",
    "a" * 3000,
    "%F0%9F%90%9F",
    "alice%2F",
    "null",
    "%20",
    "alice.rss",
    "@alice",
    "2.1",
    "*",
    "%",
    "%zz",
    ";x=1",
    "alice%0d%0aX:1",
)
_PARAMETERS = (
    "page",
    "max_id",
    "min_id",
    "since_id",
    "limit",
    "offset",
    "resource",
    "rel",
    "q",
    "type",
    "resolve",
    "local",
    "id",
    "id[]",
    "ids[]",
    "access_token",
    "stream",
    "tag",
    "list",
    "acct",
    "uri",
    "url",
    "show",
    "format",
    "types[]",
    "exclude_types[]",
    "any[]",
    "all[]",
    "code",
    "state",
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "lang",
    "with_suspended",
    "timeline[]",
    "home[last_read_id]",
    "media_ids[]",
    "poll[options][]",
    "a[b][c][d][e][f][g][h][i][j]",
    "x[",
    "[]",
)
_VALUES = (
    "",
    "1",
    "-1",
    "0",
    "true",
    "99999999999999999999999",
    "1e999",
    "NaN",
    "%00",
    "%ff",
    "%ED%A0%80",
    "a" * 2000,
    "acct:alice@",
    "acct:",
    "acct:%00@%00",
    "https://[::1",
    "http://127.0.0.1:1/x",
    "%F0%9F%90%9F",
    "next",
    "../../etc/passwd",
    "'",
    "%25",
    "2026-01-01T00:00:00Z",
    "9999999-99-99",
    "@alice",
    "%23sea",
    "user",
    "public",
    "hashtag",
    "%5B%5D",
    "{}",
    '"',
    "1%2C2",
)
_HEADERS: dict[str, tuple[str, ...]] = {
    "Accept": (
        "application/activity+json",
        "text/html",
        "*/*;q=x",
        ",,,",
        "a" * 5000,
        'application/ld+json;profile="',
        ";",
        "\xff",
    ),
    "Accept-Language": ("de", "*", ";;;", "x" * 3000),
    "Authorization": (
        "Bearer",
        "Bearer \xff",
        "Basic Og==",
        "Basic \xff",
        'Signature keyId="x"',
        "Signature ",
        "x" * 5000,
    ),
    "Signature": (
        "",
        "keyId=",
        'keyId="http://127.0.0.1:1/x",headers="date",signature="!!"',
        "sig1=:AAAA:",
        "(((",
        "\xff",
        '="' * 500,
    ),
    "Signature-Input": (
        "",
        'sig1=("@method";created=1',
        "sig1=();created=99999999999999999999",
        "sig1=1",
        '=("@method")',
        "\xff",
    ),
    "Digest": ("", "SHA-256=", "SHA-256=!!", "sha-999=x", "=" * 100),
    "Content-Digest": ("", "sha-256=:!!:", "sha-256", "((("),
    "Date": ("", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT"),
    "Host": ("", "x", "a:b:c", "[::1", "\xff", "evil.example"),
    "Content-Type": (
        "application/activity+json",
        "application/json",
        "application/json; charset=nonsense",
        "application/json; charset=utf-7",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + "y" * 300,
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-16",
        ";",
        "\xff",
        "image/png",
    ),
    "Content-Encoding": ("gzip", "identity", "br", "x"),
    "If-None-Match": ('"x"', "W/", "*", "\xff", "," * 500),
    "If-Modified-Since": ("never", "Thu, 01 Jan 1970 00:00:00 GMT"),
    "Range": ("bytes=0-", "bytes=-1", "bytes=5-1", "bytes=99999999999999999999-", "x"),
    "Cookie": ("session=x", "=;=;=", "\xff", "_=" + "z" * 4000),
    "Origin": ("null", "https://evil.example", "\xff"),
    "X-Forwarded-Host": ("evil.example",),
    "X-Forwarded-Proto": ("gopher",),
    "Idempotency-Key": ("", "x" * 5000, "\xff"),
    "Expect": ("100-continue", "nonsense"),
    "Upgrade": ("websocket", "h2c"),
    "Sec-WebSocket-Key": ("x", "dGhlIHNhbXBsZSBub25jZQ=="),
    "Sec-WebSocket-Version": ("13", "x"),
    "Sec-WebSocket-Protocol": ("\xff", "a, b"),
    "Collection-Synchronization": ("x", 'collectionId="http://127.0.0.1:1/f", url="", digest="zz"', "\xff"),
    "Prefer": ("respond-async, wait=x",),
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X")
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "\0",
            "\ud800",
            "a" * 100_000,
            2**63,
            -(2**63),
            2**64,
            1e308,
            float("nan"),
            float("-inf"),
            PUBLIC,
            AS2,
            "Note",
        ]
    ),
)
_WORDS = st.sampled_from(
    [
        "status",
        "visibility",
        "media_ids",
        "poll",
        "options",
        "expires_in",
        "in_reply_to_id",
        "scheduled_at",
        "spoiler_text",
        "language",
        "username",
        "email",
        "password",
        "client_name",
        "redirect_uris",
        "scopes",
        "fields_attributes",
        "data",
        "subscription",
        "endpoint",
        "keys",
        "type",
        "id",
        "actor",
        "object",
        "@context",
        "to",
        "cc",
        "content",
        "attributedTo",
        "title",
        "context",
        "keywords_attributes",
        "home",
        "last_read_id",
        "account_ids",
        "comment",
        "phrase",
        "duration",
        "focus",
        "description",
        "grant_type",
        "code",
        "token",
    ]
)
ANY_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(_WORDS, st.text(max_size=6)), inner, max_size=6)
    ),
    max_leaves=15,
)
_DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
BODIES = st.one_of(
    st.binary(max_size=200),
    ANY_JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [
            b"",
            b"{",
            b"[]",
            b"null",
            _DEEP,
            b"[" * 5000,
            b'{"a":1,"a":2,"type":"Like","type":"Undo"}',
            b'"\\ud800"',
            b"\xef\xbb\xbf{}",
            b"status=%ff&poll[options][]=a&poll[options][]=%00",
            b"a[b][c]=1&a[b]=2&a=3",
            b"&&&=&=",
            b"--x\r\n\r\n--x--\r\n",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
            b"Content-Type: image/png\r\n\r\nGIF89a\r\n--x--\r\n",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff\x00"\r\n\r\n\x89PNG\r\n'
            b"\x1a\n\r\n--x--\r\n",
            b"\x1f\x8b\x08\x00garbage",
            b"x" * 1_200_000,
        ]
    ),
)
HEADERS = st.lists(
    st.sampled_from(sorted(_HEADERS)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(_HEADERS[name]))),
    max_size=4,
)
_numbers = itertools.count()


@st.composite
def _queries(draw: st.DrawFn) -> str:
    pairs = draw(st.lists(st.tuples(st.sampled_from(_PARAMETERS), st.sampled_from(_VALUES)), max_size=3))
    return "&".join(f"{name}={value}".replace(" ", "+").replace('"', "%22") for name, value in pairs)


def written(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """A request, byte by byte."""
    number = next(_numbers)
    # Each comes from somebody else: how often one may ask is another subject.
    said = [("X-Forwarded-For", f"198.51.{number // 250 % 250}.{number % 250}"), ("Connection", "close"), *headers]
    if not any(name == "Host" for name, _ in said):
        said.append(("Host", "127.0.0.1"))
    head = "".join(f"{name}: {value}\r\n" for name, value in said).encode("latin-1")
    return f"{method} {path} HTTP/1.1\r\n".encode("latin-1") + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def paths_of(target: Target) -> list[tuple[str, str]]:
    """Method and path of every route, as the router has them."""
    found = {
        (route.method, route.resource.canonical)
        for route in target.home.node.app.router.routes()
        if route.resource is not None and route.method != "*"
    }
    assert len(found) > 100
    return sorted(found)


def filled(path: str, segment: str) -> str:
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + segment + rest.partition("}")[2]
    return path


def judged(target: Target, request: bytes, status: int) -> None:
    assert status < 500 or status in (501, 503, 505), (status, request[:600])
    target.assert_well()


@given(
    data=st.data(),
    query=_queries(),
    headers=HEADERS,
    body=BODIES,
    segment=st.sampled_from(_SEGMENTS),
    signed_in=st.booleans(),
)
@THOROUGH
def test_no_request_breaks_anything(
    target: Target,
    data: st.DataObject,
    query: str,
    headers: list[tuple[str, str]],
    body: bytes,
    segment: str,
    signed_in: bool,
) -> None:
    """Every route, with its own method or another, with and without a token."""
    own, path = data.draw(st.sampled_from(paths_of(target)))
    method = data.draw(st.sampled_from((own, own, own, *_METHODS)))
    if path in ("/oauth/revoke", "/api/v1/accounts") and signed_in:
        signed_in = False
    more = (
        [("Authorization", f"Bearer {target.token}")]
        if signed_in and not any(n == "Authorization" for n, _ in headers)
        else []
    )
    request = written(method, f"{filled(path, segment)}{'?' + query if query else ''}", [*headers, *more], body)
    judged(target, request, target.do(target.knock(request)))


def test_every_route_answers_each_kind_of_garbage(target: Target) -> None:
    """Each route once with each odd segment, and with each body that is no use to it: what chance may leave out."""

    async def all_of() -> None:
        token = [("Authorization", f"Bearer {target.token}"), ("Content-Type", "application/json")]
        bodies = (b"[]", b'{"status":{},"media_ids":{"a":1},"poll":[],"id":[[]],"data":7,"subscription":[]}', b"\xff")
        for method, path in paths_of(target):
            if path in ("/oauth/revoke",) or method == "HEAD":
                continue
            segments = _SEGMENTS[1:11] if "{" in path else ("",)
            for segment in segments:
                request = written(method, filled(path, segment), token, b"{}")
                judged(target, request, await target.knock(request))
            for body in bodies if method in ("POST", "PUT", "PATCH", "DELETE") else ():
                request = written(method, filled(path, "1"), token, body)
                judged(target, request, await target.knock(request))

    asyncio.run_coroutine_threadsafe(all_of(), target.loop).result(200)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"GET /@alice HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
        b"GET /@alice HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /@alice HTTP/9.9\r\nHost: x\r\n\r\n",
        # Each of these was once answered with 500, or filled the log.
        b"GET /api/v1/timelines/home HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\ngarbage",
        b"POST /api/v2/media HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\ngarbage",
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}zz\r\nqq\r\n",
    ],
    ids=lambda value: ascii(value[:60]),
)
def test_what_is_hardly_http_breaks_nothing(target: Target, request_: bytes) -> None:
    judged(target, request_, target.do(target.knock(request_)))


# Activities

_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        2**63,
        1e308,
        "",
        "x",
        "\0",
        "\ud800",
        "http://[",
        "acct:",
        "as:Public",
        [],
        {},
        [None],
        [[]],
        [[[1]]],
        {"id": []},
        {"@value": {}},
        {"@list": [{}]},
        {"type": {}},
        "a" * 50_000,
        ["x"] * 2000,
        {"id": "http://127.0.0.1:1/x", "type": ["Note", 7]},
        {"und": 5},
        float("nan"),
        "\u202e",
        "9999-99-99T99:99:99Z",
        "0000-00-00",
        "https://node.example/" + "a" * 5000,
        {"href": ["http://127.0.0.1:1/"]},
    ]
)


def _seeds(target: Target) -> list[dict[str, Any]]:
    peer, mallory, alice = target.peer, target.mallory, f"{target.home.base_url}/users/alice"
    tags = [
        {"type": "Mention", "href": alice, "name": "@alice"},
        {"type": "Hashtag", "name": "#sea", "href": "http://127.0.0.1:1/t"},
        {
            "type": "Emoji",
            "name": ":x:",
            "icon": {"type": "Image", "url": "http://127.0.0.1:1/x.png"},
            "updated": "2026-01-01T00:00:00Z",
        },
        {
            "type": "Link",
            "href": target.post,
            "mediaType": "application/activity+json",
            "rel": "https://w3id.org/fep/044f#quote",
        },
    ]
    note = {
        "id": f"{mallory.uri}/n/{next(_numbers)}",
        "type": "Note",
        "attributedTo": mallory.uri,
        "to": [PUBLIC],
        "cc": [alice],
        "content": "<p>hi</p>",
        "contentMap": {"de": "<p>hi</p>"},
        "summary": "w",
        "sensitive": True,
        "inReplyTo": target.post,
        "published": "2026-01-01T00:00:00Z",
        "updated": "2026-01-02T00:00:00Z",
        "tag": tags,
        "url": [{"type": "Link", "href": "http://127.0.0.1:1/"}],
        "attachment": [
            {
                "type": "Document",
                "mediaType": "image/png",
                "url": "http://127.0.0.1:1/i.png",
                "focalPoint": [0, 0],
                "width": 1,
                "blurhash": "x",
            }
        ],
        "replies": {"type": "Collection", "first": {"type": "CollectionPage", "items": []}},
        "context": "http://127.0.0.1:1/c",
        "conversation": "tag:x",
        "quote": target.post,
        "quoteAuthorization": "http://127.0.0.1:1/s",
        "interactionPolicy": {"canQuote": {"automaticApproval": [PUBLIC]}},
        "source": {"content": "x", "mediaType": "text/x.misskeymarkdown"},
        "likes": {"type": "Collection", "totalItems": 3},
        "generator": {"name": "x"},
    }
    question = {
        **note,
        "type": "Question",
        "oneOf": [{"type": "Note", "name": "a", "replies": {"totalItems": 1}}],
        "endTime": "2027-01-01T00:00:00Z",
        "votersCount": 2,
    }
    event = {
        **note,
        "type": "Event",
        "startTime": "2027-01-01T00:00:00Z",
        "location": {"type": "Place", "name": "x", "address": {"street": "y"}},
        "name": "E",
    }
    video = {
        **note,
        "type": "Video",
        "duration": "PT1H",
        "url": [{"type": "Link", "mediaType": "video/mp4", "href": "http://127.0.0.1:1/v", "tag": []}],
        "icon": {"url": "x"},
    }
    actor = dict(peer.documents[mallory.uri]) | {
        "icon": {"type": "Image", "url": "http://127.0.0.1:1/a.png"},
        "attachment": [{"type": "PropertyValue", "name": "a", "value": "b"}],
        "featured": "http://127.0.0.1:1/f",
        "alsoKnownAs": [],
        "movedTo": alice,
        "endpoints": {"sharedInbox": "http://127.0.0.1:1/i"},
        "tag": tags,
        "implements": [{"href": "x"}],
        "assertionMethod": [],
    }
    follow = {"type": "Follow", "id": f"{mallory.uri}/f", "actor": mallory.uri, "object": alice}
    objects: list[tuple[str, object, dict[str, Any]]] = [
        ("Create", note, {}),
        ("Create", question, {}),
        ("Create", event, {}),
        ("Create", video, {}),
        ("Update", note, {}),
        ("Update", actor, {}),
        ("Follow", alice, {}),
        ("Like", target.post, {"content": ":x:", "tag": tags}),
        ("Announce", target.post, {"to": [PUBLIC], "published": "2026-01-01T00:00:00Z"}),
        ("Announce", {"type": "Create", "actor": mallory.uri, "object": note, "id": "http://127.0.0.1:1/c"}, {}),
        ("Undo", follow, {}),
        ("Accept", follow, {"result": "http://127.0.0.1:1/s"}),
        ("Reject", follow, {}),
        ("Block", alice, {}),
        ("Flag", [alice, target.post], {"content": "spam"}),
        ("Move", mallory.uri, {"target": alice}),
        ("Add", target.post, {"target": f"{mallory.uri}/collections/featured"}),
        ("Remove", target.post, {"target": f"{mallory.uri}/collections/featured"}),
        ("Delete", {"type": "Tombstone", "id": note["id"]}, {}),
        ("EmojiReact", target.post, {"content": "🐟"}),
        ("QuoteRequest", target.post, {"instrument": note}),
        ("Dislike", target.post, {}),
        ("Join", alice, {}),
        ("Leave", alice, {}),
        ("Invite", alice, {"target": alice}),
        ("View", target.post, {}),
        ("Listen", target.post, {}),
        ("Ignore", alice, {}),
        ("Offer", follow, {}),
        ("Lock", target.post, {}),
        ("ReplyRequest", target.post, {"instrument": note}),
        ("LikeRequest", target.post, {"instrument": note}),
    ]
    return [peer.activity(mallory, kind, what, **{"to": [alice], **more}) for kind, what, more in objects]


def spots_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    found: list[tuple[str | int, ...]] = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += spots_of(inner, (*path, key))
    return found


def changed_at(value: Any, path: tuple[str | int, ...], odd: object) -> Any:
    if not path:
        return odd
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed_at(value[path[0]], path[1:], odd)
    return copy


async def _settled(target: Target) -> None:
    for worker in (target.home.node.staging.requests, target.home.node.staging.fetches):
        worker.wake()
    await asyncio.sleep(0)


@given(data=st.data())
@THOROUGH
def test_no_activity_breaks_anything(target: Target, data: st.DataObject) -> None:
    """Real activities of every kind, signed, with something odd in one place or two."""
    activity = data.draw(st.sampled_from(_seeds(target)))
    for _ in range(data.draw(st.integers(1, 3))):
        spots = [spot for spot in spots_of(activity) if spot != ("actor",)]
        activity = changed_at(activity, data.draw(st.sampled_from(spots)), data.draw(_ODD))
        if not isinstance(activity, dict):
            return
    body = json.dumps(activity).encode()
    started = time.monotonic()
    status = target.do(target.send(body))
    assert status < 500 or status == 503, body[:2000]
    assert time.monotonic() - started < _PATIENCE_S
    target.do(_settled(target))
    target.assert_well()


def test_every_field_of_every_activity_may_be_anything(target: Target) -> None:
    """Each place of each document once with a few values: what chance may leave out."""

    async def all_of() -> None:
        for activity in _seeds(target):
            for number, spot in enumerate(spots_of(activity)):
                if spot == ("actor",):
                    continue
                odd: object = (None, 7, [[]], {"id": []}, "x", [{}, "http://127.0.0.1:1/x"])[number % 6]
                body = json.dumps({**changed_at(activity, spot, odd), "n": next(_numbers)}).encode()
                status = await target.send(body)
                assert status < 500 or status == 503, (status, body[:2000])
                target.assert_well()

    asyncio.run_coroutine_threadsafe(all_of(), target.loop).result(220)


@given(data=st.data())
@THOROUGH
def test_no_document_that_is_fetched_breaks_anything(target: Target, data: st.DataObject) -> None:
    """Actors, posts, keys and WebFinger answers, odd in places."""
    peer = target.peer
    uri = f"{peer.base_url}/odd/{next(_numbers)}"
    kind = data.draw(st.sampled_from(("actor", "object", "handle", "any")))
    document: Any = (
        dict(peer.documents[target.mallory.uri])
        if kind == "actor"
        else next(seed["object"] for seed in _seeds(target) if isinstance(seed["object"], dict))
    )
    document = {"@context": AS2, **document, "id": uri}
    for _ in range(data.draw(st.integers(1, 3))):
        spots = [spot for spot in spots_of(document) if spot != ("id",)]
        document = changed_at(document, data.draw(st.sampled_from(spots)), data.draw(_ODD))
    if kind == "any":
        document = data.draw(ANY_JSON)
    served = json.dumps(document).encode()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=served, headers={"Content-Type": "application/activity+json"})

    async def ask() -> None:
        honest = peer.answer_get
        peer.answer_get = answer  # type: ignore[method-assign]
        try:
            gatherer = target.home.node.gatherer
            if kind == "handle":
                await gatherer.handle("mallory", peer.host)
            elif kind == "actor":
                await gatherer.actor(uri)
            else:
                await gatherer.object(uri)
        finally:
            peer.answer_get = honest  # type: ignore[method-assign]

    target.do(ask())
    target.assert_well()
