"""Pages for people: what they show, what they load, and what they do not let through."""

from __future__ import annotations

import re

import pytest

from fediverse_node.storage import tables
from tests.web.builders import DAY_MS, HOUR_MS, NOW_MS, UNLISTED
from tests.web.conftest import MakeNode, Node
from tests.web.reading_html import read, read_main

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)><svg/onload=alert(1)>{{7*7}}"
ATTACK_URL = "javascript:alert(1)//https://"


async def _hostile_town(node: Node) -> tuple[int, list[str]]:
    """A town in which every text is an attack; the id of a post and the paths of its pages."""
    town = node.town
    fields: list[dict[str, str | None]] = [{"name": ATTACK, "value": ATTACK, "verified_at": ATTACK}]
    fields.append({"name": "x", "value": f'<a href="{ATTACK_URL}">x</a>', "verified_at": None})
    emojis = [{"shortcode": 'x"onerror=alert(1) "', "url": f'{node.base_url}/media/"onload=alert(1) ".png'}]
    alice = await town.actor(
        "alice",
        name=ATTACK + ':x"onerror=alert(1) ":',
        summary=ATTACK,
        fields=fields,
        emojis=emojis,
        icon_url='"><script>alert(1)</script>.png',
        icon_description=ATTACK,
        image_url='"onload=alert(1).png',
        image_description=ATTACK,
        moved_to_uri=ATTACK_URL,
    )
    await town.actor("carol", name=ATTACK, summary=ATTACK)
    bob = await town.stranger("bob", name=ATTACK, url=ATTACK_URL)
    media = [
        {"type": kind, "path": '"onerror=alert(1).png', "description": ATTACK, "preview_path": "'><b>.png"}
        for kind in ("image", "video", "audio", "gifv", "unknown")
    ]
    post = await town.post(
        alice,
        ATTACK + f'<a href="{ATTACK_URL}">x</a>',
        summary=ATTACK,
        attachments=media,
        tags=['"><script>alert(1)</script>'],
        poll={"options": [ATTACK, ATTACK]},
        language='"><script>',
        parts={"tags": [ATTACK], "emojis": emojis},
    )
    plain = await town.post(alice, ATTACK, parts={"emojis": emojis})
    await town.post(
        bob,
        ATTACK,
        uri="https://remote.example/1",
        url=ATTACK_URL,
        local=False,
        answers=post,
        age_ms=1000,
        attachments=[{"type": ATTACK, "remote_url": ATTACK_URL, "description": ATTACK}],
    )
    await town.pin(alice, plain)
    tag = "/tags/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    return post, ["/", "/@alice", "/@alice?show=media", f"/@alice/{post}", f"/@alice/{plain}", tag]


async def test_nothing_that_strangers_write_becomes_markup(node: Node) -> None:
    _, paths = await _hostile_town(node)
    for path in paths:
        seen = await node.get(path)
        assert seen.status == 200, path
        page = read(seen.text)
        assert not page.named("script"), path
        assert not page.named("iframe"), path
        for element in page.elements:
            handlers = [name for name in element.attributes if name.startswith("on")]
            assert not handlers, (path, element)
            assert "style" not in element.attributes, (path, element)
            for name in ("href", "src", "poster", "content", "action"):
                assert not element.attributes.get(name, "").strip().lower().startswith("javascript:"), (path, element)
        for picture in page.named("img"):
            assert picture.attributes["src"].startswith(("/media/", "/assets/")), (path, picture)
        assert "{{7*7}}" in seen.text or path.startswith("/tags"), "templates must not be evaluated twice"


