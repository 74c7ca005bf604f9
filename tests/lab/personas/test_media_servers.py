"""Pixelfed, PeerTube, WordPress, Ghost, Mobilizon and GoToSocial talk with our node: what is peculiar to each."""

from __future__ import annotations

import aiohttp

from fediverse_node.lab.personas.drafts import Poll
from fediverse_node.lab.personas.ghost import Ghost
from fediverse_node.lab.personas.gotosocial import GoToSocial
from fediverse_node.lab.personas.mobilizon import Mobilizon
from fediverse_node.lab.personas.peertube import PeerTube
from fediverse_node.lab.personas.pixelfed import Pixelfed
from fediverse_node.lab.personas.serving import PICTURE
from fediverse_node.lab.personas.snac import Snac
from fediverse_node.lab.personas.wordpress import WordPress
from tests.lab.personas.conftest import Alice, Open, soon


async def test_pictures_of_pixelfed_are_seen_and_text_alone_is_dropped_there(alice: Alice, opened: Open) -> None:
    pixelfed = await opened(Pixelfed)
    pia = pixelfed.person("pia")
    await alice.follows(pia.uri)
    await pia.follows(alice.uri)
    await soon(lambda: pia.is_following(alice.uri), "our Accept")
    post = await pia.posts("Low sun", pictures=["a pier at dusk"], hashtags=["pier"], warning="bright")
    status = await alice.reads(post.uri)
    assert [each["description"] for each in status["media_attachments"]] == ["a pier at dusk"]
    assert (status["spoiler_text"], [tag["name"] for tag in status["tags"]]) == ("bright", ["pier"])
    await alice.says("No picture here")
    await soon(lambda: pixelfed.arrived[-1].ignored == "there is no picture in it", "our post")
    png = aiohttp.FormData()
    png.add_field("file", PICTURE, filename="pier.png", content_type="image/png")
    media = await alice.api.call("POST", "/api/v2/media", data=png)
    await alice.says("With a picture", media_ids=[media["id"]])
    await soon(lambda: pia.sees("With a picture"), "our picture")


async def test_a_sign_in_page_is_not_taken_for_a_post(alice: Alice, opened: Open) -> None:
    pia = (await opened(Pixelfed)).person("pia")
    secret = await pia.posts("For friends alone", to="followers")
    found = await alice.api.get("/api/v2/search", q=secret.uri, type="statuses", resolve=True)
    assert found["statuses"] == []


async def test_what_pixelfed_shows_to_followers_reaches_alice(alice: Alice, opened: Open) -> None:
    pia = (await opened(Pixelfed)).person("pia")
    await alice.follows(pia.uri)
    secret = await pia.posts("For friends alone", to="followers")
    assert (await alice.reads(secret.uri))["visibility"] == "private"


