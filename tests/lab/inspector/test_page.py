"""The one file: nothing foreign in it, nothing of strangers' but as data."""

from __future__ import annotations

import gzip
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser

import orjson
import pytest

from fediverse_node.lab.exchange import Exchange, Message, Step
from fediverse_node.lab.inspector import page
from fediverse_node.lab.inspector.page import CHUNK, render_html
from fediverse_node.lab.inspector.rows import render_row
from fediverse_node.lab.recording import Recording, parse_recording
from tests.lab.inspector.sample import HOSTILE, large_recording, sample_nodes
from tests.web.reading_html import read


class Scripts(HTMLParser):
    """The texts of all scripts and styles, and the policy, as a browser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.policy = ""
        self._open: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._open = dict(attrs)
            self.found.append((self._open, ""))
        if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.found[-1] = (self._open, self.found[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        self._open = None


def unpack(html: str, name: str) -> object:
    packed = next(text for attributes, text in Scripts(html).found if attributes.get("id") == name)
    return orjson.loads(gzip.decompress(b64decode(packed)))


def test_the_file_loads_nothing_and_asks_nobody(recording: Recording) -> None:
    html = render_html(recording, nodes=sample_nodes())
    assert read(html).loaded == []
    assert "connect-src" not in Scripts(html).policy
    assert "default-src 'none'" in Scripts(html).policy


def test_its_policy_lets_run_exactly_its_own_script_and_style(recording: Recording) -> None:
    parsed = Scripts(render_html(recording))
    running = [
        text for attributes, text in parsed.found if attributes.get("type") in (None, "module")
    ]  # the style and the script
    assert len(running) == 2
    for text in running:
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in parsed.policy
    assert "unsafe" not in parsed.policy
    assert "require-trusted-types-for 'script'" in parsed.policy


def test_what_strangers_wrote_never_stands_in_the_file_as_text() -> None:
    hostile = Message(f"GET /{HOSTILE} HTTP/1.1", (("X", HOSTILE),), HOSTILE.encode())
    exchange = Exchange(1, 0, HOSTILE, HOSTILE, f"https://{HOSTILE}", hostile, hostile, failure=HOSTILE, fault=HOSTILE)
    exchange.steps.append(Step(HOSTILE, False, HOSTILE, ((HOSTILE, HOSTILE),)))
    exchange.effects.append(HOSTILE)
    html = render_html(Recording({"name": HOSTILE, HOSTILE: HOSTILE}, [exchange]))
    assert HOSTILE not in html
    assert "<img" not in html
    assert read(html).named("img") == []
    assert html.count("<script") == 4  # config, start, one chunk of details, the program
    assert html.count("</script") == 4


def test_the_modules_can_be_put_together() -> None:
    for name in page.SCRIPTS:
        text = (page._STATIC / name).read_text()
        # One line each: the line is what is left out.
        for line in re.findall(r"^import .*$", text, re.MULTILINE):
            assert re.fullmatch(r'import \{[\w, ]+\} from "\./[\w.]+";', line), line
        assert "</script" not in text.lower()
        assert "<!--" not in text
    assert sorted(path.name for path in page._STATIC.glob("*.js")) == sorted(page.SCRIPTS)
    names = re.findall(r"^(?:async )?(?:const|let|class|function\*?) (\w+)", page._script(), re.MULTILINE)
    assert sorted(names) == sorted(set(names))


def test_the_recording_comes_out_of_the_file_as_it_went_in(recording: Recording) -> None:
    html = render_html(recording)
    details = unpack(html, "details-0")
    assert isinstance(details, list)
    lines = [b'{"format":"fediverse-node-exchanges/1"}', *(orjson.dumps(detail["exchange"]) for detail in details)]
    again = parse_recording(lines, name="the file")
    assert [one.to_json() for one in again] == [one.to_json() for one in recording]
    assert [detail["har"]["_number"] for detail in details] == [one.number for one in recording]


def test_details_are_in_chunks_that_are_found_by_number() -> None:
    recording = large_recording(2 * CHUNK + 1)
    html = render_html(recording)
    for number in (1, CHUNK, CHUNK + 1, 2 * CHUNK + 1):
        chunk = unpack(html, f"details-{(number - 1) // CHUNK}")
        assert isinstance(chunk, list)
        assert chunk[(number - 1) % CHUNK]["exchange"]["number"] == number


def test_a_recording_with_gaps_is_shown(recording: Recording) -> None:
    kept = [one for one in recording if one.number % 3]
    html = render_html(Recording({}, kept, [{"actor": "https://beta.test/users/ben"}]))
    start, details = unpack(html, "start"), unpack(html, "details-0")
    assert isinstance(start, dict)
    assert isinstance(details, list)
    assert [row["number"] for row in start["rows"]] == [one.number for one in kept]
    assert [detail["exchange"]["number"] for detail in details] == [one.number for one in kept]
    assert start["known"] == [{"actor": "https://beta.test/users/ben"}]


def test_the_same_recording_gives_the_same_file(recording: Recording) -> None:
    assert render_html(recording) == render_html(recording)


def test_links_to_sign_in_are_not_in_the_file(recording: Recording) -> None:
    start = unpack(render_html(recording, nodes=sample_nodes()), "start")
    assert isinstance(start, dict)
    assert [node["name"] for node in start["nodes"]][:2] == ["alpha.test", "beta.test"]
    assert b"sign-in" not in orjson.dumps(start["nodes"])


def test_a_file_of_5000_exchanges_stays_small() -> None:
    html = render_html(large_recording(5000))
    assert len(html) < 6_000_000


@pytest.mark.parametrize(
    "changes, kind, why",
    [
        ({}, "waiting", ""),
        ({"failure": "Nobody answered."}, "failed", "Nobody answered."),
        ({"answer": 200}, "ok", ""),
        ({"answer": 302}, "ok", ""),
        ({"answer": 404}, "refused", ""),
        ({"answer": 500}, "failed", ""),
        ({"answer": 202, "steps": [("signature.good", False, "First key."), ("signature.good", True, "")]}, "ok", ""),
        ({"answer": 200, "steps": [("fetch.answer", False, "A picture did not come.")]}, "ok", ""),
        (
            {"answer": 202, "steps": [("inbox.body", True, ""), ("policy.host", False, "Blocked.")]},
            "refused",
            "policy.host: Blocked.",
        ),
        (
            {"answer": 202, "steps": [("rule.found", False, "Odd."), ("IGNORED", True, "")]},
            "refused",
            "rule.found: Odd.",
        ),
        ({"answer": 202, "steps": [("DUPLICATE", True, "")]}, "ok", "said by DUPLICATE"),
        ({"answer": 202, "steps": [("STAGED", True, "")]}, "ok", ""),
        (
            {"answer": 401, "steps": [("signature.time", False, "Old."), ("OLD", False, "Old.")]},
            "refused",
            "signature.time: Old.",
        ),
        ({"answer": 401, "steps": [("signature", False, "Wrong.")]}, "refused", "signature: Wrong."),
    ],
)
def test_a_row_says_what_became_of_the_exchange(changes: dict[str, object], kind: str, why: str) -> None:
    exchange = Exchange(1, 0, "a.test", "b.test", "https://b.test/inbox", Message("POST /inbox HTTP/1.1", ()))
    exchange.failure = str(changes.get("failure", ""))
    if "answer" in changes:
        exchange.answer = Message(f"HTTP/1.1 {changes['answer']} So", ())
    steps = changes.get("steps", [])
    assert isinstance(steps, list)
    # In capitals: the reason that an inbox of ours gives for its answer.
    exchange.steps = [
        Step("inbox.answered", passed, sentence, (("reason", name), ("sentence", f"said by {name}")))
        if name.isupper()
        else Step(name, passed, sentence)
        for name, passed, sentence in steps
    ]
    row = render_row(exchange)
    assert (row["kind"], row.get("why", "")) == (kind, why)
