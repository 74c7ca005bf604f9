"""The gate passes what may be read as plain JSON, and nothing that means something else."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.jsonld import (
    ANONYMOUS_NODES_LIMIT,
    SIZE_LIMIT_BYTES,
    NeedsProcessing,
    Plain,
    compact_document,
    gate,
)
from fediverse_node.protocol.jsonld_processing import contexts_directory, to_statements
from fediverse_node.protocol.jsonld_terms import AS2_URL, HARMLESS_CONTEXT_URLS, SECURITY_URL
from fediverse_node.protocol.reasons import WireReason

AS = "https://www.w3.org/ns/activitystreams#"
ALICE = "https://a.example/users/alice"
EVE = "https://e.example/users/eve"
LIKE: dict[str, Any] = {"id": ALICE + "/1", "type": "Like", "actor": ALICE, "object": "https://b.example/1"}


def with_context(context: object, **more: object) -> dict[str, Any]:
    return {"@context": context, **LIKE, **more}


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(AS2_URL, id="the context alone"),
        pytest.param([AS2_URL], id="in an array"),
        pytest.param(AS, id="with a hash"),
        pytest.param("http://www.w3.org/ns/activitystreams", id="with http"),
        pytest.param([AS2_URL, SECURITY_URL], id="with the security context"),
        pytest.param([SECURITY_URL, AS2_URL], id="in the other order"),
        pytest.param(None, id="null at the top is as good as absent"),
        pytest.param([], id="empty"),
        pytest.param([AS2_URL, {"sensitive": "as:sensitive", "toot": "http://joinmastodon.org/ns#"}], id="Mastodon"),
        pytest.param([AS2_URL, {"@language": "und"}], id="a default language"),
        pytest.param([AS2_URL, {"movedTo": {"@id": "as:movedTo", "@type": "@id"}}], id="a defined extension"),
        pytest.param([AS2_URL, {"name": "as:name", "to": {"@id": "as:to", "@type": "@id"}}], id="core words confirmed"),
        pytest.param([{"name": "http://x.example/name"}, AS2_URL], id="redefined, then set right"),
        pytest.param([AS2_URL, {"contentMap": {"@id": "as:content", "@container": "@language"}}], id="language maps"),
        pytest.param([AS2_URL, {"location": {"@id": "sc:location"}, "sc": "http://schema.org#"}], id="Mobilizon"),
        pytest.param([AS2_URL, "http://schema.org"], id="GoToSocial names schema.org last"),
        pytest.param("https://akko.example/schemas/litepub-0.1.jsonld", id="litepub includes the context"),
        pytest.param([AS2_URL, "https://mbin.example/contexts"], id="Mbin"),
        pytest.param(["https://mbin.example/contexts"], id="Mbin's own actor"),
        pytest.param([AS2_URL, {"expires": "as:endTime", "icons": "as:icon"}], id="second names that do no harm"),
    ],
)
def test_ordinary_contexts_are_plain(context: object) -> None:
    assert gate(with_context(context)) == Plain()


def test_no_context_at_all_means_the_normative_one() -> None:
    assert gate(LIKE) == Plain()


def test_unknown_contexts_are_ignored_and_reported() -> None:
    urls = [f"https://x.example/{n}" for n in range(50)]
    outcome = gate(with_context([AS2_URL, *urls]))
    assert outcome == Plain(tuple(urls[:20]))
    nested = gate(
        with_context(AS2_URL, object={"@context": [AS2_URL, "https://y.example/"], "id": "https://b.example/1"})
    )
    assert nested == Plain(("https://y.example/",))


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        pytest.param("https://x.example/", WireReason.NO_AS2_CONTEXT, id="only an unknown context"),
        pytest.param({"type": "@type"}, WireReason.NO_AS2_CONTEXT, id="only inline"),
        pytest.param([AS2_URL, {"actor": "http://x.example/a"}], WireReason.TERM_REDEFINED, id="a core word elsewhere"),
        pytest.param([AS2_URL, {"actor": "as:object"}], WireReason.TERM_REDEFINED, id="core words exchanged"),
        pytest.param([AS2_URL, {"actor": None}], WireReason.TERM_REDEFINED, id="a core word taken away"),
        pytest.param(
            [AS2_URL, {"actor": {"@type": "@id"}}], WireReason.TERM_REDEFINED, id="a core word without meaning"
        ),
        pytest.param(
            [AS2_URL, {"actor": {"@id": "as:actor", "@container": "@index"}}], WireReason.TERM_REDEFINED, id="indexed"
        ),
        pytest.param(
            [AS2_URL, {"object": {"@id": "as:object", "@type": "@json"}}], WireReason.TERM_REDEFINED, id="opaque"
        ),
        pytest.param([AS2_URL, {"Like": "as:Delete"}], WireReason.TERM_REDEFINED, id="a type exchanged"),
        pytest.param([AS2_URL, {"boss": "as:actor"}], WireReason.TERM_REDEFINED, id="another word for a core meaning"),
        pytest.param([AS2_URL, {"boss": AS + "actor"}], WireReason.TERM_REDEFINED, id="another word, in full"),
        pytest.param([AS2_URL, {"boss": "actor"}], WireReason.TERM_REDEFINED, id="another word by the word"),
        pytest.param([AS2_URL, {"x": AS, "boss": "x:actor"}], WireReason.TERM_REDEFINED, id="by another prefix"),
        pytest.param([AS2_URL, {"x": AS}, {"boss": "x:actor"}], WireReason.TERM_REDEFINED, id="by an earlier prefix"),
        pytest.param(
            [AS2_URL, {"b": "x:actor", "x": "y:ns/activitystreams#", "y": "https://www.w3.org/"}],
            WireReason.TERM_REDEFINED,
            id="prefix upon prefix",
        ),
        pytest.param([AS2_URL, {"as": "http://x.example/"}], WireReason.TERM_REDEFINED, id="the prefix itself"),
        pytest.param([AS2_URL, {"me": "@id"}], WireReason.TERM_REDEFINED, id="another word for the id"),
        pytest.param([AS2_URL, {"id": "http://x.example/id"}], WireReason.TERM_REDEFINED, id="the id elsewhere"),
        pytest.param(
            [AS2_URL, {"as:actor": "http://x.example/"}], WireReason.TERM_REDEFINED, id="a compact word redefined"
        ),
        pytest.param([AS2_URL, {"publicKeyPem": "http://x.example/"}], WireReason.TERM_REDEFINED, id="a key elsewhere"),
        pytest.param([AS2_URL, {"@vocab": AS}], WireReason.CONTEXT_FEATURE, id="a vocabulary"),
        pytest.param([AS2_URL, {"@base": "https://e.example/"}], WireReason.CONTEXT_FEATURE, id="a base"),
        pytest.param([AS2_URL, {"@import": "https://e.example/"}], WireReason.CONTEXT_FEATURE, id="an import"),
        pytest.param(
            [AS2_URL, {"x": {"@id": "http://x/", "@context": {"actor": "http://x/"}}}],
            WireReason.TERM_REDEFINED,
            id="scoped",
        ),
        pytest.param([AS2_URL, None], WireReason.CONTEXT_FEATURE, id="null after the context"),
        pytest.param([AS2_URL, {"x": {"@id": "http://x/", "@nest": "y"}}], WireReason.CONTEXT_FEATURE, id="nesting"),
        pytest.param([AS2_URL, "https://www.w3.org/ns/credentials/v2"], WireReason.TERM_REDEFINED, id="credentials"),
        pytest.param([AS2_URL, 5], WireReason.CONTEXT_FEATURE, id="a number"),
    ],
)
def test_what_could_mean_something_else_needs_processing(context: object, reason: WireReason) -> None:
    outcome = gate(with_context(context))
    assert isinstance(outcome, NeedsProcessing)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    "more",
    [
        {"as:actor": EVE},
        {AS + "actor": EVE},
        {"@id": "https://e.example/1"},
        {"object": {"x": [{"@type": "Delete"}]}},
        {"object": {"@context": None, "actor": EVE}},
        {"object": {"@context": {"actor": "as:object"}, "id": "https://b.example/1"}},
    ],
)
def test_keywords_and_second_names_in_the_document_need_processing(more: dict[str, object]) -> None:
    assert isinstance(gate(with_context(AS2_URL, **more)), NeedsProcessing)


def test_values_written_as_kroeg_writes_them_need_no_processing() -> None:
    assert (
        gate(with_context(AS2_URL, object={"id": "https://b.example/1", "sensitive": {"@value": "False"}})) == Plain()
    )


def test_a_prefix_for_activity_streams_matters_only_where_it_is_used() -> None:
    assert gate(with_context([AS2_URL, {"x": AS}])) == Plain()
    assert isinstance(gate(with_context([AS2_URL, {"x": AS}], **{"x:actor": EVE})), NeedsProcessing)
    assert isinstance(gate(with_context([AS2_URL, {"x": "https:"}], **{"x://www.w3.org/a": EVE})), Plain)
    assert isinstance(
        gate(with_context([AS2_URL, {"x": "https://www.w3.org/ns/"}], **{"x:activitystreams#actor": 1})),
        NeedsProcessing,
    )


@pytest.mark.parametrize("keyword", ["@graph", "@included", "@reverse"])
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_keywords_that_move_statements_are_refused_at_any_depth(keyword: str, depth: int) -> None:
    inner: dict[str, object] = {keyword: [{"id": "https://e.example/1"}]}
    for _ in range(depth):
        inner = {"x": [inner]}
    outcome = gate(with_context(AS2_URL, **inner))
    assert isinstance(outcome, Fail)
    assert outcome.reason is WireReason.RESTRUCTURED


@pytest.mark.parametrize(
    "context",
    [
        [AS2_URL, {"g": "@graph"}],
        [AS2_URL, {"g": {"@id": "@included"}}],
        [AS2_URL, {"likedBy": {"@reverse": "as:object"}}],
        [AS2_URL, {"x": {"@id": "http://x/", "@context": {"g": "@graph"}}}],
    ],
)
def test_other_names_for_those_keywords_are_refused(context: object) -> None:
    outcome = gate(with_context(context))
    assert isinstance(outcome, Fail)
    assert outcome.reason is WireReason.RESTRUCTURED


def test_depth_and_nodes_and_size_are_limited() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = {"object": [deep]}
    many = [{"type": "Note"}] * (ANONYMOUS_NODES_LIMIT + 1)
    outcomes = [
        (gate(with_context(AS2_URL, object=deep)), WireReason.TOO_DEEP),
        (gate(with_context({}, tag=many)), WireReason.TOO_MANY_NODES),
        (gate(LIKE, size_bytes=SIZE_LIMIT_BYTES + 1), WireReason.TOO_LARGE),
        (gate([LIKE]), WireReason.NOT_AN_OBJECT),
    ]
    for outcome, reason in outcomes:
        assert isinstance(outcome, Fail)
        assert outcome.reason is reason
    context: object = {"x": "http://x/"}
    for _ in range(100):
        context = [context]
    assert isinstance(gate(with_context([AS2_URL, context])), Fail)


def test_long_lists_that_are_read_plainly_are_cut_later_and_not_refused() -> None:
    """A refused profile is fetched again with each message of its owner."""
    many = [{"type": "Hashtag", "name": f"#t{n}"} for n in range(2 * ANONYMOUS_NODES_LIMIT)]
    assert isinstance(gate(with_context(AS2_URL, tag=many)), Plain)


def test_the_blank_node_clique_that_keeps_pyld_busy_for_seconds_costs_nothing_here() -> None:
    nodes = [{"id": f"_:b{n}", "x:knows": [{"id": f"_:b{m}"} for m in range(7)]} for n in range(7)]
    started = time.process_time()
    gate(with_context(AS2_URL, object=nodes))
    assert time.process_time() - started < 0.05


def test_a_huge_context_costs_linear_time() -> None:
    inline = {f"t{n}": f"p{n % 7}:x" for n in range(20_000)} | {f"p{n}": f"p{n - 1}:" for n in range(7)}
    started = time.process_time()
    gate(with_context([AS2_URL, inline]))
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("url", sorted(HARMLESS_CONTEXT_URLS))
def test_every_context_called_harmless_leaves_the_core_words_alone(url: str) -> None:
    index: dict[str, str] = orjson.loads((contexts_directory() / "index.json").read_bytes())
    if url not in index:
        assert url == "https://www.w3.org/ns/cid/v1", "only this one is known by its specification alone"
        return
    bundled = orjson.loads((contexts_directory() / index[url]).read_bytes())["@context"]
    outcome = gate(with_context([AS2_URL, SECURITY_URL, bundled]))
    assert outcome == Plain(), (url, outcome)


def test_the_table_of_core_words_is_what_the_bundled_contexts_say() -> None:
    for name in ("activitystreams.jsonld", "security-v1.jsonld", "own.jsonld", "litepub.jsonld"):
        bundled = orjson.loads((contexts_directory() / name).read_bytes())["@context"]
        inline = bundled
        if isinstance(bundled, dict):
            inline = {k: v for k, v in bundled.items() if k != "@vocab"}
        elif name == "own.jsonld":
            # Without the language maps on purpose: see the README of the contexts.
            maps = {"contentMap", "nameMap", "summaryMap"}
            inline = [*bundled[:2], {k: v for k, v in bundled[2].items() if k not in maps}]
        outcome = gate(with_context([AS2_URL, inline]))
        assert outcome == Plain(), (name, outcome)


def test_a_document_whose_words_were_exchanged_says_the_truth_after_processing() -> None:
    doc = with_context(
        [AS2_URL, {"boss": {"@id": "as:actor", "@type": "@id"}, "actor": "http://x.example/a"}], boss=EVE
    )
    assert isinstance(gate(doc), NeedsProcessing)
    compacted = compact_document(doc)
    activity = parse_activity(compacted)
    assert isinstance(activity, Activity)
    assert activity.actor == EVE
    assert gate(compacted) == Plain()


def test_expanded_documents_are_read_after_processing() -> None:
    doc = {"@id": ALICE + "/1", "@type": AS + "Like", AS + "actor": {"@id": ALICE}, AS + "object": [{"@id": EVE}]}
    activity = parse_activity(compact_document(doc))
    assert isinstance(activity, Activity)
    assert (activity.type, activity.actor, activity.object_id) == ("Like", ALICE, EVE)


def test_processing_never_asks_the_network() -> None:
    outcome = compact_document(with_context([AS2_URL, "https://x.example/context"]))
    assert isinstance(outcome, Fail)
    assert outcome.reason is WireReason.UNKNOWN_CONTEXT
    assert "x.example" in outcome.detail
    statements = to_statements(with_context("https://x.example/context"))
    assert isinstance(statements, Fail)
    assert statements.reason is WireReason.UNKNOWN_CONTEXT


@pytest.mark.parametrize("context", [5, {"x": 5}, {"@version": 7}, [AS2_URL, {"x": {"@id": "@nonsense:"}, "y": "y:y"}]])
def test_invalid_json_ld_is_refused_and_does_not_raise(context: object) -> None:
    outcome = compact_document(with_context(context))
    assert isinstance(outcome, Fail)
    assert outcome.reason is WireReason.BAD_JSON_LD


def test_relative_addresses_stay_relative_and_are_then_no_addresses() -> None:
    outcome = compact_document(with_context(AS2_URL, actor="alice"))
    assert isinstance(parse_activity(outcome), Fail)


def test_statements_are_canonical() -> None:
    one = to_statements(with_context(AS2_URL, summary="x"))
    other = to_statements(dict(reversed(with_context(AS2_URL, summary="x").items())))
    assert isinstance(one, bytes)
    assert one == other
    assert f"<{ALICE}/1> <{AS}actor> <{ALICE}> .".encode() in one
