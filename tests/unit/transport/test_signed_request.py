"""Signed requests over real sockets, checked by the verifier that checks other servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest

from fediverse_node.base.clock import SystemClock
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.host_memory import Capability, RecentHosts
from fediverse_node.transport.signed_request import Signer, SigningKeys, SigningThreads
from tests.unit.transport.conftest import ClientMaker
from tests.unit.transport.scripted_server import Exchange, ScriptedServer

RSA = PrivateKey.generate_rsa()
ED25519 = PrivateKey.generate_ed25519()
KEYS = SigningKeys("http://us.example/actor#main-key", RSA, "http://us.example/actor#ed25519-key", ED25519)
PUBLIC: dict[str, PublicKey] = {KEYS.key_id: RSA.public(), "http://us.example/actor#ed25519-key": ED25519.public()}


@pytest.fixture(scope="module")
def threads() -> Iterator[SigningThreads]:
    made = SigningThreads()
    yield made
    made.close()


@pytest.fixture
def memory() -> RecentHosts:
    return RecentHosts(SystemClock())


@pytest.fixture
def signer(client: Client, memory: RecentHosts, threads: SigningThreads) -> Signer:
    return Signer(client, fetch_keys=KEYS, memory=memory, clock=SystemClock(), threads=threads)


def schemes_of(exchange: Exchange) -> list[tuple[str, str]]:
    """The signatures of a request: (scheme, key id). Each of them must hold for exactly this request."""
    host = exchange.headers["host"]
    request = Request(exchange.method, f"http://{host}{exchange.path}", tuple(exchange.headers.items()), exchange.body)
    claims = parse_claims(request)
    assert not isinstance(claims, Fail), claims
    for claim in claims:
        assert check_claim(request, claim, Policy(frozenset({host})), now=datetime.now(UTC)) is None
        assert isinstance(verify_claim(request, claim, PUBLIC[claim.key_id]), Proven)
    return [(claim.scheme, claim.key_id) for claim in claims]


def reads_only(scheme: str, refusal: int = 401) -> Callable[[Exchange], Awaitable[None]]:
    async def script(exchange: Exchange) -> None:
        accepted = [found for found, _ in schemes_of(exchange)] == [scheme]
        await exchange.answer(202 if accepted else refusal)

    return script


@pytest.mark.parametrize("path", ["/users/a", "/users/a?page=true&x=%7Eä", "/a%2Fb/~c", "/weird/'\"<>|{}"])
async def test_a_get_is_signed_for_exactly_what_goes_over_the_wire(
    signer: Signer, server: ScriptedServer, path: str
) -> None:
    await signer.get(server.url(path) + "#main-key")
    assert schemes_of(server.asked[0]) == [("cavage", KEYS.key_id)]
    assert "#" not in server.asked[0].path


async def test_a_post_is_signed_with_its_digest(signer: Signer, server: ScriptedServer) -> None:
    server.scripts["/inbox"] = reads_only("cavage")
    outcome = await signer.post(server.url("/inbox"), b'{"type":"Like"}', keys=KEYS)
    assert isinstance(outcome, Response)
    assert outcome.status == 202
    assert server.asked[0].headers["digest"].startswith("SHA-256=")
    assert server.asked[0].headers["content-type"] == "application/activity+json"


@pytest.mark.parametrize("refusal", [400, 401])
async def test_a_host_that_refuses_cavage_is_asked_with_rfc_9421_and_remembered(
    signer: Signer, server: ScriptedServer, memory: RecentHosts, refusal: int
) -> None:
    server.scripts["/inbox"] = reads_only("rfc9421", refusal)
    for _ in range(2):
        outcome = await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
        assert isinstance(outcome, Response)
        assert outcome.status == 202
    assert [schemes_of(exchange)[0][0] for exchange in server.asked] == ["cavage", "rfc9421", "rfc9421"]
    assert memory.reads_rfc9421(f"127.0.0.1:{server.port}") is True


async def test_a_202_to_cavage_proves_nothing_about_rfc_9421(
    signer: Signer, server: ScriptedServer, memory: RecentHosts
) -> None:
    server.scripts["/inbox"] = reads_only("cavage")
    for _ in range(2):
        await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert [schemes_of(exchange)[0][0] for exchange in server.asked] == ["cavage", "cavage"]
    assert memory.reads_rfc9421(f"127.0.0.1:{server.port}") is None


async def test_a_host_that_no_longer_reads_rfc_9421_is_asked_with_cavage_and_remembered(
    signer: Signer, server: ScriptedServer, memory: RecentHosts
) -> None:
    host = f"127.0.0.1:{server.port}"
    memory.note(host, Capability.READS_RFC9421)
    server.scripts["/inbox"] = reads_only("cavage")
    for _ in range(2):
        await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert [schemes_of(exchange)[0][0] for exchange in server.asked] == ["rfc9421", "cavage", "cavage"]
    assert memory.reads_rfc9421(host) is False


async def test_a_host_that_refuses_both_is_asked_twice_and_nothing_is_remembered(
    signer: Signer, server: ScriptedServer, memory: RecentHosts
) -> None:
    server.scripts["/inbox"] = reads_only("neither")
    outcome = await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert isinstance(outcome, Response)
    assert outcome.status == 401
    assert len(server.asked) == 2
    assert memory.reads_rfc9421(f"127.0.0.1:{server.port}") is None


@pytest.mark.parametrize("status", [403, 404, 410, 500, 503])
async def test_other_refusals_are_not_about_the_signature(signer: Signer, server: ScriptedServer, status: int) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.answer(status)

    server.scripts["/inbox"] = script
    outcome = await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert isinstance(outcome, Response)
    assert outcome.status == status
    assert len(server.asked) == 1


async def test_ed25519_is_used_only_where_the_host_has_listed_it(
    signer: Signer, server: ScriptedServer, memory: RecentHosts
) -> None:
    offer = 'sig1=("@method" "@target-uri" "content-digest");created;alg="ed25519";nonce="abc"'

    async def script(exchange: Exchange) -> None:
        (scheme, _), *_ = schemes_of(exchange)
        await exchange.answer(401 if scheme == "cavage" else 202, Accept_Signature=offer)

    server.scripts["/inbox"] = script
    outcome = await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert isinstance(outcome, Response)
    assert outcome.status == 202
    assert schemes_of(server.asked[1]) == [("rfc9421", KEYS.ed25519_key_id)]
    assert 'nonce="abc"' in server.asked[1].headers["signature-input"]
    server.asked.clear()
    without = SigningKeys(KEYS.key_id, RSA)
    await signer.post(server.url("/inbox"), b"{}", keys=without)
    assert schemes_of(server.asked[0]) == [("rfc9421", KEYS.key_id)]


async def test_each_hop_of_a_redirect_is_signed_for_its_own_host(
    make_client: ClientMaker, server: ScriptedServer, memory: RecentHosts, threads: SigningThreads
) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def move(exchange: Exchange) -> None:
        await exchange.answer(302, location=server.url("/new", host="other.test"))

    memory.note(f"other.test:{server.port}", Capability.READS_RFC9421)
    server.scripts["/old"] = move
    signer = Signer(
        make_client(resolver=resolver), fetch_keys=KEYS, memory=memory, clock=SystemClock(), threads=threads
    )
    await signer.get(server.url("/old", host="one.test"))
    first, second = server.asked
    assert schemes_of(first) == [("cavage", KEYS.key_id)]
    assert schemes_of(second) == [("rfc9421", KEYS.key_id)]
    assert second.headers["host"] == f"other.test:{server.port}"
    assert first.headers["signature"] != second.headers["signature"]


async def test_a_post_is_signed_again_for_a_moved_inbox_of_the_same_origin(
    signer: Signer, server: ScriptedServer
) -> None:
    async def move(exchange: Exchange) -> None:
        await exchange.answer(308, location="/new")

    server.scripts["/inbox"] = move
    server.scripts["/new"] = reads_only("cavage")
    outcome = await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert isinstance(outcome, Response)
    assert outcome.status == 202


async def test_when_the_second_knock_finds_nobody_the_first_answer_counts(
    signer: Signer, server: ScriptedServer
) -> None:
    async def script(exchange: Exchange) -> None:
        if len(server.asked) == 1:
            await exchange.answer(401)
        else:
            exchange.writer.transport.abort()

    server.scripts["/inbox"] = script
    outcome = await signer.post(server.url("/inbox"), b"{}", keys=KEYS)
    assert isinstance(outcome, Response)
    assert outcome.status == 401


async def test_a_fault_of_the_way_is_passed_on(signer: Signer) -> None:
    outcome = await signer.post("http://10.0.0.1/inbox", b"{}", keys=KEYS)
    assert isinstance(outcome, Fail)
    assert outcome.reason is FetchFault.ADDRESS_REFUSED
    assert isinstance(await signer.get("http://127.0.0.1:1/"), TemporaryFail)


class _Time(SystemClock):
    ms = 0

    def now_ms(self) -> int:
        return self.ms


def test_what_hosts_have_shown_is_bounded_in_number_and_time() -> None:
    clock = _Time()
    memory = RecentHosts(clock, limit=3, lifetime_s=10)
    for number in range(5):
        memory.note(f"h{number}.test", Capability.READS_ED25519)
    assert [memory.reads_rfc9421(f"h{number}.test") for number in range(5)] == [None, None, True, True, True]
    assert memory.reads_ed25519("h4.test")
    clock.ms = 10_001
    assert memory.reads_rfc9421("h4.test") is None
    assert not memory.reads_ed25519("h4.test")
