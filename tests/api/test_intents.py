"""Following, liking, sharing and writing from a page elsewhere.  spec: fep-3b86"""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.api.conftest import PASSWORD, ApiNode, Member
from tests.api.test_oauth import Browser, inputs


async def template_of(node: ApiNode, name: str, username: str) -> str:
    """The path that WebFinger gives for an intent."""
    host = node.running.base_url.partition("://")[2]
    found = await node.call("GET", f"/.well-known/webfinger?resource=acct:{username}@{host}")
    links = {link["rel"]: link.get("template", "") for link in found.json["links"]}
    return str(links[f"https://w3id.org/fep/3b86/{name}"].removeprefix(node.running.base_url))


def filled(template: str, **values: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: quote(values.get(match[1], ""), safe=""), template)


async def test_somebody_signs_in_follows_likes_and_answers_from_links(
    node: ApiNode, alice: Member, bob: Member
) -> None:
    base = node.running.base_url
    post = await bob.post("/api/v1/statuses", status="hello")
    async with Browser(node) as browser:
        path = filled(await template_of(node, "Follow", "alice"), object=f"{base}/users/bob")
        page = await browser.get(path)
        assert (page.status, b"Sign in" in page.body) == (200, True)
        went = await browser.post("/auth/sign_in", inputs(page) | {"login": "alice", "password": PASSWORD})
        # After signing in they are where they wanted to be.
        assert went.headers["Location"].startswith("/intents/follow?object=")
        page = await browser.get(went.headers["Location"])
        assert f"{base}/users/bob".encode() in page.body
        following = f"/api/v1/accounts/relationships?id[]={bob.actor_id}"
        assert not (await alice.get(following))[0]["following"], "opening a link changes nothing"
        done = await browser.post(path, inputs(page))
        assert (done.status, b"Done" in done.body) == (200, True)
        assert (await alice.get(following))[0]["following"]
        for name, field in (("Like", "favourited"), ("Announce", "reblogged")):
            path = filled(await template_of(node, name, "alice"), object=post["uri"])
            await browser.post(path, inputs(await browser.get(path)))
            assert (await alice.get(f"/api/v1/statuses/{post['id']}"))[field]
        path = filled(await template_of(node, "Create", "alice"), content="I agree", inReplyTo=post["uri"])
        page = await browser.get(path)
        assert b"I agree</textarea>" in page.body
        await browser.post(path, inputs(page) | {"content": "I agree a lot"})
        thread = await alice.get(f"/api/v1/statuses/{post['id']}/context")
        assert ["I agree a lot" in each["content"] for each in thread["descendants"]] == [True]


@pytest.mark.parametrize(
    "path, status",
    [
        ("/intents/delete?object=https://far.example/1", 404),
        ("/intents/follow", 400),
        ("/intents/follow?object=javascript:alert(1)", 400),
        ("/intents/like?object=" + "https://far.example/" + "x" * 3000, 400),
        ("/intents/create?content=" + "x" * 5000, 400),
    ],
)
async def test_links_that_are_not_right_say_so(node: ApiNode, alice: Member, path: str, status: int) -> None:
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        assert (await browser.get(path)).status == status


async def test_another_site_cannot_act_through_the_browser_of_somebody_signed_in(
    node: ApiNode, alice: Member, bob: Member
) -> None:
    private = await bob.post("/api/v1/statuses", status="psst", visibility="private")
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        path = f"/intents/like?object={quote(private['uri'], safe='')}"
        fields = inputs(await browser.get(path))
        assert (await browser.post(path, fields | {"form_token": "0" * 64})).status == 403
        assert (await browser.post(path, {"object": private["uri"]})).status == 403
        crossed = await browser.post(path, fields, headers={"Sec-Fetch-Site": "cross-site"})
        assert crossed.status == 403
        # What she may not see is not there for her.
        refused = await browser.post(path, fields)
        assert (refused.status, b"No post was found" in refused.body) == (422, True)
        text = "<script>alert(1)</script>"
        page = await browser.get(f"/intents/create?content={quote(text)}")
        assert b"<script>" not in page.body
