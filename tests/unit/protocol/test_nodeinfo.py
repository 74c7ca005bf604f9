"""NodeInfo, ours and theirs."""

from __future__ import annotations

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.nodeinfo import NodeInfo, dump_links, dump_nodeinfo, parse_links, parse_nodeinfo


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_our_document_reads_back(version: str) -> None:
    doc = dump_nodeinfo(
        version,
        software_name="fediverse-node",
        software_version="0.1.0",
        open_registrations=False,
        users_total=3,
        users_active_month=2,
        users_active_half_year=3,
        posts=40,
        comments=5,
        node_name="Here",
        repository="https://a.example/src",
    )
    assert parse_nodeinfo(doc) == NodeInfo(
        "fediverse-node", "0.1.0", "Here", ("activitypub",), False, users_total=3, users_active_month=2, posts=40
    )
    software = doc["software"]
    assert isinstance(software, dict)
    # spec: nodeinfo-2.0 allows no further properties of software
    assert ("repository" in software) is (version == "2.1")


def test_the_newest_version_is_chosen() -> None:
    assert parse_links(dump_links("https://a.example")) == "https://a.example/nodeinfo/2.1"
    only_old = {"links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/1.0", "href": "https://a.example/1"}]}
    assert parse_links(only_old) == "https://a.example/1"
    assert (
        parse_links({"links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "file:///x"}]})
        is None
    )


@pytest.mark.parametrize("doc", [None, [], {}, {"software": []}, {"software": {"name": ""}}, {"software": {"name": 5}}])
def test_a_document_without_software_is_refused(doc: object) -> None:
    assert isinstance(parse_nodeinfo(doc), Fail)


def test_long_names_are_cut() -> None:
    info = parse_nodeinfo({"software": {"name": "X" * 9999, "version": "1" * 9999}, "usage": {"users": {"total": -5}}})
    assert isinstance(info, NodeInfo)
    assert (len(info.software_name), len(info.software_version), info.users_total) == (100, 100, 0)