async def test_a_story_is_accepted_and_not_shown(alice: Alice, opened: Open) -> None:
    pixelfed = await opened(Pixelfed)
    pia = pixelfed.person("pia")
    await alice.follows(pia.uri)
    uri = await pixelfed.tells_story(pia, "Only today")
    assert (pixelfed.sent[-1].activity["type"], pixelfed.sent[-1].status) == ("Add", 202)
    assert await alice.api.home() == []
    token = pixelfed.stories[uri][0]
    async with aiohttp.ClientSession() as session:
        async with session.get(uri) as answer:
            assert answer.status == 404
        async with session.get(uri, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (await answer.json(content_type=None))["attachment"]["mediaType"] == "image/png"


async def test_a_video_by_an_account_and_a_channel_is_one_post_with_a_film(alice: Alice, opened: Open) -> None:
    peertube = await opened(PeerTube)
    ann = peertube.person("ann")
    channel = peertube.channel(ann)
    await alice.follows(channel.uri)
    video = await ann.posts("Step by step.\nAnd slowly.", title="How to splice", hashtags=["ropes"])
    status = await alice.reads(video.uri)
    assert status["account"]["uri"] == channel.uri
    shown = status["reblog"]
    assert shown["account"]["uri"] == ann.uri
    assert "How to splice" in shown["content"]
    assert "Step by step." in shown["content"]
    film = shown["media_attachments"][0]
    assert film["type"] == "video"
    assert film["remote_url"].endswith("-720-fragmented.mp4")
    assert shown["url"] == video.uri
    assert [tag["name"] for tag in shown["tags"]] == ["ropes"]
    await alice.does(shown, "favourite")
    await soon(lambda: alice.uri in video.likes, "our Like")
    comment = await alice.says(f"@{ann.handle} Thank you", in_reply_to_id=shown["id"])
    await soon(lambda: peertube.sees("Thank you"), "our comment")
    answer = await ann.replies(comment["uri"], "You are welcome")
    assert answer.uri.startswith(f"{video.uri}/comments/")
    assert (await alice.is_told("mention"))["status"]["in_reply_to_id"] == comment["id"]
    await ann.likes(comment["uri"])
    assert (await alice.is_told("favourite"))["account"]["uri"] == ann.uri


async def test_peertube_refuses_what_is_no_comment_and_its_server_may_follow(alice: Alice, opened: Open) -> None:
    peertube = await opened(PeerTube)
    ann = peertube.person("ann")
    await peertube.follows_as_server(alice.uri)
    await soon(lambda: peertube.server.is_following(alice.uri), "our Accept")
    await alice.says("Nothing about films")
    await soon(lambda: peertube.arrived and peertube.arrived[-1].ignored.startswith("only public comments"), "our post")
    assert not ann.sees("Nothing about films")


async def test_an_article_is_a_title_a_text_and_a_link(alice: Alice, opened: Open) -> None:
    wordpress = await opened(WordPress)
    ann = wordpress.person("ann")
    await alice.follows(ann.uri)
    post = await ann.posts("The whole story.", title="A day at sea", pictures=["the sea"], hashtags=["sea"])
    status = await alice.reads(post.uri)
    assert "A day at sea" in status["content"]
    assert "The whole story." in status["content"]
    assert status["spoiler_text"] == ""
    assert status["url"] != post.uri
    assert status["url"] in status["content"]
    assert status["media_attachments"][0]["description"] == "the sea"
    comment = await ann.replies((await alice.says("Nice", in_reply_to_id=status["id"]))["uri"], "Thanks")
    assert (await alice.is_told("mention"))["status"]["uri"] == comment.uri


async def test_an_author_is_found_without_the_slash_and_a_missing_page_is_none(alice: Alice, opened: Open) -> None:
    wordpress = await opened(WordPress)
    ann = wordpress.person("ann")
    assert (await alice.api.find_account(ann.uri.rstrip("/")))["uri"] == ann.uri
    found = await alice.api.get("/api/v2/search", q=f"{wordpress.origin}/?p=99", type="statuses", resolve=True)
    assert found["statuses"] == []
    post = await ann.posts("Found by its page", title="Page")
    assert (await alice.status(post.document["url"]))["uri"] == post.uri


async def test_ghost_needs_one_knock_and_everybody_is_public_in_short(alice: Alice, opened: Open) -> None:
    ghost = await opened(Ghost)
    ann = ghost.person("ann")
    await alice.follows(ann.uri)
    article = await ann.posts("A long text", title="An essay")
    note = await ann.posts("A short one")
    assert b'"to":"as:Public"' in ghost.encode(article.document)
    assert {(each.form, each.status) for each in ghost.sent} == {("rfc9421", 202)}
    assert "An essay" in (await alice.reads(article.uri))["content"]
    status = await alice.reads(note.uri)
    assert status["visibility"] == "public"
    await alice.does(status, "favourite")
    await soon(lambda: alice.uri in note.likes, "our Like")
    # Who signs in the new way is answered in the new way.
    assert ghost.told("Like")
    assert [each.scheme for each in ghost.arrived] == ["cavage", "rfc9421"]


async def test_an_event_says_when_and_where(alice: Alice, opened: Open) -> None:
    mobilizon = await opened(Mobilizon)
    ann = mobilizon.person("ann")
    assert "BEGIN RSA PUBLIC KEY" in mobilizon.actor_document(ann.resident)["publicKey"]["publicKeyPem"]
    await alice.follows(ann.uri)
    event = await ann.posts("Bring a cup.", title="Harbour breakfast")
    status = await alice.reads(event.uri)
    for words in ("Harbour breakfast", "18:00 – 20:00 UTC", "The old harbour", "Seatown", "Bring a cup."):
        assert words in status["content"]
    answer = await alice.says(f"@{ann.handle} I will come", in_reply_to_id=status["id"])
    await soon(lambda: event.replies == [answer["uri"]], "our comment")


async def test_gotosocial_is_read_signed_and_understood_in_its_spelling(alice: Alice, opened: Open) -> None:
    gts = await opened(GoToSocial)
    gil = gts.person("gil")
    assert (await alice.follows(f"@{gil.handle}"))["uri"] == gil.uri
    post = await gil.posts("One & <only>", hashtags=["gold"], pictures=["a coin"], to="unlisted", warning="loud")
    assert b"\\u0026amp;" in gts.encode(post.document)
    assert b'"tag":{' in gts.encode(post.document)
    status = await alice.reads(post.uri)
    assert "One &amp; &lt;only&gt;" in status["content"]
    assert [tag["name"] for tag in status["tags"]] == ["gold"]
    assert status["media_attachments"][0]["description"] == "a coin"
    assert (status["visibility"], status["spoiler_text"]) == ("unlisted", "loud")
    asked = await gil.posts("Which?", poll=Poll(("a", "b")))
    poll = (await alice.reads(asked.uri))["poll"]
    await alice.api.post(f"/api/v1/polls/{poll['id']}/votes", choices=[0])
    await soon(lambda: asked.votes == {alice.uri: ["a"]}, "the vote")
    assert not gts.refused


async def test_snac_gets_many_posts_although_it_closes_every_connection(alice: Alice, opened: Open) -> None:
    snac = await opened(Snac)
    sven = snac.person("sven")
    await sven.follows(alice.uri)
    await soon(lambda: sven.is_following(alice.uri), "our Accept")
    for number in range(12):
        await alice.says(f"Number {number}")
    await soon(lambda: all(sven.sees(f"Number {number}") for number in range(12)), "twelve posts")
    await alice.says("For followers", visibility="private")
    await soon(lambda: sven.sees("For followers"), "what is for followers")
    await alice.says(f"@{sven.handle} for you", visibility="direct")
    await soon(lambda: sven.sees("for you"), "a private word")
    assert not snac.refused
