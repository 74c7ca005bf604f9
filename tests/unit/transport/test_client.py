"""The client against a hostile network, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Headers, Response
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.resolver import AddressRefused, GuardedResolver, guarded_socket_factory
from tests.unit.transport.conftest import ClientMaker
from tests.unit.transport.scripted_server import Exchange, ScriptedServer

Outcome = Response | Fail | TemporaryFail


def fault(outcome: Outcome) -> FetchFault:
    assert not isinstance(outcome, Response), outcome
    assert isinstance(outcome.reason, FetchFault)
    return outcome.reason


def redirect(location: str, status: int = 302) -> Callable[[Exchange], Awaitable[None]]:
    async def script(exchange: Exchange) -> None:
        await exchange.answer(status, location=location)

    return script


def says(body: bytes, status: int = 200, **headers: str) -> Callable[[Exchange], Awaitable[None]]:
    async def script(exchange: Exchange) -> None:
        await exchange.answer(status, body, **headers)

    return script


async def get(client: Client, url: str, **options: object) -> Outcome:
    return await client.get(url, accept="application/json", **options)  # type: ignore[arg-type]


# ---- what works ----------------------------------------------------------------------------------


async def test_an_answer_has_status_headers_body_and_final_address(client: Client, server: ScriptedServer) -> None:
    server.scripts["/a"] = redirect("/b?x=%7e#there")
    server.scripts["/b"] = says(b"hello", 201, Content_Type="text/plain", Set_Cookie="a=1", Retry_After="7")
    outcome = await get(client, server.url("/a#fragment"), headers=[("X-Once", "1")])
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.body, outcome.content_type) == (201, b"hello", "text/plain")
    assert outcome.url == server.url("/b?x=%7e")
    assert outcome.retry_after_s(datetime.now(UTC)) == 7
    assert server.paths() == ["/a", "/b?x=%7e"]
    first, second = server.asked
    assert first.headers["user-agent"] == "fediverse_node/1.0 (+http://127.0.0.1:8420/)"
    assert first.headers["accept"] == "application/json"
    assert "x-once" in first.headers
    assert "x-once" not in second.headers


async def test_cookies_are_never_kept(client: Client, server: ScriptedServer) -> None:
    server.scripts["/"] = says(b"", Set_Cookie="session=1; Path=/")
    for _ in range(2):
        await get(client, server.url("/"))
    assert "cookie" not in server.asked[1].headers


async def test_proxy_settings_of_the_environment_are_ignored(
    client: Client, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.scripts["/"] = says(b"direct")
    outcome = await get(client, server.url("/"))
    assert isinstance(outcome, Response)
    assert outcome.body == b"direct"


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
async def test_compressed_answers_are_inflated(
    client: Client, server: ScriptedServer, encode: Callable[[bytes], bytes]
) -> None:
    name = "gzip" if encode is gzip.compress else "deflate"
    server.scripts["/"] = says(encode(b"x" * 5000), Content_Encoding=name)
    outcome = await get(client, server.url("/"), max_bytes=5000)
    assert isinstance(outcome, Response)
    assert outcome.body == b"x" * 5000


async def test_a_name_of_the_simulated_internet_leads_to_its_server(
    make_client: ClientMaker, server: ScriptedServer
) -> None:
    asked: list[tuple[str, int]] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    server.scripts["/"] = says(b"ok")
    outcome = await get(make_client(resolver=resolver), server.url("/", host="social.test"))
    assert isinstance(outcome, Response)
    assert outcome.body == b"ok"
    assert asked == [("social.test", server.port)]
    assert server.asked[0].headers["host"] == f"social.test:{server.port}"


async def test_each_hop_is_asked_for_its_own_headers(client: Client, server: ScriptedServer) -> None:
    server.scripts["/a"] = redirect("/b")
    server.scripts["/b"] = says(b"")

    async def sign(url: str) -> Headers:
        return [("Signature", f"for {url}")]

    await get(client, server.url("/a"), hop_headers=sign)
    assert [e.headers["signature"] for e in server.asked] == [f"for {server.url('/a')}", f"for {server.url('/b')}"]


# ---- redirects -----------------------------------------------------------------------------------


async def test_three_redirects_are_followed_and_a_fourth_is_not(client: Client, server: ScriptedServer) -> None:
    for hop in range(5):
        server.scripts[f"/{hop}"] = redirect(f"/{hop + 1}")
    server.scripts["/5"] = says(b"end")
    assert isinstance(await get(client, server.url("/2")), Response)
    server.asked.clear()
    assert fault(await get(client, server.url("/1"))) is FetchFault.TOO_MANY_REDIRECTS
    assert server.paths() == ["/1", "/2", "/3", "/4"]


async def test_a_redirect_to_itself_ends_at_once(client: Client, server: ScriptedServer) -> None:
    server.scripts["/"] = redirect("/")
    assert fault(await get(client, server.url("/"))) is FetchFault.TOO_MANY_REDIRECTS
    assert server.paths() == ["/"]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://10.0.0.1/", FetchFault.ADDRESS_REFUSED),
        ("http://169.254.169.254/latest/meta-data", FetchFault.ADDRESS_REFUSED),
        ("http://[::ffff:7f00:1]/", FetchFault.ADDRESS_REFUSED),
        ("http://0.0.0.0/", FetchFault.ADDRESS_REFUSED),
        ("http://0177.0.0.1/", FetchFault.BAD_URL),
        ("http://2130706433/", FetchFault.BAD_URL),
        ("http://0x7f.0.0.1/", FetchFault.BAD_URL),
        ("http://user:secret@127.0.0.1/", FetchFault.BAD_URL),
        ("https://127.0.0.1/", FetchFault.REDIRECT_REFUSED),
        ("file:///etc/passwd", FetchFault.SCHEME),
        ("ftp://127.0.0.1/", FetchFault.SCHEME),
        ("gopher://127.0.0.1/", FetchFault.SCHEME),
        ("javascript:alert(1)", FetchFault.SCHEME),
        ("http://[", FetchFault.BAD_URL),
        ("http://127.0.0.1:99999/", FetchFault.BAD_URL),
        ("http://exa mple/", FetchFault.BAD_URL),
        ("http://127.0.0.1:8420/users/me", FetchFault.OWN_ORIGIN),
    ],
)
async def test_a_redirect_to_a_forbidden_place_is_refused_before_it_is_asked(
    client: Client, server: ScriptedServer, location: str, expected: FetchFault
) -> None:
    server.scripts["/"] = redirect(location)
    assert fault(await get(client, server.url("/"))) is expected
    assert server.paths() == ["/"]


async def test_a_redirect_in_bytes_that_are_no_text_leads_nowhere(client: Client, server: ScriptedServer) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 302 X\r\nLocation: /\xff\xfe\r\nContent-Length: 0\r\n\r\n")

    server.scripts["/"] = script
    outcome = await get(client, server.url("/"))
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.url) == (404, server.url("/%EF%BF%BD%EF%BF%BD"))


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1"])
async def test_a_name_that_resolves_to_a_private_address_is_refused(make_client: ClientMaker, address: str) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return [address]

    outcome = await get(make_client(resolver=resolver), "http://innocent.test/")
    assert fault(outcome) is FetchFault.ADDRESS_REFUSED
    assert "DEVELOPMENT" in str(outcome)
    assert address in str(outcome)


async def test_in_production_a_name_that_resolves_to_loopback_is_refused(make_client: ClientMaker) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "::1"]

    client = make_client(development=False, resolver=resolver)
    assert fault(await get(client, "https://innocent.example/")) is FetchFault.ADDRESS_REFUSED


async def test_refused_addresses_are_dropped_before_a_connection_is_tried() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "1.1.1.1", "127.0.0.1", "2606:4700:4700::1111"]

    found = await GuardedResolver(resolver, loopback_allowed=False).resolve("mixed.test", 443)
    assert [(entry["host"], entry["port"]) for entry in found] == [("1.1.1.1", 443), ("2606:4700:4700::1111", 443)]


async def test_of_several_addresses_only_the_allowed_are_tried(
    make_client: ClientMaker, server: ScriptedServer
) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "fd00::1", "127.0.0.1"]

    server.scripts["/"] = says(b"ok")
    assert isinstance(await get(make_client(resolver=resolver), server.url("/", host="mixed.test")), Response)


async def test_a_name_that_moves_to_a_private_address_between_hops_is_caught(
    make_client: ClientMaker, server: ScriptedServer
) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == "first.test" else ["192.168.0.1"]

    server.scripts["/"] = redirect(server.url("/secret", host="second.test"))
    outcome = await get(make_client(resolver=resolver), server.url("/", host="first.test"))
    assert fault(outcome) is FetchFault.ADDRESS_REFUSED
    assert server.paths() == ["/"]


async def test_a_name_that_is_rebound_after_its_first_use_is_caught_at_the_next_connection(
    make_client: ClientMaker, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_node.transport.client._DNS_CACHE_S", 0)
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def resolver(host: str, port: int) -> list[str]:
        return next(answers)

    server.scripts["/"] = says(b"ok", Connection="close")
    client = make_client(resolver=resolver)
    url = server.url("/", host="rebound.test")
    assert isinstance(await get(client, url), Response)
    assert fault(await get(client, url)) is FetchFault.ADDRESS_REFUSED


async def test_an_unknown_name_may_be_known_later(make_client: ClientMaker) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    outcome = await get(make_client(resolver=resolver), "http://nowhere.test/")
    assert isinstance(outcome, TemporaryFail)
    assert outcome.reason is FetchFault.DNS


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org/", FetchFault.SCHEME),
        ("https://example.org:8443/", FetchFault.HOST_NOT_PUBLIC),
        ("https://localhost/", FetchFault.HOST_NOT_PUBLIC),
        ("https://printer.local/", FetchFault.HOST_NOT_PUBLIC),
        ("https://metadata.google.internal/", FetchFault.HOST_NOT_PUBLIC),
        ("https://1.1.1.1/", FetchFault.HOST_NOT_PUBLIC),
        ("https://127.0.0.1/", FetchFault.ADDRESS_REFUSED),
        ("https://[::1]/", FetchFault.ADDRESS_REFUSED),
        ("https://[64:ff9b::7f00:1]/", FetchFault.ADDRESS_REFUSED),
        ("https://user@example.org/", FetchFault.BAD_URL),
        ("https://example.org\\@evil.test/", FetchFault.BAD_URL),
        ("https://exam\nple.org/", FetchFault.BAD_URL),
        ("https:///path", FetchFault.BAD_URL),
        ("", FetchFault.SCHEME),
        ("https://example.org/" + "a" * 5000, FetchFault.BAD_URL),
    ],
)
async def test_in_production_only_https_to_public_names_leaves_the_server(
    make_client: ClientMaker, url: str, expected: FetchFault
) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        raise AssertionError("nothing may be resolved")

    client = make_client(development=False, resolver=resolver)
    assert fault(await get(client, url)) is expected
    assert fault(await client.post(url, b"{}", headers=())) is expected


# ---- bodies --------------------------------------------------------------------------------------


async def test_an_announced_size_over_the_limit_is_refused_unread(client: Client, server: ScriptedServer) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 X\r\nContent-Length: 99999999\r\n\r\n")

    server.scripts["/"] = script
    assert fault(await get(client, server.url("/"))) is FetchFault.TOO_LARGE


async def test_an_endless_body_ends_at_the_limit(client: Client, server: ScriptedServer) -> None:
    sent = 0

    async def script(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.raw(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 500_000_000:
            await exchange.raw(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536

    server.scripts["/"] = script
    assert fault(await get(client, server.url("/"), max_bytes=200_000)) is FetchFault.TOO_LARGE
    assert sent < 50_000_000


async def test_a_gzip_bomb_ends_at_the_limit(client: Client, server: ScriptedServer) -> None:
    server.scripts["/"] = says(gzip.compress(b"\0" * 50_000_000, mtime=0), Content_Encoding="gzip")
    tracemalloc.start()
    try:
        assert fault(await get(client, server.url("/"))) is FetchFault.TOO_LARGE
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10_000_000, "what is over the limit is not even inflated"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Content-Length: 10\r\n\r\nabc", FetchFault.RESET),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", FetchFault.RESET),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", FetchFault.MALFORMED),
        (b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", FetchFault.MALFORMED),
        (b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc", FetchFault.MALFORMED),
        (b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 99, mtime=0)[:15], FetchFault.RESET),
        (b"X: " + b"y" * 40_000 + b"\r\n\r\n", FetchFault.MALFORMED),
        (b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"\r\n", FetchFault.MALFORMED),
        (b"Content-Length: -5\r\n\r\n", FetchFault.MALFORMED),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", FetchFault.MALFORMED),
    ],
)
async def test_a_broken_answer_is_an_outcome(
    client: Client, server: ScriptedServer, data: bytes, expected: FetchFault
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 X\r\n" + data)
        exchange.writer.close()

    server.scripts["/"] = script
    assert fault(await get(client, server.url("/"), timeout_s=3)) is expected


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Length: 99999999\r\n\r\n",
        b"Content-Length: 10\r\n\r\nabc",
    ],
    ids=["strange encoding", "too large", "truncated"],
)
async def test_a_refusal_stands_by_its_status_whatever_its_body_is(
    client: Client, server: ScriptedServer, data: bytes
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 410 Gone\r\n" + data)
        exchange.writer.close()

    server.scripts["/"] = script
    outcome = await get(client, server.url("/"))
    assert isinstance(outcome, Response)
    assert outcome.status == 410


async def test_what_is_not_http_is_an_outcome(client: Client, server: ScriptedServer) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"SSH-2.0-OpenSSH_9\r\n\r\n")
        exchange.writer.close()

    server.scripts["/"] = script
    assert fault(await get(client, server.url("/"))) is FetchFault.MALFORMED


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n"], ids=["headers", "body"])
async def test_a_slow_drip_ends_at_the_deadline(client: Client, server: ScriptedServer, head: bytes) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(head)
        for byte in b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n" * 20:
            await exchange.raw(bytes([byte]))
            await asyncio.sleep(0.02)

    server.scripts["/"] = script
    started = time.monotonic()
    outcome = await get(client, server.url("/"), timeout_s=0.4)
    assert isinstance(outcome, TemporaryFail)
    assert outcome.reason is FetchFault.TIMEOUT
    assert time.monotonic() - started < 2


async def test_slow_redirects_share_one_deadline(client: Client, server: ScriptedServer) -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.3)
        await exchange.answer(302, location=exchange.path + "x")

    for hop in range(5):
        server.scripts["/" + "x" * hop] = slow
    started = time.monotonic()
    assert fault(await get(client, server.url("/"), timeout_s=0.5)) is FetchFault.TIMEOUT
    assert time.monotonic() - started < 1.5


# ---- connections ---------------------------------------------------------------------------------


async def test_a_closed_port_is_a_temporary_fault(client: Client, server: ScriptedServer) -> None:
    server.stop()
    outcome = await get(client, "http://127.0.0.1:1/")
    assert isinstance(outcome, TemporaryFail)
    assert outcome.reason is FetchFault.REFUSED_CONNECTION


async def test_a_plain_server_behind_https_is_a_tls_fault(client: Client) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail ready\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as listener:
        outcome = await get(client, f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/", timeout_s=5)
    assert isinstance(outcome, TemporaryFail)
    assert outcome.reason is FetchFault.TLS


async def test_a_certificate_that_nobody_trusts_is_a_tls_fault(
    make_client: ClientMaker, server: ScriptedServer, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path, "127.0.0.1")
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    offered.load_cert_chain(certificate, key)
    server.scripts["/"] = says(b"ok")
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=offered) as listener:
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        assert fault(await get(make_client(), url)) is FetchFault.TLS
        trusted = make_client(ssl_context=ssl.create_default_context(cafile=str(certificate)))
        outcome = await get(trusted, url)
        await trusted.close()
    assert isinstance(outcome, Response)
    assert outcome.body == b"ok"


def self_signed(folder: Path, address: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem", folder / "key.pem"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "64:ff9b::7f00:1"])
def test_no_socket_is_made_for_a_refused_address_whatever_led_there(address: str) -> None:
    make = guarded_socket_factory(loopback_allowed=False)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(AddressRefused, match=address):
        make((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443)))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_the_peer_closed_after_an_answer_is_replaced(
    client: Client, server: ScriptedServer, method: str
) -> None:
    answered = 0

    async def script(exchange: Exchange) -> None:
        nonlocal answered
        if len(server.asked) == 2:  # the second request on the first connection is met by a reset
            exchange.writer.transport.abort()
            return
        answered += 1
        await exchange.answer(200, b"ok")

    server.scripts["/"] = script
    for _ in range(2):
        if method == "GET":
            outcome = await get(client, server.url("/"))
        else:
            outcome = await client.post(server.url("/"), b"{}", headers=())
        assert isinstance(outcome, Response)
        assert outcome.status == 200
    assert (answered, server.connections) == (2, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_server_that_always_resets_is_asked_twice_and_no_more(
    client: Client, server: ScriptedServer, method: str
) -> None:
    async def script(exchange: Exchange) -> None:
        exchange.writer.transport.abort()

    server.scripts["/"] = script
    url = server.url("/")
    outcome = await (get(client, url) if method == "GET" else client.post(url, b"{}", headers=()))
    assert isinstance(outcome, TemporaryFail)
    assert outcome.reason is FetchFault.RESET
    assert len(server.asked) == 2


async def test_connections_are_kept_and_shared(client: Client, server: ScriptedServer) -> None:
    server.scripts["/"] = says(b"")
    for _ in range(20):
        await client.post(server.url("/"), b"{}", headers=())
    assert server.connections == 1
    await asyncio.gather(*(client.post(server.url("/"), b"{}", headers=()) for _ in range(60)))
    assert server.connections <= 8


async def test_the_connections_left_open_after_many_hosts_are_bounded(
    make_client: ClientMaker, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_node.transport.client.IDLE_HOSTS_LIMIT", 3)

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    server.scripts["/"] = says(b"")
    client = make_client(resolver=resolver)
    for number in range(10):
        assert isinstance(await get(client, server.url("/", host=f"h{number}.test")), Response)
    await asyncio.sleep(0.05)
    assert server.connections == 10
    assert server.open_connections() == 3


async def test_the_names_of_this_machine_are_found_by_the_system(client: Client, server: ScriptedServer) -> None:
    server.scripts["/"] = says(b"ok")
    assert isinstance(await get(client, server.url("/", host="localhost")), Response)


async def test_a_header_that_is_no_text_is_made_one(client: Client, server: ScriptedServer) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 X\r\nContent-Type: a\xff\xc3\xbc\r\nContent-Length: 0\r\n\r\n")

    server.scripts["/"] = script
    outcome = await get(client, server.url("/"))
    assert isinstance(outcome, Response)
    assert outcome.content_type == "a\ufffdü"


async def test_a_closed_client_says_so(make_client: ClientMaker, server: ScriptedServer) -> None:
    client = make_client()
    await client.close()
    with pytest.raises(NodeError):
        await get(client, server.url("/"))


# ---- POST ----------------------------------------------------------------------------------------


async def test_a_post_carries_its_body_and_headers(client: Client, server: ScriptedServer) -> None:
    server.scripts["/inbox"] = says(b"thanks", 202)
    outcome = await client.post(
        server.url("/inbox"), b'{"a":1}', headers=[("Content-Type", "application/activity+json")]
    )
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.body) == (202, b"thanks")
    assert server.asked[0].body == b'{"a":1}'
    assert server.asked[0].headers["content-type"] == "application/activity+json"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_post_is_not_redirected_without_a_new_signature(
    client: Client, server: ScriptedServer, status: int
) -> None:
    server.scripts["/inbox"] = redirect("/elsewhere", status)
    assert fault(await client.post(server.url("/inbox"), b"{}", headers=())) is FetchFault.REDIRECT_REFUSED
    assert server.paths() == ["/inbox"]


async def _sign(url: str) -> Headers:
    return [("Signature", url)]


@pytest.mark.parametrize(
    ("status", "asked"), [(307, 2), (308, 2), (301, 1), (302, 1), (303, 1)], ids=lambda value: str(value)
)
async def test_a_signed_post_follows_one_redirect_that_keeps_the_method(
    client: Client, server: ScriptedServer, status: int, asked: int
) -> None:
    server.scripts["/inbox"] = redirect("/new", status)
    server.scripts["/new"] = redirect("/newer", status)
    outcome = await client.post(server.url("/inbox"), b"{}", headers=(), hop_headers=_sign)
    assert fault(outcome) is FetchFault.REDIRECT_REFUSED
    assert [exchange.headers["signature"] for exchange in server.asked] == [
        server.url("/inbox"),
        server.url("/new"),
    ][:asked]


async def test_a_post_never_follows_to_another_origin(make_client: ClientMaker, server: ScriptedServer) -> None:
    server.scripts["/inbox"] = redirect(server.url("/inbox2", host="localhost"), 307)
    outcome = await make_client().post(server.url("/inbox"), b"{}", headers=(), hop_headers=_sign)
    assert fault(outcome) is FetchFault.REDIRECT_REFUSED
    assert server.paths() == ["/inbox"]


async def test_a_delivery_stands_by_its_status_when_the_body_never_ends(
    client: Client, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_node.transport.client._REMARK_TIMEOUT_S", 0.2)

    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 202 X\r\n\r\npartly")
        await asyncio.sleep(5)

    server.scripts["/inbox"] = script
    outcome = await client.post(server.url("/inbox"), b"{}", headers=())
    assert isinstance(outcome, Response)
    assert outcome.status == 202


async def test_our_own_server_is_never_asked(client: Client) -> None:
    assert fault(await get(client, "http://127.0.0.1:8420/users/a")) is FetchFault.OWN_ORIGIN
    assert fault(await client.post("http://127.0.0.1:8420/inbox", b"{}", headers=())) is FetchFault.OWN_ORIGIN
