"""Every recorded document of every implementation says here what it says: by the table, and by a second reading."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest

from fediverse_node.cli.inspecting.words import Inspected
from fediverse_node.protocol.html import to_plain_text
from tests.dialects import naive
from tests.dialects.table import EXPECTED, PAYLOADS, inspected, keys_beside, load_table, names, shown

pytestmark = pytest.mark.skipif(
    not PAYLOADS.is_dir(), reason="the recorded documents are not beside this checkout (../shared/data/payloads)"
)

# Where the second reading is too simple, or the document wrong: what was read by eye, and why.
DIFFERENCES: Mapping[tuple[str, str], str] = {
    ("discourse/page.json", "words"): "its text is cut in the middle of a tag",
    ("fep/fep-0837_L378.json", "author"): "the actor of the Create is the author",
    ("fep/fep-171b_L126.json", "author"): "the actor of the Create is the author",
    ("fep/fep-171b_L126.json", "visibility"): "followers of somebody else count as people who are named",
    ("funfedi/event-necessary_properties-without_attributedTo.json", "author"): "the actor of the Create is the author",
    (
        "funfedi/poll-necessary_properties_polls-without_attributedTo.json",
        "author",
    ): "the actor of the Create is the author",
    ("granary/video.as2.json", "groups"): "a channel without a person is the author itself",
    ("ktistec/json_ld_spec_L764.json", "title"): "a Page without a name has its title in its summary",
    ("lemmy/lemmy-page.json", "title"): "a Page without a name has its title in its summary",
    **{
        (f"mastodon/received_{number}.json", "hashtags"): "a tag of two words becomes one word"
        for number in ("1", "10", "2", "3", "5", "6", "8", "9")
    },
    ("pasture/emoji-05.json", "emojis"): "an emoji without a picture cannot be shown",
    ("pasture/hashtags-03.json", "hashtags"): "a tag of three words becomes one word",
    ("pasture/hashtags-12.json", "hashtags"): "the wide number sign is one too",
    ("pasture/necessary_properties-03.json", "author"): "the actor of the Create is the author",
    ("peertube/framatube.org-video.json", "words"): "the ends of long links are not shown",
    ("peertube/video.json", "words"): "the ends of long links are not shown",
    ("pleroma-fixture/fep-e232-tag-example.json", "quote"): "a link that the text calls RE: is a quote",
    ("takahe/test_signatures_L14.json", "author"): "the actor of the Create is the author",
    ("takahe/test_signatures_L41.json", "author"): "the actor of the Create is the author",
    ("takahe/test_signatures_L70.json", "author"): "the actor of the Create is the author",
    ("wordpress/page.json", "files"): "WordPress escapes the ampersands of its addresses as if they were HTML",
    # Actors.
    ("bridgyfed/actor~2.json", "keys"): "the id of its key is no address",
    ("fep/fep-1042_L89.json", "followers"): "what is not on the web cannot be fetched",
    ("fep/fep-e229_L53.json", "fields"): "the words of schema.org are written out",
    ("vernissage/UserServiceTests_L168.json", "id"): "the id is no address",
    ("vernissage/UserServiceTests_L235.json", "id"): "the id is no address",
    # Activities.
    ("bookwyrm/test_inbox_L22.json", "visibility"): "nobody knows whose followers: its actor is no address",
    ("bookwyrm/test_inbox_block_L89.json", "visibility"): "nobody knows whose followers: its actor is no address",
    ("bookwyrm/test_inbox_update_L45.json", "visibility"): "nobody knows whose followers: its actor is no address",
    ("granary/like_of_object.as2.json", "reaction"): "a word is no emoji",
    ("mastodon/emoji-reaction-no-emoji.json", "reaction"): "a tilde is no emoji",
    ("mastodon/emoji-reaction-no-emoji~2.json", "reaction"): "a tilde is no emoji",
    ("mastodon/emoji-reaction-too-long.json", "reaction"): "two emoji are no reaction",
    ("misskey/misskey-like~2.json", "reaction"): "the oldest Misskeys sent words for emoji",
}


@functools.lru_cache(maxsize=1)
def everything() -> dict[str, Inspected]:
    known = keys_beside()
    return {name: inspected(name, known) for name in names()}


def _implementations() -> list[str]:
    return [path.stem for path in sorted(EXPECTED.glob("*.toml"))]


@functools.lru_cache(maxsize=1)
def table() -> dict[str, dict[str, Any]]:
    return load_table()


def _implementation(name: str) -> str:
    _, folder, more, *_ = (*name.split("/"), "")
    return f"wire-{more}" if folder == "_wire" else folder


@pytest.mark.parametrize("implementation", _implementations())
def test_every_document_of_an_implementation_is_understood(implementation: str) -> None:
    read = 0
    for name, expected in table().items():
        if _implementation(name) == implementation:
            assert shown(everything()[name]) == expected, name
            read += 1
    assert read


def test_every_recorded_document_has_its_place_in_the_table() -> None:
    assert set(table()) == {name for name in names() if name.startswith("payloads/")}
    assert len(table()) >= 1049


def test_a_second_reading_finds_the_same_posts_actors_and_activities() -> None:
    different: set[tuple[str, str]] = set()
    compared = 0
    for name, expected in table().items():
        item = everything()[name]
        if item.found is None or (item.found.refusal is not None and not item.found.says):
            continue
        for field in _differences(expected, item):
            different.add((name.removeprefix("payloads/"), field))
        compared += 1
    assert different == set(DIFFERENCES)
    assert compared > 950


def _differences(expected: Mapping[str, Any], item: Inspected) -> list[str]:
    """The fields in which the table and the second reading say something else."""
    found: list[str] = []
    document: Any = item.given.document
    told, said = expected, item.found.says if item.found else {}
    if told["kind"] == "actor":
        found += _unlike(told, naive.read_actor(document))
    if told["kind"] == "activity":
        found += _unlike(told, naive.read_activity(document))
    while told["kind"] == "activity" and "inner" in told:
        document = document["object"]
        document = document[0] if isinstance(document, list) else document
        told, said = told["inner"], said["inner"]
    if told["kind"] == "post":
        simple = naive.read_post(document)
        if not document.get("to") and not document.get("cc"):
            del simple["visibility"]  # it is for whom the activity is
        found += _unlike(told, simple)
        words = set(naive.words(said.get("html", "")))
        found += ["words"] if not words.issuperset(simple["words"]) else []
    return found


def _unlike(told: Mapping[str, Any], simple: Mapping[str, Any]) -> list[str]:
    return [field for field, value in simple.items() if field in _COMPARED and not _COMPARED[field](told, value)]


def _same(field: str, short: bool = False) -> Any:
    def compare(told: Mapping[str, Any], value: Any) -> bool:
        if short and value is not None:
            value = " ".join(value.split())
            return bool(told.get(field, "").partition("…")[0] == value[: len(told.get(field, "").partition("…")[0])])
        return bool(told.get(field) == (value or None))

    return compare


_COMPARED = {
    **{
        field: _same(field)
        for field in (
            "author", "visibility", "parent", "context", "quote", "id", "inbox", "shared_inbox", "username",
            "followers", "moved_to", "actor", "object", "target", "result", "reaction",
        )
    },
    "title": _same("title", short=True),
    "mentions": lambda told, value: set(told.get("mentions", ())) == value,
    "hashtags": lambda told, value: {tag.casefold() for tag in told.get("hashtags", ())} == value,
    "emojis": lambda told, value: set(told.get("emojis", ())) == value,
    "also_known_as": lambda told, value: set(told.get("also_known_as", ())) == value,
    "files": lambda told, value: value <= {item.rpartition(" ")[2] for item in told.get("attachments", ())},
    "groups": lambda told, value: value <= set(told.get("groups", ())),
    "options": lambda told, value: [o.rpartition(" ")[0] for o in told.get("poll", ())][: len(value)] == value,
    "keys": lambda told, value: {key.rpartition(" ")[0] for key in told.get("keys", ())} == value,
    "fields": lambda told, value: told.get("fields", []) == value,
}  # fmt: skip


def test_every_captured_request_verifies_but_for_those_whose_key_nobody_captured() -> None:
    judged: dict[str, list[str]] = {}
    for name, item in everything().items():
        if item.verdicts:
            judged.setdefault(shown(item)["signature"], []).append(name)
    assert len(judged["good"]) >= 200
    assert set(judged) == {"good", "not known: signature.key"}
    assert len(judged["not known: signature.key"]) == 5
    # Fedify puts proofs of two kinds into what it sends, and all of them hold.
    proven = [name for name, item in everything().items() if item.proofs and name.startswith("wire/")]
    assert len(proven) >= 50
    assert {shown(everything()[name])["proofs"] for name in proven} == {"good"}


def test_what_is_shown_of_every_document_is_clean() -> None:
    for name, item in everything().items():
        says = item.found.says if item.found else {}
        while says:
            html = says.get("html", "")
            assert "<script" not in html.lower(), name
            assert "javascript:" not in html.lower(), name
            assert says.get("text", "") == to_plain_text(html) if html else True, name
            says = says.get("inner") or {}
