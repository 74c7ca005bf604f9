"""JSON-LD processing with pyld: for the few documents that the gate does not pass as plain JSON.

spec: json-ld11-api#compaction, rdf-canon (URDNA2015). CPU is UNBOUNDED here: 989 hostile bytes keep pyld
busy for 15 seconds. Call these functions only in a process that can be killed, after `jsonld.gate` has
refused what is too deep or has too many anonymous nodes. Contexts come from `schemas/contexts` and never
from the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.jsonld_terms import (
    AS2_CONTEXT_URLS,
    AS2_URL,
    LITEPUB_URLS,
    MBIN_URL,
    SAME_MEANING_CONTEXT_URLS,
    is_litepub_url,
    is_mbin_url,
)
from fediverse_node.protocol.reasons import WireReason

# "_:" is the blank name that the AS2 context gives to words it does not know.
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_OF_LITERALS = frozenset({"@value", "@type", "@language"})
Loader = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class _UnknownContextError(Exception):
    """A document names a context that is not bundled; the message is its URL. Never leaves this module."""


def compact_document(doc: Mapping[str, object]) -> dict[str, object] | Fail:
    """The document in our own words: every core term has its core meaning, other terms only if we know them.

    Process only the answer, never the original beside it. CPU-unbounded: see the module. Fails when a
    context is not bundled or the document is not valid JSON-LD.
    """
    try:
        # Without this, pyld turns relative addresses into ones of example.org.
        options = {"documentLoader": _load, "base": None}
        compacted = _pyld().compact(_with_as2(doc), _own_context(), options)
    except _UnknownContextError as error:
        return Fail(WireReason.UNKNOWN_CONTEXT, str(error)[:200])
    except Exception as error:  # pyld raises anything from KeyError to RecursionError
        return _failure(error)
    return {**compacted, "@context": _stated_context()} if isinstance(compacted, dict) else Fail(WireReason.BAD_JSON_LD)


def compact_signed(doc: Mapping[str, object]) -> dict[str, object] | Fail:
    """As `compact_document`, but only what `to_statements` makes statements of, which is what was signed.

    Words, types and addresses that are relative or blank, directions and indexes are in no statement: whoever passes a
    document on can put them in, and its signature still holds. CPU-unbounded: see the module.
    """
    try:
        options = {"documentLoader": _load, "base": None}
        stated = _stated(_pyld().expand(dict(doc), options))
        compacted = _pyld().compact(stated, _own_context(), options)
    except _UnknownContextError as error:
        return Fail(WireReason.UNKNOWN_CONTEXT, str(error)[:200])
    except Exception as error:
        return _failure(error)
    return {**compacted, "@context": _stated_context()} if isinstance(compacted, dict) else Fail(WireReason.BAD_JSON_LD)


def to_statements(doc: Mapping[str, object]) -> bytes | Fail:
    """The document's statements as canonical N-Quads: what a linked-data signature is made over.

    CPU-unbounded: see the module.
    """
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _load, "base": None}
    try:
        statements = _pyld().normalize(dict(doc), options)
    except _UnknownContextError as error:
        return Fail(WireReason.UNKNOWN_CONTEXT, str(error)[:200])
    except Exception as error:
        return _failure(error)
    return str(statements).encode()


def _failure(error: BaseException | None) -> Fail:
    # pyld wraps what the loader raised in its own errors.
    seen = error
    for _ in range(10):
        if isinstance(seen, _UnknownContextError):
            return Fail(WireReason.UNKNOWN_CONTEXT, str(seen)[:200])
        if seen is None:
            break
        seen = getattr(seen, "cause", None) or seen.__cause__
    return Fail(WireReason.BAD_JSON_LD, type(error).__name__)


def _stated(value: object) -> object:
    """Of an expanded document, what becomes statements."""
    if isinstance(value, list):
        found = [_stated(item) for item in value]
        return [item for item in found if item is not None]
    if not isinstance(value, dict):
        return value
    if "@value" in value:
        return {name: item for name, item in value.items() if name in _OF_LITERALS}
    if "@list" in value:
        return {"@list": _stated(value["@list"])}
    named = value.get("@id")
    if isinstance(named, str) and not (_ABSOLUTE.match(named) or named.startswith("_:")):
        return None
    kept: dict[str, object] = {}
    for name, item in value.items():
        if name == "@type":
            kept[name] = [each for each in item if _ABSOLUTE.match(each)]
        elif name == "@id":
            kept[name] = item
        elif _ABSOLUTE.match(name) and (stated := _stated(item)) != []:
            kept[name] = stated
    return kept


def _with_as2(doc: Mapping[str, object]) -> dict[str, object]:
    """spec: as2#jsonld: the AS2 context applies also where it is not named."""
    context = doc.get("@context")
    listed = context if isinstance(context, list) else [context] if context else []
    named = any(isinstance(item, str) and (item in AS2_CONTEXT_URLS or is_litepub_url(item)) for item in listed)
    return {**doc, "@context": listed if named else [AS2_URL, *listed]}


def _load(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """pyld's document loader: bundled files and nothing else."""
    name = _index().get(url)
    if name is None and is_litepub_url(url):
        name = _index()[min(LITEPUB_URLS)]
    elif name is None and is_mbin_url(url):
        name = _index()[MBIN_URL]
    if name is not None:
        document = _read(name)
    elif url in SAME_MEANING_CONTEXT_URLS:
        document = {"@context": {}}
    else:
        raise _UnknownContextError(url)
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


@lru_cache(maxsize=1)
def contexts_directory() -> Path:
    """Where the bundled contexts are: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "schemas" / "contexts", package.parent / "schemas" / "contexts"):
        if (candidate / "index.json").is_file():
            return candidate
    raise FileNotFoundError("schemas/contexts is missing from the installation")


@lru_cache(maxsize=1)
def _index() -> dict[str, str]:
    index: dict[str, str] = orjson.loads((contexts_directory() / "index.json").read_bytes())
    return index


@lru_cache(maxsize=64)
def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads((contexts_directory() / name).read_bytes())
    return document


def _own_context() -> dict[str, Any]:
    return _read("own.jsonld")


def _stated_context() -> list[object]:
    """Our own context without the terms that it takes away for compaction only (the language maps)."""
    *urls, terms = _own_context()["@context"]
    return [*urls, {term: definition for term, definition in terms.items() if definition is not None}]


def _pyld() -> Any:
    # 157 ms and 5 MB that a server which meets only ordinary documents never needs.
    from pyld import jsonld  # noqa: PLC0415

    return jsonld
