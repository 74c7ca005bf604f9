"""Who may be examined: this machine at once, any other only with a file there, and never a third."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fediverse_node.base.clock import SystemClock
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.lab.conformance.target import (
    CONSENT_PATH,
    NotExaminedError,
    confirm,
    leads_to_this_machine,
    local_secret,
    parse_target,
    token_for,
)
from fediverse_node.lab.conformance.wire import Wire
from fediverse_node.transport.exchange import Headers, HopHeaders, Response
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.resolver import Endpoint
from tests.lab.conformance.conftest import Examine
from tests.lab.conformance.small_server import small_server

ORIGIN = "https://social.example"
TOKEN = token_for("social.example", b"a secret")


class OneAnswer:
    """The network, with one answer to every GET."""

    def __init__(self, answer: Response | Fail | TemporaryFail) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def get(
        self,
        url: str,
        *,
        accept: str,
        headers: Headers = (),
        max_bytes: int = 0,
        timeout_s: float = 0,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        self.asked.append(url)
        return self.answer

    async def post(
        self, url: str, body: bytes, *, headers: Headers, timeout_s: float = 0, hop_headers: HopHeaders | None = None
    ) -> Response | Fail | TemporaryFail:
        raise AssertionError("nothing is sent to ask for permission")

    async def close(self) -> None:
        return


def answer(body: str, *, status: int = 200, url: str = ORIGIN + CONSENT_PATH) -> Response:
    return Response(status, (), body.encode(), url)


@pytest.mark.parametrize("body", [TOKEN, f"{TOKEN}\n", f"another-token\n{TOKEN}\n"])
async def test_a_file_with_the_token_is_a_permission(body: str) -> None:
    http = OneAnswer(answer(body))
    await confirm(ORIGIN, TOKEN, http)
    assert http.asked == [ORIGIN + CONSENT_PATH]


@pytest.mark.parametrize(
    "found, why",
    [
        pytest.param(answer("something else"), "another token", id="another token"),
        pytest.param(answer(""), "another token", id="an empty file"),
        pytest.param(answer(TOKEN[:-1]), "another token", id="a part of the token"),
        pytest.param(answer(TOKEN, status=404), "answers 404", id="no file"),
        pytest.param(answer(TOKEN, url="https://elsewhere.example/x"), "another server", id="a file of another server"),
        pytest.param(TemporaryFail(FetchFault.TIMEOUT), "could not be read", id="no answer"),
    ],
)
async def test_anything_else_is_none_and_says_what_to_do(found: Response | TemporaryFail, why: str) -> None:
    with pytest.raises(NotExaminedError) as refusal:
        await confirm(ORIGIN, TOKEN, OneAnswer(found))
    assert why in str(refusal.value)
    assert TOKEN in str(refusal.value)
    assert ORIGIN + CONSENT_PATH in str(refusal.value)


def test_each_server_and_each_examiner_has_a_token_of_its_own(tmp_path: Path) -> None:
    first, second = local_secret(tmp_path / "a/secret"), local_secret(tmp_path / "b/secret")
    assert local_secret(tmp_path / "a/secret") == first
    tokens = {token_for(host, secret) for host in ("one.example", "two.example") for secret in (first, second)}
    assert len(tokens) == 4
    assert (tmp_path / "a/secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text, origin, path_or_handle",
    [
        ("https://social.example/@ada", "https://social.example", "https://social.example/@ada"),
        ("http://127.0.0.1:8420/users/ada", "http://127.0.0.1:8420", "http://127.0.0.1:8420/users/ada"),
        ("@ada@social.example", "https://social.example", "ada@social.example"),
        ("ada@SOCIAL.example", "https://social.example", "ada@social.example"),
        ("ada@127.0.0.1:8420", "http://127.0.0.1:8420", "ada@127.0.0.1:8420"),
        ("@ada@localhost:8420", "http://localhost:8420", "ada@localhost:8420"),
    ],
)
def test_targets_are_addresses_and_handles(text: str, origin: str, path_or_handle: str) -> None:
    target = parse_target(text)
    assert target.origin == origin
    assert path_or_handle in (target.url, str(target.acct))


@pytest.mark.parametrize(
    "text", ["", "ada", "https://social.example", "https://social.example/", "ftp://a/b", "@@", "a b"]
)
def test_what_names_no_actor_is_refused(text: str) -> None:
    with pytest.raises(NotExaminedError):
        parse_target(text)


@pytest.mark.parametrize(
    "origin, addresses, is_here",
    [
        ("http://127.0.0.1:8420", [], True),
        ("http://[::1]:8420", [], True),
        ("http://localhost:8420", ["127.0.0.1", "::1"], True),
        ("https://alpha.test", [Endpoint("127.0.0.1", 8443)], True),
        ("https://social.example", ["93.184.216.34"], False),
        ("https://rebinding.example", ["127.0.0.1", "93.184.216.34"], False),
        ("https://nowhere.example", [], False),
        ("http://10.0.0.1", [], False),
        ("http://169.254.169.254", [], False),
    ],
)
async def test_this_machine_is_where_all_addresses_of_a_name_lead(
    origin: str, addresses: list[str | Endpoint], is_here: bool
) -> None:
    async def resolve(host: str, port: int) -> Sequence[str | Endpoint]:
        return addresses

    assert await leads_to_this_machine(origin, resolve) is is_here


async def test_another_machine_is_not_examined_without_permission(examined: Examine) -> None:
    with pytest.raises(NotExaminedError, match="is not this machine"):
        await examined("https://social.invalid/@ada", resolver=_nowhere)


async def _nowhere(host: str, port: int) -> list[str]:
    raise OSError("no such name")


async def test_only_permitted_origins_are_asked() -> None:
    wire = Wire(SystemClock(), loopback=True)
    async with small_server() as server:
        try:
            refused = await wire.ask("GET", server.actor_uri)
            wire.permitted.add(server.base_url)
            answered = await wire.ask("GET", server.actor_uri)
        finally:
            await wire.close()
    assert refused.answer is None
    assert "is not the server that is examined" in refused.failure
    assert answered.status == 200


@pytest.mark.parametrize("address", ["93.184.216.34", "10.0.0.1", "169.254.169.254"])
async def test_a_name_that_leads_elsewhere_meanwhile_is_not_followed(address: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return [address]

    wire = Wire(SystemClock(), loopback=True, resolver=resolve)
    wire.permitted.add("http://localhost:8420")
    try:
        exchange = await wire.ask("GET", "http://localhost:8420/users/ada")
    finally:
        await wire.close()
    assert exchange.answer is None
    assert exchange.failure.startswith("not asked")


async def test_a_handle_that_leads_away_from_this_machine_is_not_followed(examined: Examine) -> None:
    async with small_server() as server:
        server.actor_uri_in_webfinger = "https://elsewhere.invalid/users/alice"
        with pytest.raises(NotExaminedError, match="is on this machine, and leads to"):
            await examined(f"alice@{server.base_url.removeprefix('http://')}", resolver=_here_alone)


async def _here_alone(host: str, port: int) -> list[str]:
    if host != "127.0.0.1":
        raise OSError("no such name")
    return [host]


async def test_nothing_but_gets_is_sent_without_a_yes(examined: Examine) -> None:
    asked: list[int] = []

    def say_no(count: int) -> bool:
        asked.append(count)
        return False

    async with small_server() as server:
        report = await examined(f"{server.base_url}/@alice", may_send=say_no)
        assert server.posted == 0
    assert len(asked) == 1
    methods = {each.method for finding in report.findings for each in finding.exchanges}
    assert methods <= {"GET", "HEAD"}
    assert asked[0] == sum(finding.said == "Nothing but GETs was sent" for finding in report.findings)