async def test_pages_load_nothing_from_other_servers(node: Node) -> None:
    town = node.town
    emojis = [{"shortcode": "far", "url": "https://remote.example/far.png"}]
    alice = await town.actor("alice", icon_url="a.png", image_url="b.png", name="Alice :far:", emojis=emojis)
    bob = await town.stranger(icon_url="https://remote.example/bob.png", name="Bob :far:", emojis=emojis)
    remote = {"type": "image", "remote_url": "https://remote.example/1.jpg", "description": "A boat"}
    films = [
        {"type": kind, "remote_url": f"https://remote.example/{kind}", "remote_preview_url": "https://remote.example/p"}
        for kind in ("video", "audio", "gifv", "unknown")
    ]
    post = await town.post(alice, '<p>x :far: <img src="https://remote.example/x.png"></p>', parts={"emojis": emojis})
    await town.post(
        bob,
        '<p>y :far: <img src="https://remote.example/y.png"></p>',
        uri="https://remote.example/1",
        local=False,
        answers=post,
        age_ms=1000,
        attachments=[remote, *films],
        parts={"emojis": emojis},
    )
    shared = await town.post(bob, uri="https://remote.example/2", local=False, attachments=[remote])
    await town.announce(alice, shared)
    for path in ("/", "/@alice", "/@alice?show=replies", f"/@alice/{post}", "/tags/sea", "/@nobody"):
        seen = await node.get(path)
        page = read(seen.text)
        assert page.loaded, path
        for address in page.loaded:
            assert address.startswith("/"), (path, address)
            assert not address.startswith("//"), (path, address)
        policy = seen.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert seen.headers["X-Content-Type-Options"] == "nosniff"
        assert not page.named("script")
    thread = read((await node.get(f"/@alice/{post}")).text)
    assert "https://remote.example/1.jpg" in [a.attributes.get("href") for a in thread.named("a")]
    assert "A boat" in thread.text


async def test_everything_a_page_loads_is_there_and_may_be_kept(node: Node) -> None:
    await node.town.actor("alice")
    for address in read((await node.get("/@alice")).text).loaded:
        seen = await node.get(address, "*/*")
        assert seen.status == 200
        assert "immutable" in seen.headers["Cache-Control"]
        assert re.search(r"-[0-9a-f]{16}\.", address)
    assert (await node.get("/assets/style.css")).status == 404
    assert (await node.get("/assets/..%2Ftemplates%2Fbase.html")).status == 404


async def test_a_profile_tells_who_this_is(any_node: Node) -> None:
    town = any_node.town
    alice = await town.actor(
        "alice",
        type="Organization",
        name="The Harbour",
        summary="<p>We keep the lights on.</p>",
        icon_url="a.png",
        icon_description="A lighthouse",
        statuses_count=2,
        fields=[
            {"name": "Site", "value": '<a href="https://harbour.example">x</a>', "verified_at": "2026-03-04T10:00:00Z"},
            {"name": "Other", "value": '<a href="https://other.example">y</a>', "verified_at": None},
        ],
    )
    await town.post(alice, "<p>Ahoy</p>")
    page = read((await any_node.get("/@alice")).text)
    assert [e.name for e in page.elements if e.name == "h1"] == ["h1"]
    for words in ("The Harbour", f"@alice@{any_node.host}", "Organisation", "We keep the lights on.", "Ahoy"):
        assert words in page.text
    mine = {a.attributes["href"]: a.attributes for a in page.named("a") if "me" in a.attributes.get("rel", "").split()}
    assert set(mine) == {"https://harbour.example", "https://other.example"}
    assert page.text.count("verified") == 1
    assert page.meta("og:title") == f"The Harbour (@alice@{any_node.host})"
    assert page.meta("og:description") == "We keep the lights on."
    assert page.meta("og:image") == f"{any_node.base_url}/media/a.png"
    assert page.meta("og:type") == "profile"
    assert page.meta("twitter:card") == "summary"
    assert page.meta("robots") is None
    assert page.links("canonical") == [{"rel": "canonical", "href": f"{any_node.base_url}/@alice"}]
    alternates = {link["type"]: link["href"] for link in page.links("alternate")}
    assert alternates == {
        "application/activity+json": f"{any_node.base_url}/users/alice",
        "application/rss+xml": f"{any_node.base_url}/@alice.rss",
        "application/atom+xml": f"{any_node.base_url}/@alice.atom",
    }


