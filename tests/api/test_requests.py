"""What every method of the client API has in common: errors, limits, headers, ways to send parameters."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.params import Params, parse_json, parse_query
from fediverse_node.mastodon_api.scopes import acceptable, is_within
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import users
from fediverse_node.storage.unit import Run
from tests.api.conftest import ApiNode, Member
from tests.inprocess import running_node


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/v9/x", "/oauth/nothing", "/api/", "/api/v1/annual_report", "/api/v1/statuses/1/x"],
)
async def test_what_is_not_built_answers_404_in_json(node: ApiNode, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        reply = await node.call(method, path)
        assert (reply.status, list(reply.json)) == (404, ["error"])
        assert reply.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_slash_at_the_end_of_a_path_does_not_matter(node: ApiNode, alice: Member) -> None:
    for path in ("/api/v1/instance", "/api/v2/instance", f"/api/v1/accounts/{alice.actor_id}", "/api/v1/lists"):
        plain, slashed = await alice.call("GET", path), await alice.call("GET", path + "/")
        assert (slashed.status, slashed.json) == (200, plain.json)


async def test_without_a_good_token_a_method_is_401(node: ApiNode) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "x"}):
        reply = await node.call("GET", "/api/v1/preferences", headers=headers)
        assert (reply.status, reply.json) == (401, {"error": "The access token is invalid"})
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_bad_token_is_refused_also_where_none_is_needed(node: ApiNode, alice: Member) -> None:
    path = f"/api/v1/accounts/{alice.actor_id}"
    assert (await node.call("GET", path)).status == 200
    assert (await node.call("GET", path, headers={"Authorization": "Bearer wrong"})).status == 401


async def test_a_scope_that_was_not_given_is_403(node: ApiNode, alice: Member) -> None:
    reader = await node.token(alice, "read:lists")
    assert await reader.get("/api/v1/lists") == []
    refused = await reader.post("/api/v1/lists", title="x", expect=403)
    assert refused == {"error": "This action is outside the authorized scopes"}


async def test_a_token_in_the_query_is_good_and_is_not_repeated_in_links(node: ApiNode, alice: Member) -> None:
    for number in range(2):
        fan = await node.add(f"fan{number}")
        await fan.post(f"/api/v1/accounts/{alice.actor_id}/follow")
    path = f"/api/v1/accounts/{alice.actor_id}/followers?limit=1&access_token={alice.token}"
    reply = await node.call("GET", path)
    assert reply.status == 200
    assert alice.token not in reply.headers["Link"]


@pytest.mark.parametrize(
    "column, message",
    [
        ("disabled_ms", "Your login is currently disabled"),
        ("approved_ms", "Your login is currently pending approval"),
        ("confirmed_ms", "Your login is missing a confirmed e-mail address"),
    ],
)
async def test_people_whose_account_is_not_in_use_are_told_why(
    node: ApiNode, alice: Member, column: str, message: str
) -> None:
    value = 1 if column == "disabled_ms" else None

    def unit() -> Any:
        yield Run(Statement(update(users).where(users.c.id == alice.user_id).values({column: value})), [{}])

    await node.running.node.core.writer.run(unit)
    assert await alice.get("/api/v1/preferences", expect=403) == {"error": message}


async def test_browsers_may_call_from_anywhere(node: ApiNode) -> None:
    headers = {"Origin": "https://phanpy.example", "Access-Control-Request-Method": "PATCH"}
    preflight = await node.call("OPTIONS", "/api/v1/accounts/update_credentials", headers=headers)
    assert preflight.status in (200, 204)
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert int(preflight.headers["Access-Control-Max-Age"]) >= 600
    answer = await node.call("GET", "/api/v2/instance", headers=headers)
    assert {"Link", "X-RateLimit-Remaining"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    for path in ("/.well-known/oauth-authorization-server", "/oauth/userinfo"):
        assert (await node.call("GET", path)).headers["Access-Control-Allow-Origin"] == "*"


async def test_limits_are_told_and_on_this_machine_not_enforced(node: ApiNode, alice: Member) -> None:
    remaining = []
    for _ in range(2):
        reply = await alice.call("GET", "/api/v1/preferences")
        assert reply.headers["X-RateLimit-Limit"] == "1500"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", reply.headers["X-RateLimit-Reset"])
        assert re.fullmatch(r"[0-9a-f]{16}", reply.headers["X-Request-Id"])
        remaining.append(int(reply.headers["X-RateLimit-Remaining"]))
    assert remaining[1] == remaining[0] - 1


async def test_strangers_are_slowed_down_each_for_themselves(node: ApiNode) -> None:
    async def ask(address: str) -> int:
        return (await node.call("GET", "/api/v1/instance/rules", headers={"X-Forwarded-For": address})).status

    assert [await ask("203.0.113.7") for _ in range(301)][-2:] == [200, 429]
    assert await ask("203.0.113.8") == 200
    # A household's whole IPv6 network counts as one.
    assert {await ask(f"2001:db8:1:2::{number:x}") for number in range(299)} == {200}
    assert await ask("2001:db8:1:2:ffff::1") == 200
    assert await ask("2001:db8:1:2:eeee::1") == 429
    assert await ask("2001:db8:1:3::1") == 200


async def test_only_trusted_proxies_say_who_asks(tmp_path: Path) -> None:
    async with running_node(tmp_path, TRUSTED_PROXIES="192.0.2.1") as running, aiohttp.ClientSession() as session:
        node = ApiNode(running, session)
        for _ in range(302):
            reply = await node.call("GET", "/api/v1/instance/rules", headers={"X-Forwarded-For": "203.0.113.7"})
            assert reply.status == 200


@pytest.mark.parametrize(
    "body, headers, status",
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[1]", {"Content-Type": "application/json"}, 400),
        (b'{"title": {"a": 1}}', {"Content-Type": "application/json"}, 400),
        (b'{"title": "a\\u0000b"}', {"Content-Type": "application/json"}, 400),
        (b"title=%00", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"title=%ff", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"\xff\xfe", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"title=" + b"x" * 1_100_000, {"Content-Type": "application/x-www-form-urlencoded"}, 413),
        (b"&".join(b"a=1" for _ in range(2000)), {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"a" + b"[b]" * 50 + b"=1", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"title=x", {"Content-Type": "text/plain"}, 422),
        (b"title=fine", {"Content-Type": "application/x-www-form-urlencoded"}, 200),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_politely(
    alice: Member, body: bytes, headers: dict[str, str], status: int
) -> None:
    reply = await alice.call("POST", "/api/v1/lists", data=io.BytesIO(body), headers=headers)
    assert reply.status == status, reply
    assert isinstance(reply.json, dict)


@pytest.mark.parametrize(
    "query, tree",
    [
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[b]=c&a[d]=e", {"a": {"b": "c", "d": "e"}}),
        ("f[0][name]=x&f[0][value]=y&f[1][name]=z", {"f": {"0": {"name": "x", "value": "y"}, "1": {"name": "z"}}}),
        (
            "k[][keyword]=a&k[][whole_word]=1&k[][keyword]=b",
            {"k": [{"keyword": "a", "whole_word": "1"}, {"keyword": "b"}]},
        ),
        (
            "poll[options][]=a&poll[options][]=b&poll[expires_in]=60",
            {"poll": {"options": ["a", "b"], "expires_in": "60"}},
        ),
        ("home[last_read_id]=5", {"home": {"last_read_id": "5"}}),
        ("a%5B%5D=1", {"a": ["1"]}),
        ("a[", {"a[": ""}),
        ("[a]=1", {"[a]": "1"}),
    ],
)
def test_names_with_brackets_are_read_as_rails_does(query: str, tree: dict[str, Any]) -> None:
    assert parse_query(query) == tree


def test_values_are_what_they_can_be() -> None:
    params = Params(
        {
            "id": ["1", "x", "2", "2"],
            "one": "7",
            "big": "9" * 30,
            "on": "on",
            "off": "f",
            "none": None,
            "n": 5,
            "t": True,
        }
    )
    assert params.ids("id") == [1, 2]
    assert params.ids("one") == [7]
    assert (params.id("big"), params.id("none"), params.id("one")) == (None, None, 7)
    assert (params.flag("on"), params.flag("off"), params.flag("none"), params.flag("t")) == (True, False, None, True)
    assert (params.number("n"), params.text("n"), params.text("t"), params.text("none", "x")) == (5, "5", "true", "x")
    with pytest.raises(ApiError, match="whole number"):
        params.number("big")


@contextlib.contextmanager
def refused_politely_or_not_at_all() -> Iterator[None]:
    refusal = None
    try:
        yield
    except ApiError as error:
        refusal = error
    assert refusal is None or refusal.status == 400


@given(st.text(alphabet="ab[]=&0%\x00é", max_size=60))
def test_no_query_makes_the_reader_stumble(query: str) -> None:
    params = Params()
    with refused_politely_or_not_at_all():
        params = Params(parse_query(query))
    for name in list(params.names()):
        params.mappings(name)
        for read in (params.text, params.flag, params.number, params.ids, params.list, params.mapping):
            with refused_politely_or_not_at_all():
                read(name)


@given(st.binary(max_size=40))
def test_no_json_makes_the_reader_stumble(body: bytes) -> None:
    with refused_politely_or_not_at_all():
        parse_json(body)


def test_broad_scopes_hold_their_parts_and_nothing_else() -> None:
    assert acceptable("read:lists") == {"read:lists", "read"}
    assert acceptable("write:blocks") == {"write:blocks", "write", "follow"}
    assert acceptable("admin:read:accounts") == {"admin:read:accounts", "admin:read"}
    assert is_within(("read:lists", "push"), ("read", "push"))
    assert not is_within(("read",), ("read:lists", "write"))
    assert not is_within(("admin:read",), ("read",))
