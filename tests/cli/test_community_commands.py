"""Emojis, relays and groups from the command line."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.running_node import NodeFailedError, RunningNode


def a_picture(kind: str = "PNG", size: int = 16) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(out, kind)
    return out.getvalue()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> RunningNode:
    """A node that does not run: its commands work all the same."""
    return RunningNode(tmp_path_factory.mktemp("node"), 18_999, settings={"FEDIVERSE_NODE_DEVELOPMENT": "true"})


def test_emojis_are_added_listed_and_removed(node: RunningNode, tmp_path: Path) -> None:
    picture, photo, huge = tmp_path / "cat.png", tmp_path / "cat.jpg", tmp_path / "huge.png"
    picture.write_bytes(a_picture())
    photo.write_bytes(a_picture("JPEG"))
    huge.write_bytes(a_picture() + b"\0" * 300_000)
    assert ":cat: can be written now" in node.run("emoji", "add", "cat", str(picture), "--category", "animals")
    assert ":cat:\tanimals\thttp://" in node.run("emoji", "list")
    for name, file, why in (("c", picture, "two or more"), ("dog", photo, "PNG, GIF or WebP"), ("dog", huge, "256 kB")):
        with pytest.raises(NodeFailedError, match=why):
            node.run("emoji", "add", name, str(file))
    assert "is gone" in node.run("emoji", "remove", ":cat:")
    assert ":cat:" not in node.run("emoji", "list")
    with pytest.raises(NodeFailedError, match="there is no emoji"):
        node.run("emoji", "remove", "cat")


def test_packs_of_misskey_and_pleroma_are_imported_under_their_own_names(node: RunningNode, tmp_path: Path) -> None:
    archive = tmp_path / "pack.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        about = {"fileName": "1.png", "emoji": {"name": "seal", "category": "sea"}}
        pack.writestr("meta.json", json.dumps({"emojis": [about, "nonsense", {"fileName": 7}]}))
        pack.writestr("1.png", a_picture())
        pack.writestr("bad name.png", a_picture())
        pack.writestr("bomb.png", b"\0" * 50_000_000, zipfile.ZIP_DEFLATED)
        pack.writestr("readme.txt", "hello")
    assert "1 added, 2 left out." in node.run("emoji", "import", str(archive))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x.gif").write_bytes(a_picture("GIF"))
    (folder / "pack.json").write_text(json.dumps({"files": {"gull": "x.gif"}}))
    assert "1 added, 0 left out." in node.run("emoji", "import", str(folder), "--category", "birds")
    listed = node.run("emoji", "list").splitlines()
    assert [line.split("\t")[:2] for line in listed] == [[":gull:", "birds"], [":seal:", "sea"]]


def test_relays_are_asked_listed_and_left(node: RunningNode) -> None:
    assert "is asked, in the Mastodon way" in node.run("relay", "add", "https://relay.example/inbox")
    assert node.run("relay", "list").startswith("https://relay.example/inbox\tmastodon\tasked ")
    assert "is told that we go" in node.run("relay", "remove", "https://relay.example/inbox")
    assert "There are none" in node.run("relay", "list")
    for wrong in ("nonsense", "ftp://relay.example/inbox"):
        with pytest.raises(NodeFailedError, match="is no address of a relay"):
            node.run("relay", "add", wrong)


def test_groups_are_run_from_the_command_line(node: RunningNode) -> None:
    node.run("user", "add", "boats", "--email", "b@example.org", "--type", "group", "--password", "a long password")
    node.run("user", "add", "alice", "--email", "a@example.org", "--password", "a long password")
    assert node.run("group", "list").startswith("@boats: 0 members; members may write")
    node.run("group", "posting", "boats", "everybody")
    node.run("group", "moderator", "boats", "alice")
    assert "moderator @alice@" in node.run("group", "list")
    node.run("group", "moderator", "boats", "alice", "--remove")
    node.run("group", "ban", "boats", f"@alice@{node.host}")
    listed = node.run("group", "list")
    assert "everybody may write" in listed
    assert "banned @alice@" in listed
    assert "moderator" not in listed
    node.run("group", "ban", "boats", "alice", "--lift")
    assert "banned" not in node.run("group", "list")
    with pytest.raises(NodeFailedError, match="there is no group"):
        node.run("group", "posting", "alice", "members")
    with pytest.raises(NodeFailedError, match="there is no post"):
        node.run("group", "remove", "boats", "https://far.example/1")