@pytest.mark.parametrize(
    "values, is_listed",
    [
        ({"discoverable": True, "indexable": True}, True),
        ({"discoverable": True, "indexable": False}, False),
        ({"discoverable": False, "indexable": True}, False),
        ({"discoverable": None, "indexable": True}, False),
    ],
)
async def test_search_engines_are_asked_away_unless_invited(
    node: Node, values: dict[str, bool | None], is_listed: bool
) -> None:
    alice = await node.town.actor("alice", **values)
    post = await node.town.post(alice)
    for path in ("/@alice", f"/@alice/{post}"):
        robots = read((await node.get(path)).text).meta("robots")
        assert (robots is None) == is_listed, path
        assert is_listed or "noindex" in str(robots)
    feed = await node.get("/@alice.rss", "*/*")
    assert ("X-Robots-Tag" in feed.headers) != is_listed


async def test_an_unlisted_post_is_never_for_search_engines(node: Node) -> None:
    post = await node.town.post(await node.town.actor("alice"), visibility=UNLISTED)
    assert "noindex" in str(read((await node.get(f"/@alice/{post}")).text).meta("robots"))


async def test_a_post_stands_in_its_whole_conversation(any_node: Node) -> None:
    town = any_node.town
    alice, bob = await town.actor("alice"), await town.stranger()

    async def remote(words: str, answers: int, age_ms: int) -> int:
        uri = f"https://remote.example/{words}"
        return await town.post(bob, f"<p>{words}</p>", uri=uri, local=False, answers=answers, age_ms=age_ms)

    root = await town.post(alice, "<p>first</p>", age_ms=9 * HOUR_MS)
    second = await remote("second", root, 8 * HOUR_MS)
    focus = await town.post(alice, "<p>third</p>", answers=second, age_ms=7 * HOUR_MS)
    await remote("aside", root, 6 * HOUR_MS)
    below = await remote("fourth", focus, 5 * HOUR_MS)
    for number in range(5, 12):
        below = await remote(f"deep{number}", below, (12 - number) * 60_000)
    # Its clock is wrong: by its id it is older than what it answers.
    await remote("early", focus, 7 * HOUR_MS + 60_000)
    page = read((await any_node.get(f"/@alice/{focus}")).text)
    text = read_main((await any_node.get(f"/@alice/{focus}")).text).text.split("Earlier in this conversation")[1]
    places = [text.index(words) for words in ("first", "second", "third", "fourth", "deep5", "deep11")]
    assert places == sorted(places)
    assert "early" in page.text
    assert "aside" not in page.text
    assert page.meta("og:description") == "third"
    current = [e for e in page.named("article") if e.attributes.get("aria-current")]
    assert [e.attributes["id"] for e in current] == [f"post-{focus}"]
    assert len({e.attributes["id"] for e in page.named("article")}) == len(page.named("article")) == 12


async def test_what_stands_behind_a_warning_is_folded_and_not_told_in_previews(node: Node) -> None:
    alice = await node.town.actor("alice", icon_url="a.png")
    media = [{"type": "image", "path": "shock.png", "description": "A wound"}]
    post = await node.town.post(alice, "<p>Blood</p>", summary="Medicine", sensitive=True, attachments=media)
    html = (await node.get(f"/@alice/{post}")).text
    page = read(html)
    folded = html[html.index("<details") : html.index("</details>\n<footer")]
    assert "Blood" in folded
    assert "shock.png" in folded
    assert page.meta("og:description") == "Medicine"
    assert page.meta("og:image") == f"{node.base_url}/media/a.png"
    title = html[html.index("<title>") : html.index("</title>")]
    assert "Medicine" in title
    assert "Blood" not in title
    assert not any("open" in e.attributes for e in page.named("details"))


async def test_pictures_have_their_descriptions_and_sizes(node: Node) -> None:
    alice = await node.town.actor("alice")
    media = [
        {
            "type": "image",
            "path": "a/b c.png",
            "description": "Two boats",
            "width": 640,
            "height": 480,
            "focus": [1, -1],
        },
        {"type": "video", "path": "v.mp4", "preview_path": "v.jpg", "description": "A wave"},
    ]
    post = await node.town.post(alice, attachments=media)
    page = read((await node.get(f"/@alice/{post}")).text)
    picture = next(e.attributes for e in page.named("img") if e.attributes["src"] == "/media/a/b%20c.png")
    assert (picture["alt"], picture["width"], picture["height"]) == ("Two boats", "640", "480")
    assert picture["class"] == "fx-10 fy-10"
    film = page.named("video")[0].attributes
    assert (film["aria-label"], film["poster"], film["src"]) == ("A wave", "/media/v.jpg", "/media/v.mp4")
    assert page.meta("og:image") == f"{node.base_url}/media/a/b%20c.png"
    assert page.meta("twitter:card") == "summary_large_image"
    assert all("alt" in e.attributes for e in page.named("img"))


