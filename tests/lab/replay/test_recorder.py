"""A node that serves records what it says to other servers and hears from them, and nothing else changes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import orjson
import pytest
from click.testing import CliRunner

from fediverse_node.cli.main import cli
from fediverse_node.lab.recorder.lines import RecordingFile
from fediverse_node.lab.recorder.recorder import Wanted
from fediverse_node.lab.recorder.secrets import REMOVED
from fediverse_node.lab.recording import RecordingError, load_recording
from tests.federation.fedify import eventually
from tests.lab.replay.conversation import recorded_node
from tests.lab.replay.test_replay import of_type, replayed
from tests.running_node import PASSWORD, RunningNode, free_port, running_node


def test_everything_between_servers_is_there_with_steps_effects_and_causes(recorded: Path) -> None:
    recording = load_recording(recorded)
    assert recording.about["host"] in recording.about["base_url"]
    assert recording.about["ended_ms"] >= max(item.at_ms for item in recording)
    follow = of_type(recording, "Follow")
    assert [step.name for step in follow.steps][-1] == "inbox.answered"
    assert any("follows" in effect for effect in follow.effects)
    assert {recording.exchanges[number - 1].activity.type for number in follow.sent} == {"Person", "Accept"}
    accept = of_type(recording, "Accept", to_us=False)
    assert accept.cause == follow.number
    assert 'keyId="' in (accept.request.header("signature") or "")
    assert accept.request.header("digest")
    assert accept.status == 202
    assert any(item.failure.startswith("no connection could be opened") for item in recording)
    assert {item.status for item in recording} >= {200, 202, 400, 401, 404, 415}


def test_the_head_tells_who_lives_there_and_no_private_key_is_in_the_file(recorded_later: Path) -> None:
    recording = load_recording(recorded_later)
    alice = next(item for item in recording.about["local_actors"] if item["actor"]["id"].endswith("/users/alice"))
    assert alice["actor"]["publicKey"]["publicKeyPem"].startswith("-----BEGIN PUBLIC KEY-----")
    text = recorded_later.read_text()
    assert "PRIVATE KEY" not in text
    assert "@example.org" not in text
    ben = next(item for item in recording.known if item.get("actor", {}).get("id", "").endswith("/users/ben"))
    assert ben["actor"]["publicKey"]
    assert {follow["accepted"] for follow in ben["follows"]} == {True}


async def test_what_people_do_in_their_apps_is_recorded_only_if_that_is_asked_for(tmp_path: Path) -> None:
    for apps in (False, True):
        file = tmp_path / f"apps{apps}.jsonl"
        async with recorded_node(tmp_path / f"node{apps}", file, wanted=Wanted(apps=apps)) as (running, _):
            registration = running.node.core.registration
            made = await registration.create("alice", "alice@example.org", password=PASSWORD)
            token = await registration.token(made.user_id, "read write")  # type: ignore[union-attr]
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(running.base_url, headers=headers) as session:
                async with session.post("/api/v1/statuses", json={"status": "a quiet walrus"}) as answer:
                    assert answer.status == 200
                async with session.get("/", headers={"Accept": "text/html"}) as answer:
                    assert answer.status == 200
        recording = load_recording(file)
        assert len(recording) == (1 if apps else 0)
        assert token not in file.read_text()
        if apps:
            said = recording.exchanges[0]
            assert said.sender == "app"
            assert said.request.header("authorization") == REMOVED
            assert said.status == 200
            # Passwords and uploads are in bodies.
            assert said.request.body == b""
            assert said.answer is not None
            assert b"a quiet walrus" in said.answer.body


async def test_a_recording_ends_at_its_limit_and_the_node_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "recording.jsonl"
    async with (
        recorded_node(tmp_path / "node", file, limit_bytes=20_000) as (running, _),
        aiohttp.ClientSession(running.base_url) as session,
    ):
        for _ in range(60):
            async with session.get("/.well-known/nodeinfo") as answer:
                assert answer.status == 200
    assert 10_000 < file.stat().st_size <= 20_000
    assert [record.message for record in caplog.records].count("recording.ended") <= 1
    assert any("has reached its limit" in record.getMessage() for record in caplog.records)
    assert 5 < len(load_recording(file)) < 60


def test_an_older_recording_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    for number in range(3):
        file, moved = RecordingFile.create(path)
        file.write(b"%d" % number)
        file.close()
        assert moved == (tmp_path / f"recording.jsonl.{number}" if number else None)
    assert path.read_bytes() == b"2\n"
    assert (tmp_path / "recording.jsonl.1").read_bytes() == b"0\n"
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot be written: No such file or directory"):
        RecordingFile.create(tmp_path / "nowhere" / "recording.jsonl")
    with pytest.raises(RecordingError, match=r"that is no file"):
        RecordingFile.create(tmp_path)


def test_how_to_record_is_said_together_with_where_to() -> None:
    result = CliRunner().invoke(cli, ["serve", "--scrub"])
    assert result.exit_code == 2
    assert "they need --record FILE" in result.stderr


async def test_a_killed_node_leaves_a_recording_that_is_read_and_replayed(tmp_path: Path) -> None:
    file = tmp_path / "recording.jsonl"
    with running_node("ben", host_name="localhost") as other:
        node = RunningNode(tmp_path, free_port(), arguments=("--record", str(file), "--record-apps"))
        try:
            node.start()
            node.add_users("alice")
            async with other.api("ben") as ben, node.api("alice") as alice:
                account = await ben.find_account(node.handle("alice"))
                await ben.post(f"/api/v1/accounts/{account['id']}/follow")

                async def followed() -> bool:
                    found = await ben.get("/api/v1/accounts/relationships", **{"id[]": account["id"]})
                    return bool(found[0]["following"])

                await eventually(followed, "the Accept")
                said = await alice.post("/api/v1/statuses", status="a walrus that is about to be killed")

                async def arrived() -> bool:
                    return any(status["uri"] == said["uri"] for status in await ben.home())

                await eventually(arrived, "the post")
                await asyncio.sleep(0.2)
            node.kill()
            assert "Exchanges with other servers are recorded in" in node.log
            assert "Private messages are in it" in node.log
        finally:
            node.kill()
    data = file.read_bytes()
    assert data.endswith(b"\n")
    assert node.tokens["alice"].encode() not in data
    recording = load_recording(file)
    assert "ended_ms" not in recording.about
    assert {item.sender for item in recording} >= {"app", recording.about["host"], f"localhost:{other.port}"}
    assert all(orjson.loads(line) for line in data.splitlines())
    # In a thread without a loop of its own.
    report = await asyncio.to_thread(replayed, recording)
    assert report.differences == ()
    assert report.compared_out >= 2
