"""The live page's server, over real sockets: what it tells, whom it refuses, what it sends again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.guard import TOKEN_HEADER
from fediverse_node.lab.inspector.server import Inspector, setup
from fediverse_node.lab.recording import Recording, parse_recording
from tests.lab.inspector.sample import answered, sample_nodes, sample_recording, uri


@dataclass
class Lab:
    """A world with an inspector: what was sent again is recorded, as a world does."""

    recording: Recording = field(default_factory=sample_recording)
    sent: list[tuple[Message, str, str | None]] = field(default_factory=list)
    problem: Exception | None = None
    address: str = ""
    inspector: Inspector | None = None
    session: aiohttp.ClientSession | None = None

    async def resend(self, message: Message, host: str, *, sign_as: str | None = None) -> Exchange:
        if self.problem:
            raise self.problem
        self.sent.append((message, host, sign_as))
        return self.happens(message, host)

    def happens(self, message: Message, host: str) -> Exchange:
        path = message.start.split(" ")[1]
        url = f"https://{host}{path}"
        exchange = Exchange(self.recording.next_number, 1, "", host, url, message, answered("202 Accepted"))
        return self.recording.begin(exchange)

    @property
    def token(self) -> str:
        assert self.inspector is not None
        return self.inspector.token

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        assert self.session is not None
        async with self.session.get(f"{self.address}/{path}", headers=headers) as response:
            return response.status, await response.json()

    async def send(self, plain: object, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        assert self.session is not None
        given = {TOKEN_HEADER: self.token} if headers is None else headers
        async with self.session.post(f"{self.address}/send", data=orjson.dumps(plain), headers=given) as response:
            return response.status, await response.json()


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    world = Lab()
    app = web.Application()
    world.inspector = setup(app, world.recording, resend=world.resend, nodes=sample_nodes, hosts=["lab.example"])
    runner = web.AppRunner(app, shutdown_timeout=5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.address = f"http://127.0.0.1:{runner.addresses[0][1]}/inspector"
    async with aiohttp.ClientSession() as world.session:
        yield world
    await runner.cleanup()


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, Any]]:
    """(event, id, data) as an EventSource hands them on."""
    said: dict[str, str] = {}
    async for line in response.content:
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            said[name] = value
        else:
            if "event" in said:
                yield said["event"], said.get("id", ""), orjson.loads(said["data"])
            said = {}


async def test_the_page_comes_with_its_policy_and_nothing_of_the_world(lab: Lab) -> None:
    assert lab.session
    async with lab.session.get(f"{lab.address}/") as response:
        text = await response.text()
    assert response.status == 200
    assert "connect-src 'self'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert lab.token in text
    assert "chitra" not in text


async def test_without_its_last_slash_the_page_is_found_too(lab: Lab) -> None:
    assert lab.session
    async with lab.session.get(lab.address) as response:
        assert response.status == 200
        assert str(response.url).endswith("/inspector/")


async def test_rows_and_details_are_told(lab: Lab) -> None:
    status, rows = await lab.get("rows")
    assert status == 200
    assert [row["number"] for row in rows["rows"]] == [one.number for one in lab.recording]
    status, detail = await lab.get("exchanges/4")
    assert status == 200
    assert detail["exchange"]["number"] == 4
    assert detail["view"]["claims"][0]["holds"] is True or "proof" in detail["view"]["claims"][0]
    assert "--connect-to alpha.test:443:127.0.0.1:8441" in detail["view"]["curl"]
    status, answer = await lab.get("exchanges/9999")
    assert (status, answer) == (404, {"error": "There is no exchange with this number."})


async def test_a_key_that_comes_later_proves_the_signature_later(lab: Lab) -> None:
    whole = lab.recording.exchanges
    lab.recording.exchanges = whole[:4]  # ben's follow; his key is asked for in the next exchange
    _, before = await lab.get("exchanges/4")
    assert "holds" not in before["view"]["claims"][0]
    lab.recording.begin(whole[4])
    _, after = await lab.get("exchanges/4")
    assert after["view"]["claims"][0]["holds"] is True


@pytest.mark.parametrize(
    "query, found",
    [
        ("זעתר", {32, 33}),
        ("ZOË", {57}),
        ("content-digest create drop", {46}),
        ('"the sender is blocked"', {51}),
        ("#12", {12}),
        ("nowhere-to-be-found", set()),
    ],
)
async def test_a_search_looks_into_everything(lab: Lab, query: str, found: set[int]) -> None:
    assert lab.session
    async with lab.session.get(f"{lab.address}/search", params={"q": query}) as response:
        assert set((await response.json())["found"]) == found


async def test_what_happens_is_told_as_it_happens(lab: Lab) -> None:
    assert lab.session
    _, rows = await lab.get("rows")
    async with lab.session.get(f"{lab.address}/events", params={"since": rows["at"]}) as response:
        assert response.content_type == "text/event-stream"
        stream = events(response)
        new = lab.happens(Message("GET / HTTP/1.1", ()), "beta.test")
        name, first, data = await anext(stream)
        assert (name, [row["number"] for row in data]) == ("rows", [new.number])
        new.fault = "delay 2 s"
        lab.recording.tell(new)
        lab.recording.tell(new)
        _, second, data = await anext(stream)
        assert [(row["number"], row["fault"]) for row in data] == [(new.number, "delay 2 s")]
        assert second != first
        newer = lab.happens(Message("GET / HTTP/1.1", ()), "beta.test")
        _, _, data = await anext(stream)
        assert [row["number"] for row in data] == [newer.number]
        new.failure = "Nobody answered."
        lab.recording.tell(new)  # an older one, after a newer one was told
        _, _, data = await anext(stream)
        assert [row["number"] for row in data] == [new.number]


async def test_a_page_that_was_away_gets_what_it_missed(lab: Lab) -> None:
    assert lab.session
    _, rows = await lab.get("rows")
    missed = [lab.happens(Message("GET / HTTP/1.1", ()), "beta.test").number for _ in range(3)]
    async with lab.session.get(f"{lab.address}/events", headers={"Last-Event-ID": rows["at"]}) as response:
        _, _, data = await anext(events(response))
        assert [row["number"] for row in data] == missed


async def test_a_page_of_an_earlier_start_is_told_to_begin_anew(lab: Lab) -> None:
    assert lab.session
    for since in ("elsewhere.7", "", "7"):
        async with lab.session.get(f"{lab.address}/events", params={"since": since}) as response:
            assert (await anext(events(response)))[0] == "restart"


async def test_streams_end_with_the_server() -> None:
    app, recording = web.Application(), sample_recording()
    setup(app, recording, prefix="")
    runner = web.AppRunner(app, shutdown_timeout=30)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        response = await session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/events")
        async with asyncio.timeout(5):
            await runner.cleanup()
            await response.read()
    assert recording._listeners == []


async def test_the_same_request_is_sent_again_as_it_was(lab: Lab) -> None:
    status, answer = await lab.send({"number": 4})
    original = lab.recording.find(4)
    assert original is not None
    assert (status, answer) == (200, {"number": len(lab.recording)})
    assert lab.sent == [(original.request, "alpha.test", None)]


async def test_an_edited_request_is_sent_with_the_length_of_its_body(lab: Lab) -> None:
    original = lab.recording.find(4)
    assert original is not None
    headers = [list(pair) for pair in original.request.headers]
    edited = {"start": "POST /other HTTP/1.1", "headers": headers, "body": '{"changed": "é"}'}
    status, _ = await lab.send({"number": 4, "edited": edited})
    assert status == 200
    message, _, _ = lab.sent[0]
    assert message.start == "POST /other HTTP/1.1"
    assert message.body == '{"changed": "é"}'.encode()
    assert message.header("content-length") == "17"
    assert message.header("signature") == original.request.header("signature")


async def test_a_length_that_was_edited_stays_wrong(lab: Lab) -> None:
    edited = {"start": "POST /inbox HTTP/1.1", "headers": [["Content-Length", "3"]], "body": "{}"}
    await lab.send({"number": 4, "edited": edited})
    assert lab.sent[0][0].header("content-length") == "3"


async def test_to_be_signed_again_it_loses_what_was_signed(lab: Lab) -> None:
    status, _ = await lab.send({"number": 4, "sign_as": uri("ben")})
    assert status == 200
    message, _, sign_as = lab.sent[0]
    assert sign_as == uri("ben")
    names = {name.lower() for name, _ in message.headers}
    assert not names & {"signature", "signature-input", "digest", "content-digest", "date"}
    assert {"host", "content-type"} <= names


@pytest.mark.parametrize(
    "plain, status, said",
    [
        ({"number": 9999}, 404, "no exchange"),
        ({"number": "4"}, 404, "no exchange"),
        ({}, 400, "no request"),
        ([], 400, "no request"),
        ({"number": 4, "sign_as": 7}, 400, "address of an actor"),
        ({"number": 4, "sign_as": "https://elsewhere.example/users/eve"}, 400, "No node here has the key"),
        ({"number": 4, "edited": "x"}, 400, "nothing edited"),
        ({"number": 4, "edited": {"start": "POST /a b HTTP/1.1", "headers": []}}, 400, "first line"),
        ({"number": 4, "edited": {"start": "GET / HTTP/1.1\r\nX: y", "headers": []}}, 400, "first line"),
        ({"number": 4, "edited": {"start": "GET / HTTP/1.1", "headers": [["A", "b\r\nC: d"]]}}, 400, "no header"),
        ({"number": 4, "edited": {"start": "GET / HTTP/1.1", "headers": [["A:", "b"]]}}, 400, "no header"),
        ({"number": 4, "edited": {"start": "GET / HTTP/1.1", "headers": "A: b"}}, 400, "headers"),
        ({"number": 4, "edited": {"start": "GET / HTTP/1.1", "headers": [], "body": 5}}, 400, "text"),
    ],
)
async def test_what_cannot_be_sent_says_why(lab: Lab, plain: object, status: int, said: str) -> None:
    answered_status, answer = await lab.send(plain)
    assert (answered_status, lab.sent) == (status, [])
    assert said in answer["error"]


async def test_a_world_that_cannot_send_says_why(lab: Lab) -> None:
    lab.problem = NodeError("beta.test is down.")
    assert await lab.send({"number": 4}) == (502, {"error": "It could not be sent: beta.test is down."})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="without the token"),
        pytest.param({TOKEN_HEADER: "guessed"}, id="with another token"),
        pytest.param({TOKEN_HEADER: "", "Origin": "https://evil.example"}, id="from another website"),
    ],
)
async def test_no_website_can_make_the_developer_send(lab: Lab, headers: dict[str, str]) -> None:
    status, _ = await lab.send({"number": 4}, headers)
    assert (status, lab.sent) == (403, [])


async def test_even_with_the_token_another_origin_is_refused(lab: Lab) -> None:
    port = lab.address.split(":")[2].split("/")[0]
    for foreign in ("https://evil.example", "null", f"http://localhost:{port}", "http://127.0.0.1:1"):
        status, answer = await lab.send({"number": 4}, {TOKEN_HEADER: lab.token, "Origin": foreign})
        assert (status, lab.sent) == (403, []), foreign
        assert "Another website" in answer["error"]
    status, _ = await lab.send({"number": 4}, {TOKEN_HEADER: lab.token, "Sec-Fetch-Site": "cross-site"})
    assert (status, lab.sent) == (403, [])
    own = {TOKEN_HEADER: lab.token, "Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
    assert (await lab.send({"number": 4}, own))[0] == 200


@pytest.mark.parametrize(
    "path", ["", "rows", "exchanges/4", "search?q=a", "nodes", "events", "export.jsonl", "export.html"]
)
async def test_a_name_that_a_website_made_lead_here_is_not_answered(lab: Lab, path: str) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8400", "", "127.0.0.1:x@evil"):
        status, answer = await lab.get(path, Host=host)
        assert status == 421
        assert "localhost" in answer["error"]


async def test_names_of_this_machine_and_those_that_were_allowed_are_answered(lab: Lab) -> None:
    for host in ("localhost", "LOCALHOST:8400", "127.0.0.1:1", "[::1]:8400", "[::1]", "lab.example"):
        assert (await lab.get("rows", Host=host))[0] == 200


async def test_nobody_gets_leave_to_read_from_another_origin(lab: Lab) -> None:
    assert lab.session
    for path in ("", "rows", "nodes", "exchanges/4", "export.jsonl"):
        async with lab.session.get(f"{lab.address}/{path}", headers={"Origin": "https://evil.example"}) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_recording_can_be_taken_away_in_three_forms(lab: Lab) -> None:
    assert lab.session
    async with lab.session.get(f"{lab.address}/export.jsonl") as response:
        assert response.headers["Content-Disposition"] == 'attachment; filename="exchanges.jsonl"'
        again = parse_recording((await response.read()).splitlines(), name="export")
    assert [one.to_json() for one in again] == [one.to_json() for one in lab.recording]
    async with lab.session.get(f"{lab.address}/export.har") as response:
        assert len((await response.json())["log"]["entries"]) == len(lab.recording)
    async with lab.session.get(f"{lab.address}/export.html") as response:
        text = await response.text()
    assert "<!doctype html>" in text
    assert lab.token not in text


async def test_the_nodes_come_with_their_links_to_sign_in(lab: Lab) -> None:
    _, answer = await lab.get("nodes")
    assert answer["may_send"] is True
    assert answer["nodes"][0]["people"][0]["sign_in"] == "https://127.0.0.1/sign-in/alice"
