"""A recorded conversation is had again by a fresh node, and what goes otherwise is shown where it does."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

import fediverse_node
from fediverse_node.cli.lab_replay import replay as replay_command
from fediverse_node.cli.lab_replay import scrub as scrub_command
from fediverse_node.domain.activities import RULES, Rule, like
from fediverse_node.domain.effects import Effect
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.verified import Verified
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.recording import Recording, RecordingError, load_recording
from fediverse_node.lab.replay.compare import Report, compare, recorded_side, replayed_side
from fediverse_node.lab.replay.plan import plan_of
from fediverse_node.lab.replay.report import render_html, render_text
from fediverse_node.lab.replay.run import Run, replay
from fediverse_node.lab.scrub.scrubber import scrub_file


def replayed(recording: Recording, host: str | None = None) -> Report:
    plan = plan_of(recording, host=host)
    run = replay(plan)
    side = replayed_side(run, "this version")
    return compare(recorded_side(plan), side, plan, notes=run.not_repeated, left_out=run.left_out)


def of_type(recording: Recording, type_: str, *, to_us: bool = True) -> Exchange:
    host = recording.about["host"]
    return next(
        item
        for item in recording
        if item.method == "POST" and item.activity.type == type_ and (item.receiver == host) is to_us
    )


def test_nothing_differs_where_nothing_has_changed(recorded: Path) -> None:
    report = replayed(load_recording(recorded))
    assert report.differences == ()
    assert (report.compared_in, report.compared_out) == (11, 10)
    assert not report.notes


def test_a_recording_that_began_in_the_middle_brings_what_was_known_before(recorded_later: Path) -> None:
    recording = load_recording(recorded_later)
    assert any("object" in item for item in recording.known)
    assert any(item.get("follows") for item in [*recording.known, *recording.about["local_actors"]])
    report = replayed(recording)
    assert report.differences == ()
    assert report.compared_in == 3
    # A like and an answer; and, if there was time, what software the other server runs.
    assert report.compared_out >= 2


def test_a_rule_that_forgets_likes_is_found_at_the_like(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(verified: Verified, facts: Facts) -> Iterator[Effect]:
        yield from ()

    monkeypatch.setitem(RULES, "Like", Rule(like.needs, nothing))
    recording = load_recording(recorded)
    report = replayed(recording)
    liked = of_type(recording, "Like")
    assert {(found.kind, found.number) for found in report.differences} == {("effect", liked.number)}
    assert any("one like more" in found.before and found.after == "nothing" for found in report.differences)
    text = "\n".join(render_text(report))
    assert f"#{liked.number} POST" in text
    assert "2 differences" in text


def test_a_node_that_does_not_answer_a_follow_misses_the_accept(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = RULES["Follow"]

    def without_answer(verified: Verified, facts: Facts) -> Iterator[Effect]:
        return (effect for effect in rule.decide(verified, facts) if type(effect).__name__ != "Deliver")

    monkeypatch.setitem(RULES, "Follow", Rule(rule.needs, without_answer))
    recording = load_recording(recorded)
    report = replayed(recording)
    follow = of_type(recording, "Follow")
    missing = [found for found in report.differences if found.kind == "missing"]
    assert [(found.number, " Accept " in found.what) for found in missing] == [(follow.number, True)]


def test_a_node_that_checks_no_digest_is_found_at_the_forgery(recorded: Path) -> None:
    """Edited in the recording: what was accepted then is refused now, where its signature was left alone."""
    recording = load_recording(recorded)
    liked = of_type(recording, "Like")
    liked.request = _with_body(liked, lambda body: body.replace(b'"Like"', b'"Lik3"'))
    # No step says that it was good, so nobody signs it anew.
    liked.steps = [step for step in liked.steps if step.name != "signature.good"]
    report = replayed(recording)
    found = next(found for found in report.differences if found.number == liked.number)
    assert (found.kind, found.before, found.after) == ("status", "202", "401")


def test_an_edited_request_is_signed_anew(recorded: Path) -> None:
    recording = load_recording(recorded)
    answer = of_type(recording, "Create")
    answer.request = _with_body(answer, lambda body: body.replace(b"walrus", b"seal"))
    run = replay(plan_of(recording))
    again = {exchange.number: exchange for exchange in run.recording}[run.came_in[answer.number]]
    assert again.status == 202
    assert b"seal" in again.request.body
    assert any(step.name == "signature.good" and step.passed for step in again.steps)
    assert replayed(recording).differences == ()


def test_a_recording_scrubbed_as_it_was_made_replays_the_same(recorded_scrubbed: Path) -> None:
    report = replayed(load_recording(recorded_scrubbed))
    assert report.differences == ()
    assert (report.compared_in, report.compared_out) == (11, 10)


@pytest.mark.parametrize("hosts", [False, True])
def test_a_recording_scrubbed_afterwards_replays_the_same(recorded: Path, tmp_path: Path, hosts: bool) -> None:
    target = tmp_path / "scrubbed.jsonl"
    assert scrub_file(recorded, target, hosts=hosts) == 21
    report = replayed(load_recording(target))
    assert report.differences == ()
    assert report.compared_in == 11


def test_what_a_killed_node_left_behind_is_replayed_up_to_its_last_whole_line(recorded: Path, tmp_path: Path) -> None:
    data = recorded.read_bytes()
    for share in (0.3, 0.6, 0.9):
        cut = tmp_path / f"cut{share}.jsonl"
        cut.write_bytes(data[: int(len(data) * share)])
        recording = load_recording(cut)
        assert "ended_ms" not in recording.about
        report = replayed(recording)
        assert report.differences == ()
        assert report.compared_in == len(plan_of(recording).incoming)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"format":"fediverse-node-exchanges/9"}\n', "use the version that wrote it"),
        (b'{"hello":"world"}\n', "its first line does not say 'fediverse-node-exchanges/1'"),
        (b"", "is empty: a recording begins with a line that names its format"),
        (b"\x89PNG\r\n", "line 1"),
        (b'{"format":"fediverse-node-exchanges/1","host":"a.test"}\n', "there is no exchange in this recording"),
        (b'{"format":"fediverse-node-exchanges/1"}\n{"number":1}\n', "line 2"),
    ],
)
def test_another_file_is_refused_in_plain_words(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    result = CliRunner().invoke(replay_command, [str(path)])
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_the_command_says_what_it_found_and_ends_accordingly(recorded: Path, tmp_path: Path) -> None:
    html, json_ = tmp_path / "report.html", tmp_path / "report.json"
    result = CliRunner().invoke(replay_command, [str(recorded), "--html", str(html), "--json", str(json_)])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].startswith("Nothing differs: 11 requests that came in and 10 that left")
    told = json.loads(json_.read_bytes())
    assert told["same"] is True
    assert told["state"]["follows"]
    assert "<script" not in html.read_text()


def test_what_strangers_wrote_is_escaped_in_the_report(recorded: Path) -> None:
    recording = load_recording(recorded)
    liked = of_type(recording, "Like")
    liked.effects = ["counts <script>alert(1)</script>\x1b[2J"]
    report = replayed(recording)
    assert "<script>alert" not in render_html(report)
    assert "&lt;script&gt;alert" in render_html(report)
    assert "\x1b" not in "\n".join(render_text(report))


def test_a_run_goes_to_another_process_and_back(recorded: Path) -> None:
    run = replay(plan_of(load_recording(recorded)))
    again = Run.parse(run.dump())
    assert again.recording.dump() == run.recording.dump()
    assert again.came_in == run.came_in
    assert again.state == run.state


def test_two_replays_are_the_same_to_the_byte(recorded: Path) -> None:
    one, other = (replay(plan_of(load_recording(recorded))) for _ in range(2))
    assert one.dump() == other.dump()


@pytest.fixture
def other_version(tmp_path: Path) -> Path:
    """A checkout in which likes are not told to anybody."""
    root = Path(fediverse_node.__file__).resolve().parents[1]
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in ("fediverse_node", "schemas"):
        shutil.copytree(root / name, checkout / name, ignore=ignored)
    rule = checkout / "fediverse_node" / "domain" / "granting.py"
    changed = rule.read_text().replace('yield Notify(author.id, "like", actor.id, target.id)', "return")
    assert changed != rule.read_text()
    rule.write_text(changed)
    return checkout


def test_two_versions_are_compared_with_each_other(recorded: Path, other_version: Path) -> None:
    result = CliRunner().invoke(replay_command, [str(recorded), "--against", str(other_version)])
    assert result.exit_code == 1, result.output
    liked = of_type(load_recording(recorded), "Like")
    assert f"#{liked.number} POST" in result.output
    assert "notifies" in result.output
    same = CliRunner().invoke(replay_command, [str(recorded), "--against", sys.executable])
    assert same.exit_code == 0, same.output


def test_a_version_that_cannot_replay_is_named(recorded: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(replay_command, [str(recorded), "--against", str(tmp_path)])
    assert result.exit_code == 2
    assert "neither a Python nor a checkout" in result.stderr
    (tmp_path / "fediverse_node").mkdir()
    (tmp_path / "fediverse_node" / "__init__.py").write_text("")
    result = CliRunner().invoke(replay_command, [str(recorded), "--against", str(tmp_path)])
    assert result.exit_code == 2
    assert "could not replay" in result.stderr


def test_the_scrubbing_command_writes_a_copy(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    result = CliRunner().invoke(scrub_command, [str(recorded), str(target)])
    assert result.exit_code == 0, result.output
    assert "21 exchanges" in result.output
    assert load_recording(target).about["scrubbed"] is True


def test_a_recording_of_nobody_who_took_part_is_refused(recorded: Path) -> None:
    with pytest.raises(RecordingError, match=r"nobody\.test takes no part in this recording"):
        plan_of(load_recording(recorded), host="nobody.test")


def _with_body(exchange: Exchange, change: Callable[[bytes], bytes]) -> Any:
    plain = exchange.to_json()
    plain["request"]["body"] = change(exchange.request.body).decode()
    changed = Exchange.from_json(orjson.loads(orjson.dumps(plain))).request
    assert changed.body != exchange.request.body
    return changed
