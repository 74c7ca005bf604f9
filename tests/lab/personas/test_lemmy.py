"""Lemmy talks with our node: communities, what they announce, private messages, and what it does not take."""

from __future__ import annotations

import pytest

from fediverse_node.lab.personas.drafts import CannotDoError
from fediverse_node.lab.personas.lemmy import Lemmy
from tests.lab.personas.conftest import Alice, Open, eventually, soon


async def test_a_community_shows_its_posts_once_to_those_who_follow_it(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    boats, ann = lemmy.community("boats"), lemmy.person("ann")
    account = await alice.follows(f"@boats@{lemmy.host}")
    assert (account["group"], account["uri"]) == (True, boats.uri)
    post = await ann.posts("It is red now.", title="I painted my boat", group="boats", link="https://example.org/boat")
    assert [each.activity["type"] for each in lemmy.sent[-2:]] == ["Announce", "Announce"]
    status = await alice.reads(post.uri)
    assert status["account"]["uri"] == boats.uri
    shown = status["reblog"]
    assert shown["account"]["uri"] == ann.uri
    assert "I painted my boat" in shown["content"]
    assert "It is red now." in shown["content"]
    assert "https://example.org/boat" in shown["content"]
    assert shown["language"] == "en"
    home = await alice.api.home()
    assert [each["reblog"]["uri"] for each in home if each["reblog"]] == [post.uri]
    assert {each.status for each in lemmy.sent} == {202}


async def test_an_answer_from_here_is_passed_on_by_the_community(alice: Alice, opened: Open) -> None:
    lemmy, other = await opened(Lemmy), await opened(Lemmy)
    ann, carl = lemmy.person("ann"), other.person("carl")
    boats = lemmy.community("boats")
    boats.resident.followers[carl.uri] = {}
    await alice.follows(boats.uri)
    post = await ann.posts("Which colour?", group="boats")
    status = (await alice.reads(post.uri))["reblog"]
    answer = await alice.says(f"@{ann.handle} green", in_reply_to_id=status["id"])
    await soon(lambda: lemmy.sees("green"), "our answer")
    await soon(lambda: other.arrived, "what the community passes on")
    await alice.does(status, "favourite")
    await soon(lambda: alice.uri in post.likes, "our Like")
    await soon(
        lambda: [each for each in lemmy.sent if (each.activity["object"] or {}) and "Like" in str(each.activity)],
        "the Announce of the Like",
    )
    assert answer["uri"] in lemmy.held


async def test_a_comment_of_a_third_server_reaches_those_who_follow_the_community(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    ann, ben = lemmy.person("ann"), lemmy.person("ben")
    await alice.follows(lemmy.community("boats").uri)
    post = await ann.posts("Which colour?", group="boats")
    status = (await alice.reads(post.uri))["reblog"]
    await ben.replies(post, "green, of course")

    async def known() -> bool:
        found = await alice.api.get(f"/api/v1/statuses/{status['id']}/context")
        return any("green, of course" in each["content"] for each in found["descendants"])

    await eventually(known, "the comment in the thread", patience_s=2.0)


async def test_a_like_in_a_community_counts_for_those_who_follow_it(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    ann, ben = lemmy.person("ann"), lemmy.person("ben")
    await alice.follows(lemmy.community("boats").uri)
    post = await ann.posts("Which colour?", group="boats")
    status = (await alice.reads(post.uri))["reblog"]
    answer = await alice.says(f"@{ann.handle} green", in_reply_to_id=status["id"])
    await soon(lambda: answer["uri"] in lemmy.held, "our answer")
    await ben.likes(answer["uri"])

    async def counted() -> bool:
        return bool((await alice.api.get(f"/api/v1/statuses/{answer['id']}"))["favourites_count"] == 1)

    await eventually(counted, "the like", patience_s=2.0)


async def test_an_edit_and_a_deletion_in_a_community_reach_those_who_follow_it(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    ann = lemmy.person("ann")
    await alice.follows(lemmy.community("boats").uri)
    post = await ann.posts("Which colour?", group="boats")
    await alice.reads(post.uri)
    await ann.edits(post, "Which varnish?")

    async def changed() -> bool:
        return "varnish" in (await alice.status(post.uri))["content"]

    await eventually(changed, "the edit", patience_s=2.0)
    await ann.deletes(post)

    async def gone() -> bool:
        return not [each for each in await alice.api.home() if each["reblog"]]

    await eventually(gone, "the deletion", patience_s=2.0)


async def test_a_private_message_of_lemmy_reaches_alice(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    ann = lemmy.person("ann")
    message = await ann.posts("Is it for sale?", to="direct", mentions=[alice.uri])
    assert message.document["type"] == "ChatMessage"
    assert lemmy.sent[-1].status == 202
    told = await alice.is_told("mention", patience_s=2.0)
    assert "Is it for sale?" in told["status"]["content"]
    assert told["status"]["visibility"] == "direct"


async def test_lemmy_says_400_to_what_its_rules_do_not_take(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    ann = lemmy.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("Which colour?")
    status = await alice.reads(post.uri)
    await alice.says(f"@{ann.handle} a word in private", visibility="direct")
    await soon(lambda: lemmy.arrived[-1].ignored == "object_is_not_public", "our private message")
    await alice.does(status, "reblog")
    await soon(lambda: lemmy.arrived[-1].ignored == "an Announce is for communities", "our boost")
    await alice.says(f"@{ann.handle} in no community")
    await soon(lambda: lemmy.arrived[-1].ignored == "no_community_found_in_cc", "our mention")
    # None of this is taken for an outage: what comes next arrives.
    await alice.does(status, "favourite")
    await soon(lambda: alice.uri in post.likes, "our Like")


async def test_a_post_of_ours_that_names_a_community_becomes_one_of_its_posts(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    boats = lemmy.community("boats")
    await alice.follows(boats.uri)
    said = await alice.says(f"Who knows a good varnish? @boats@{lemmy.host}")
    await soon(lambda: said["uri"] in lemmy.held, "our post")
    announced = [each.activity["object"] for each in lemmy.sent if each.activity["type"] == "Announce"]
    assert announced[0]["object"]["id"] == said["uri"]


async def test_one_name_may_be_a_person_and_a_community(alice: Alice, opened: Open) -> None:
    lemmy = await opened(Lemmy)
    boats, person = lemmy.community("boats"), lemmy.person("boats")
    found = await alice.api.find_account(f"@boats@{lemmy.host}")
    assert found["uri"] in (boats.uri, person.uri)
    assert (await alice.follows(boats.uri))["uri"] == boats.uri
    assert (await alice.follows(person.uri))["uri"] == person.uri


async def test_people_of_lemmy_follow_nobody_and_boost_nothing(opened: Open) -> None:
    ann = (await opened(Lemmy)).person("ann")
    with pytest.raises(CannotDoError, match="follows"):
        await ann.follows("https://alpha.test/users/alice")
    with pytest.raises(CannotDoError, match="boosts"):
        await ann.boosts("https://alpha.test/1")
    with pytest.raises(CannotDoError, match="exactly one"):
        await ann.posts("psst", to="direct")