@pytest.mark.parametrize(
    "poll, shares, words",
    [
        ({"counts": [3, 1], "voters_count": 4}, ["75 %", "25 %"], "4 people answered · open"),
        ({"counts": [3, 3], "voters_count": 4, "multiple": True}, ["75 %", "75 %"], "several answers possible"),
        ({"counts": [0, 0], "voters_count": 0}, ["0 %", "0 %"], "0 people answered"),
        ({"counts": [3, 1], "hide_totals": True, "expires_ms": NOW_MS + DAY_MS}, [], "open until"),
        ({"counts": [3, 1], "hide_totals": True, "expires_ms": NOW_MS - 1}, ["75 %", "25 %"], "closed"),
    ],
)
async def test_polls_show_their_results(node: Node, poll: dict[str, object], shares: list[str], words: str) -> None:
    post = await node.town.post(await node.town.actor("alice"), poll=poll)
    page = read((await node.get(f"/@alice/{post}")).text)
    assert re.findall(r"\d+ %", page.text) == shares
    assert words in page.text


async def test_custom_emoji_of_ours_are_pictures_and_foreign_ones_are_text(node: Node) -> None:
    ours = {"shortcode": "boat", "url": f"{node.base_url}/media/boat.png"}
    foreign = {"shortcode": "far", "url": "https://remote.example/far.png"}
    alice = await node.town.actor("alice", name="Alice :boat: :far:", emojis=[ours, foreign])
    post = await node.town.post(
        alice,
        '<p>:boat: :far: <a href="https://remote.example/:boat:">x</a> &lt;:boat:&gt;</p>',
        parts={"emojis": [ours, foreign]},
    )
    page = read((await node.get(f"/@alice/{post}")).text)
    pictures = [e.attributes for e in page.named("img") if e.attributes["src"] == "/media/boat.png"]
    assert len(pictures) == 3, "in the name, in the text, between the brackets"
    assert {picture["alt"] for picture in pictures} == {":boat:"}
    assert "https://remote.example/:boat:" in [e.attributes.get("href") for e in page.named("a")]
    post_text = read_main((await node.get("/@alice")).text).text
    assert post_text.count(":far:") == 1, "in the text, not in the name"


async def test_boosts_are_marked_and_shown_whole(node: Node) -> None:
    alice, bob = await node.town.actor("alice"), await node.town.stranger(name="Bob")
    shared = await node.town.post(bob, "<p>Worth reading</p>", uri="https://remote.example/1", local=False)
    await node.town.announce(alice, shared)
    page = read((await node.get("/@alice")).text)
    assert re.search(r"Alice\s+shared", page.text)
    assert "Worth reading" in page.text
    assert "@bob@remote.example" in page.text


async def test_the_language_and_direction_of_a_post_are_told(node: Node) -> None:
    post = await node.town.post(await node.town.actor("alice"), "<p>مرحبا</p>", language="ar")
    texts = [
        e.attributes for e in read((await node.get(f"/@alice/{post}")).text).named("div") if "lang" in e.attributes
    ]
    assert texts == [{"class": "text e-content", "dir": "auto", "lang": "ar"}]


async def test_times_are_told_for_people_and_for_machines(node: Node) -> None:
    alice = await node.town.actor("alice")
    post = await node.town.post(alice, age_ms=3 * HOUR_MS, edited_ms=NOW_MS - HOUR_MS)
    page = read((await node.get("/@alice")).text)
    assert "3 hours ago" in page.text
    assert "edited 1 hour ago" in " ".join(page.text.split())
    times = [e.attributes["datetime"] for e in read((await node.get(f"/@alice/{post}")).text).named("time")]
    assert times == ["2026-09-21T11:13:20Z", "2026-09-21T13:13:20Z"]


