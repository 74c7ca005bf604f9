"""RSS and Atom of a profile."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as Xml

from tests.web.builders import HOUR_MS, NOW_MS, UNLISTED
from tests.web.conftest import Node

ATOM = "{http://www.w3.org/2005/Atom}"


async def _feed(node: Node, path: str) -> Xml.Element:
    seen = await node.get(path, "*/*")
    assert seen.status == 200
    return Xml.fromstring(seen.body)


async def test_rss_has_the_posts_of_a_profile(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice", name="Alice", icon_url="a.png"), await town.stranger()
    theirs = await town.post(bob, uri="https://remote.example/1", local=False)
    old = await town.post(alice, "<p>Old &amp; good</p>", age_ms=5 * HOUR_MS, tags=["sea"])
    new = await town.post(alice, "<p>New</p>", visibility=UNLISTED, age_ms=HOUR_MS)
    await town.post(alice, "<p>answer</p>", answers=theirs)
    await town.announce(alice, theirs)
    seen = await any_node.get("/@alice.rss", "*/*")
    assert seen.headers["Content-Type"].startswith("application/rss+xml")
    channel = Xml.fromstring(seen.body).find("channel")
    assert channel is not None
    assert channel.findtext("title") == f"Alice (@alice@{any_node.host})"
    items = channel.findall("item")
    assert [item.findtext("link") for item in items] == [f"{any_node.base_url}/@alice/{id_}" for id_ in (new, old)]
    assert items[1].findtext("description") == "<p>Old &amp; good</p>"
    assert items[1].findtext("title") == "Old & good"
    assert items[1].findtext("category") == "sea"
    when = parsedate_to_datetime(str(items[1].findtext("pubDate")))
    assert int(when.timestamp() * 1000) == NOW_MS - 5 * HOUR_MS


async def test_atom_has_them_too_with_language_and_edits(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    edited = await any_node.town.post(alice, "<p>Hallo</p>", language="de", edited_ms=NOW_MS, age_ms=HOUR_MS)
    seen = await any_node.get("/@alice.atom", "*/*")
    assert seen.headers["Content-Type"].startswith("application/atom+xml")
    feed = Xml.fromstring(seen.body)
    assert feed.findtext(f"{ATOM}id") == f"{any_node.base_url}/users/alice"
    assert feed.findtext(f"{ATOM}updated") == "2026-09-21T14:13:20Z"
    entry = feed.find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}id") == any_node.names.object("alice", edited)
    assert entry.findtext(f"{ATOM}published") == "2026-09-21T13:13:20Z"
    content = entry.find(f"{ATOM}content")
    assert content is not None
    assert content.text == "<p>Hallo</p>"
    assert content.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"


async def test_a_warning_stands_before_its_text(node: Node) -> None:
    alice = await node.town.actor("alice")
    media = [{"type": "image", "path": "a.png", "description": 'A "boat"'}]
    await node.town.post(alice, "<p>Spoiler</p>", summary="Film & end", sensitive=True, attachments=media)
    for path, title, content in (
        ("/@alice.rss", ".//item/title", ".//item/description"),
        ("/@alice.atom", f".//{ATOM}entry/{ATOM}title", f".//{ATOM}entry/{ATOM}content"),
    ):
        feed = await _feed(node, path)
        assert feed.findtext(title) == "Film & end"
        text = str(feed.findtext(content))
        assert text.index("Film &amp; end") < text.index("Spoiler")
        assert "<img" not in text, "a sensitive picture is linked, not shown"
        assert f"{node.base_url}/media/a.png" in text


async def test_feeds_are_well_formed_and_harmless_whatever_was_written(node: Node) -> None:
    attack = "]]><script>alert(1)</script>\x0b\x01 &nbsp; <b>\ufffe"
    alice = await node.town.actor("alice", name=attack, summary=attack)
    await node.town.post(
        alice,
        attack,
        summary=attack,
        tags=[attack.replace("\x01", "")],
        poll={"options": [attack, "<script>"]},
        attachments=[{"type": "image", "path": '"><script>.png', "description": attack}],
        parts={"tags": [attack]},
    )
    for path in ("/@alice.rss", "/@alice.atom"):
        feed = await _feed(node, path)
        content = feed.findtext(".//item/description") or feed.findtext(f".//{ATOM}content") or ""
        assert "<script" not in content


async def test_an_empty_feed_is_a_feed(node: Node) -> None:
    await node.town.actor("alice")
    assert (await _feed(node, "/@alice.rss")).find("channel/item") is None
    assert (await _feed(node, "/@alice.atom")).findtext(f"{ATOM}updated")
    assert (await node.get("/@nobody.rss", "*/*")).status == 404
