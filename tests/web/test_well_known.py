"""WebFinger, host-meta, NodeInfo and robots.txt."""

from __future__ import annotations

from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest

from fediverse_node.protocol.nodeinfo import parse_application
from fediverse_node.protocol.webfinger import Jrd, parse_jrd
from tests.web.builders import DAY_MS, DIRECT, NOW_MS
from tests.web.conftest import MakeNode, Node


def _webfinger(resource: str) -> str:
    return f"/.well-known/webfinger?resource={quote(resource, safe='')}"


@pytest.mark.parametrize(
    "form",
    [
        "acct:alice@{host}",
        "acct:ALICE@{host}",
        "ACCT:alice@{host}",
        "alice@{host}",
        "@alice@{host}",
        "acct:@alice@{host}",
        "{base}/users/alice",
        "{base}/@alice",
    ],
)
async def test_somebody_is_found_by_every_form_of_the_handle(any_node: Node, form: str) -> None:
    await any_node.town.actor("alice", icon_url="a/b.png")
    seen = await any_node.get(_webfinger(form.format(host=any_node.host, base=any_node.base_url)), "*/*")
    assert seen.status == 200
    assert seen.headers["Content-Type"].startswith("application/jrd+json")
    assert seen.headers["Access-Control-Allow-Origin"] == "*"
    document = await any_node.document(_webfinger(f"acct:alice@{any_node.host}"))
    jrd = parse_jrd(document)
    assert isinstance(jrd, Jrd)
    assert jrd.subject == f"acct:alice@{any_node.host}"
    assert jrd.actor_uri == f"{any_node.base_url}/users/alice"
    assert jrd.profile_url == f"{any_node.base_url}/@alice"
    avatar = next(link for link in document["links"] if link["rel"].endswith("avatar"))
    assert avatar["href"] == f"{any_node.base_url}/media/a/b.png"
    assert avatar["type"] == "image/png"


@pytest.mark.parametrize(
    "resource, status",
    [
        ("acct:nobody@{host}", 404),
        ("acct:alice@elsewhere.example", 404),
        ("https://elsewhere.example/users/alice", 404),
        ("{base}/users/alice/outbox", 404),
        ("{base}/users/", 404),
        ("acct:alice", 400),
        ("acct:@{host}", 400),
        ("acct:a b@{host}", 400),
        ("mailto:alice@{host}", 400),
        ("acct:alice@bad host", 400),
        ("acct:" + "a" * 3000 + "@{host}", 400),
        ("", 400),
    ],
)
async def test_who_is_not_here_or_not_a_handle_is_refused_as_json(node: Node, resource: str, status: int) -> None:
    await node.town.actor("alice")
    seen = await node.get(_webfinger(resource.format(host=node.host, base=node.base_url)), "*/*")
    assert seen.status == status
    assert seen.headers["Content-Type"].startswith("application/json")
    assert '"error"' in seen.text


async def test_webfinger_without_a_resource_is_a_bad_request(node: Node) -> None:
    assert (await node.get("/.well-known/webfinger", "*/*")).status == 400


async def test_only_the_wanted_relations_are_answered(node: Node) -> None:
    await node.town.actor("alice")
    document = await node.document(_webfinger(f"acct:alice@{node.host}") + "&rel=self")
    assert [link["rel"] for link in document["links"]] == ["self"]


async def test_a_deleted_account_is_gone(node: Node) -> None:
    await node.town.actor("alice", deleted_ms=NOW_MS)
    assert (await node.get(_webfinger(f"acct:alice@{node.host}"), "*/*")).status == 410


async def test_somebody_on_another_server_is_not_answered_for(node: Node) -> None:
    await node.town.stranger("bob", "remote.example")
    assert (await node.get(_webfinger("acct:bob@remote.example"), "*/*")).status == 404
    assert (await node.get(_webfinger(f"acct:bob@{node.host}"), "*/*")).status == 404


async def test_the_server_itself_is_found_by_its_host_and_its_address(node: Node) -> None:
    await node.town.instance_actor()
    for resource in (f"acct:{node.host}@{node.host}", node.base_url, f"{node.base_url}/", f"{node.base_url}/actor"):
        jrd = parse_jrd(await node.document(_webfinger(resource)))
        assert isinstance(jrd, Jrd), resource
        is_address = resource.rstrip("/") == node.base_url  # spec: fep-d556: then the answer is about the address
        assert jrd.subject == (f"{node.base_url}/" if is_address else f"acct:{node.host}@{node.host}")
        assert jrd.actor_uri == jrd.server_actor == f"{node.base_url}/actor"
        assert f"acct:{node.host}@{node.host}" in (jrd.subject, *jrd.aliases)


