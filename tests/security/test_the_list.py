"""The list of advisories leaves none out, and what it names is there."""

from __future__ import annotations

import ast
import re

from fediverse_node.lab.conformance.index import CHECKS
from tests.security.advisories import PAGE, ROOT, load, page

ADVISORIES = 28
_ID = re.compile(r"(CVE-\d{4}-\d{4,6}|GHSA(-[23456789cfghjmpqrvwx]{4}){3}|[A-Z][a-z]+ [0-9a-z.()]+)\Z")


def functions_of(path: str) -> dict[str, str]:
    """The tests of a file with what they say of themselves."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: ast.get_docstring(node) or "" for node in functions if node.name.startswith("test_")}


def test_every_advisory_has_a_test_that_names_it() -> None:
    listed = load()
    assert len(listed) == ADVISORIES
    assert len({entry["subject"] for entry in listed}) == ADVISORIES
    for entry in listed:
        assert all(entry[word] for word in ("ids", "tests", "rule", "where")), entry["subject"]
        said = ""
        for name in entry["tests"]:
            if "/" in name:
                assert functions_of(name), name
                continue
            file, _, function = name.partition("::")
            found = functions_of(f"tests/security/{file}.py")
            assert function in found, name
            said += found[function]
        for id_ in entry["ids"]:
            assert _ID.match(id_), id_
            number = id_.partition(" ")[2] or id_
            assert number.strip("()") in said, f"{id_} is not named by {entry['tests']}"


def test_every_attempt_belongs_to_an_advisory() -> None:
    named = {name for entry in load() for name in entry["tests"]}
    for file in ("identity", "signatures", "fetching", "exhaustion", "privacy"):
        for function in functions_of(f"tests/security/test_{file}.py"):
            assert f"test_{file}::{function}" in named, function


def test_the_checks_that_it_names_are_made() -> None:
    known = {check.id for check in CHECKS}
    assert {check for entry in load() for check in entry["lab"]} <= known


def test_the_page_is_made_of_the_list() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.security.advisories"