async def test_older_posts_are_a_click_away(any_node: Node) -> None:
    alice = await any_node.town.actor("alice")
    for number in range(45):
        await any_node.town.post(alice, f"<p>post {number:02}</p>", tags=["sea"], age_ms=(100 - number) * HOUR_MS)
    for start in ("/@alice", "/@alice?show=replies", "/tags/sea"):
        path, seen = start, list[str]()
        while path:
            page = read((await any_node.get(path)).text)
            seen += re.findall(r"post \d\d", page.text)
            path = next((e.attributes["href"] for e in page.named("a") if e.attributes.get("rel") == "next"), "")
        assert seen == [f"post {number:02}" for number in range(44, -1, -1)], start


async def test_tabs_part_posts_from_replies_and_media(node: Node) -> None:
    town = node.town
    alice, bob = await town.actor("alice"), await town.stranger()
    theirs = await town.post(bob, uri="https://remote.example/1", local=False)
    mine = await town.post(alice, "<p>plain</p>")
    await town.post(alice, "<p>answer</p>", answers=theirs)
    await town.post(alice, "<p>sequel</p>", answers=mine)
    await town.post(alice, "<p>picture</p>", attachments=[{"type": "image", "path": "a.png"}])
    for show, words in (
        ("", {"plain", "sequel", "picture"}),
        ("?show=replies", {"plain", "answer", "sequel", "picture"}),
        ("?show=media", {"picture"}),
        ("?show=nonsense", {"plain", "sequel", "picture"}),
    ):
        text = read((await node.get(f"/@alice{show}")).text).text
        assert {word for word in ("plain", "answer", "sequel", "picture") if word in text} == words, show


async def test_pages_can_be_used_by_keyboard_and_screen_reader(node: Node) -> None:
    alice = await node.town.actor("alice")
    post = await node.town.post(alice)
    for path in ("/", "/@alice", f"/@alice/{post}", "/tags/sea", "/@nobody"):
        page = read((await node.get(path)).text)
        assert len(page.named("main")) == 1, path
        assert len(page.named("h1")) == 1, path
        assert page.named("html")[0].attributes["lang"] == "en"
        first_link = page.named("a")[0].attributes
        assert first_link["href"] == f"#{page.named('main')[0].attributes['id']}", path
        ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
        assert len(ids) == len(set(ids)), path
        for element in page.elements:
            for label in element.attributes.get("aria-labelledby", "").split():
                assert label in ids, (path, element)


async def test_empty_places_say_so(node: Node) -> None:
    assert "Nobody here has asked to be listed" in (await node.get("/")).text
    await node.town.actor("alice")
    assert "Nothing has been posted yet" in (await node.get("/@alice")).text
    assert "Nobody here has used this hashtag" in (await node.get("/tags/unheard")).text


async def test_the_front_page_tells_what_this_is_and_how_to_take_part(make_node: MakeNode) -> None:
    node = await make_node(title="Harbour", description="For the town", contact_email="desk@harbour.example")
    alice = await node.town.actor("alice", name="Alice", summary="<p>Keeper of the light</p>")
    await node.town.user(alice)
    page = read((await node.get("/")).text)
    for words in ("Harbour", "For the town", "Alice", "Keeper of the light", node.host, "takes no new members"):
        assert words in page.text
    assert "mailto:desk@harbour.example" in [e.attributes["href"] for e in page.named("a")]
    assert page.meta("og:site_name") == "Harbour"


async def test_memorial_and_moved_profiles_say_so(node: Node) -> None:
    await node.town.actor("alice", memorial=True)
    await node.town.actor("carol", moved_to_uri="https://new.example/users/carol")
    assert "In memoriam" in (await node.get("/@alice")).text
    assert "https://new.example/users/carol" in (await node.get("/@carol")).text


async def test_a_failure_inside_says_nothing_about_the_inside(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    await node.town.actor("alice")
    async with node.town.engine.begin() as connection:
        await connection.run_sync(lambda sync: tables.pins.drop(sync))
    for accept, kind in (("text/html", "text/html"), ("application/json", "application/json")):
        seen = await node.get("/@alice" if kind == "text/html" else "/users/alice/collections/featured", accept)
        assert seen.status == 500
        assert seen.headers["Content-Type"].startswith(kind)
        assert "pins" not in seen.text
    assert "web.failed" in caplog.text