async def test_host_meta_leads_to_webfinger(node: Node) -> None:
    seen = await node.get("/.well-known/host-meta", "*/*")
    assert seen.headers["Content-Type"].startswith("application/xrd+xml")
    link = Xml.fromstring(seen.text).find("{http://docs.oasis-open.org/ns/xri/xrd-1.0}Link")
    assert link is not None
    template = f"{node.base_url}/.well-known/webfinger?resource={{uri}}"
    assert link.get("template") == template
    for path, accept in (("/.well-known/host-meta.json", "*/*"), ("/.well-known/host-meta", "application/json")):
        links = (await node.document(path, accept))["links"]
        assert links[0]["template"] == template
        assert links[1]["href"] == f"{node.base_url}/actor"


async def test_nodeinfo_counts_who_and_what_is_here(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    for seen_days_ago in (1, 40, 400):
        await town.user(alice, last_seen_ms=NOW_MS - seen_days_ago * DAY_MS)
    await town.user(alice, disabled_ms=NOW_MS)
    await town.user(alice, confirmed_ms=None)
    await town.user(alice, approved_ms=None)
    first = await town.post(alice)
    await town.post(alice, visibility=DIRECT)
    await town.post(alice, answers=first)
    await town.announce(alice, first)
    await town.post(bob, uri="https://remote.example/1", local=False)
    links = await any_node.document("/.well-known/nodeinfo")
    documents = {f"{any_node.base_url}/nodeinfo/2.{minor}" for minor in (0, 1, 2)}
    assert {link["href"] for link in links["links"]} == {*documents, f"{any_node.base_url}/actor"}
    assert parse_application(links) == f"{any_node.base_url}/actor"
    for version in ("2.0", "2.1", "2.2"):
        info = await any_node.document(f"/nodeinfo/{version}")
        assert info["version"] == version
        assert info["software"]["name"] == "fediverse-node"
        assert info["protocols"] == ["activitypub"]
        assert info["openRegistrations"] is False
        assert info["metadata"]["accountActivationRequired"] is False
        assert info.get("instance") == ({"name": info["metadata"]["nodeName"]} if version == "2.2" else None)
        assert info["usage"] == {
            "users": {"total": 3, "activeMonth": 1, "activeHalfyear": 2},
            "localPosts": 2,
            "localComments": 1,
        }


async def test_nodeinfo_is_counted_again_after_a_minute_only(node: Node) -> None:
    alice = await node.town.actor("alice")
    await node.town.post(alice)
    assert (await node.document("/nodeinfo/2.1"))["usage"]["localPosts"] == 1
    await node.town.post(alice)
    node.clock.ms += 59_000
    assert (await node.document("/nodeinfo/2.1"))["usage"]["localPosts"] == 1
    node.clock.ms += 1_000
    assert (await node.document("/nodeinfo/2.1"))["usage"]["localPosts"] == 2


async def test_nodeinfo_says_how_to_become_a_member(make_node: MakeNode) -> None:
    node = await make_node(registration="approval", title="Harbour", description="For the town")
    info = await node.document("/nodeinfo/2.1")
    assert info["openRegistrations"] is True
    assert info["metadata"]["nodeName"] == "Harbour"
    assert info["metadata"]["nodeDescription"] == "For the town"
    assert (await node.get("/nodeinfo/1.0", "*/*")).status == 404


async def test_robots_may_read_pages_but_not_the_interfaces(node: Node) -> None:
    seen = await node.get("/robots.txt", "*/*")
    assert seen.headers["Content-Type"].startswith("text/plain")
    assert "Disallow: /api/" in seen.text
    assert "Disallow: /\n" not in seen.text


async def test_whoever_asks_for_an_icon_without_a_page_is_led_to_it(node: Node) -> None:
    seen = await node.get("/favicon.ico", "image/*")
    assert seen.status == 302
    icon = await node.get(seen.headers["Location"], "image/*")
    assert icon.status == 200
    assert icon.headers["Content-Type"].startswith("image/svg+xml")
