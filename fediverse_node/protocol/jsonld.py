"""The context gate: may this document be read as plain JSON, or must JSON-LD be processed first?

spec: json-ld11, as2#jsonld. Real documents put the Activity Streams context first, add URLs and terms of
their own, and leave the core words alone; processing them would cost 170 times as much as reading them
and would change nothing. So:

- Documents whose keywords can move statements elsewhere (`@graph`, `@included`, `@reverse`, at any depth
  and under any other name), that are too deep, too large or have too many anonymous nodes are refused.
- A core word with another meaning, another word with a core meaning, JSON-LD keywords in plain places and
  contexts without the AS2 one need processing.
- No context at all means the AS2 context. spec: as2#jsonld ("MUST assume that the normative context applies")
- URLs that are not known are ignored beside the AS2 context, and reported. Such a context could redefine
  any word, but it cannot be read without asking the network at each message, an attacker gains nothing by
  it over sending another document under the same signature, and what other servers (which also read plain
  JSON) show is what we show. Where that is not enough, namely for signatures over statements (linked-data
  signatures), only `compact_document`'s answer may be used, and that refuses unknown contexts.

Does not fetch contexts, ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.jsonld_processing import compact_document
from fediverse_node.protocol.jsonld_terms import (
    AS2_CONTEXT_URLS,
    AS2_TERMS,
    CORE_IRIS,
    CORE_TERMS,
    HARMLESS_CONTEXT_URLS,
    KNOWN_PREFIXES,
    NAMESPACES,
    REDEFINING_CONTEXT_URLS,
    SAME_MEANING_CONTEXT_URLS,
    SECURITY_CONTEXT_URLS,
    SECURITY_TERMS,
    TOLERATED_ALIASES,
    TOLERATED_MEANINGS,
    is_litepub_url,
    is_mbin_url,
)
from fediverse_node.protocol.reasons import WireReason

__all__ = ["NeedsProcessing", "Plain", "compact_document", "gate", "refusal_to_normalise"]

DEPTH_LIMIT = 32
ANONYMOUS_NODES_LIMIT = 512
SIZE_LIMIT_BYTES = 1_000_000
IGNORED_LIMIT = 20

_CACHED_CONTEXT_BYTES = 8_192

_RESTRUCTURING = frozenset({"@graph", "@included", "@reverse"})
_HARMLESS_CONTEXT_KEYS = frozenset({"@version", "@protected", "@language", "@direction"})
_CORE_PREFIXES = frozenset({"as", "ldp", "sec"})
_CORE_CONTAINERS = frozenset({"@list", "@set", "@language"})
_REDEFINED_BY_URL = "https:"


@dataclass(frozen=True, slots=True)
class Plain:
    """Read it as plain JSON. `ignored_contexts` are the unknown context URLs, at most 20."""

    ignored_contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsProcessing:
    """Plain reading could misread it: give it to `compact_document` in a worker that can be killed."""

    reason: WireReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one `@context` means for reading its document as plain JSON."""

    refusal: Fail | None
    needed: NeedsProcessing | None
    has_as2: bool
    ignored: tuple[str, ...]
    dangerous_prefixes: frozenset[str]


def gate(doc: object, *, size_bytes: int = 0) -> Plain | NeedsProcessing | Fail:
    """Decide how a received document may be read. `size_bytes` is the length of its JSON, where known.

    Never raises; linear in the size of the document. Fail means: answer 4xx, do not process.
    """
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    if size_bytes > SIZE_LIMIT_BYTES:
        return Fail(WireReason.TOO_LARGE)
    inspection = _Inspection()
    refusal = inspection.walk(doc)
    if refusal is not None:
        return refusal
    needed = inspection.needed
    ignored: tuple[str, ...] = ()
    top = doc.get("@context")
    for context in inspection.contexts:
        if context is None:
            # null takes all meanings away; at the top of a document it is as good as absent
            if context is not top:
                needed = needed or NeedsProcessing(WireReason.CONTEXT_FEATURE, "null context")
            continue
        verdict = _verdict_on(context)
        if verdict.refusal is not None:
            return verdict.refusal
        needed = needed or verdict.needed
        if context is top and context != [] and not verdict.has_as2:
            needed = needed or NeedsProcessing(WireReason.NO_AS2_CONTEXT)
        ignored += verdict.ignored
        if not verdict.dangerous_prefixes.isdisjoint(inspection.key_prefixes):
            needed = needed or NeedsProcessing(WireReason.TERM_REDEFINED, "a prefix stands for Activity Streams")
    # Plain reading cuts long lists by itself; a processor would number all of these nodes.
    if needed is not None and inspection.anonymous > ANONYMOUS_NODES_LIMIT:
        return Fail(WireReason.TOO_MANY_NODES)
    return needed or Plain(tuple(dict.fromkeys(ignored))[:IGNORED_LIMIT])


def refusal_to_normalise(doc: Mapping[str, object]) -> Fail | None:
    """Why the statements of a document are not made, also where plain reading would do: they would cost too much.

    For signatures over statements; words that move statements are refused here as by `gate`.
    """
    inspection = _Inspection()
    refusal = inspection.walk(doc)
    if refusal is None and inspection.anonymous > ANONYMOUS_NODES_LIMIT:
        refusal = Fail(WireReason.TOO_MANY_NODES)
    return refusal


def _verdict_on(context: object) -> _Verdict:
    """A server sends the same context with every message, so verdicts are kept by the context's bytes."""
    if isinstance(context, str) and context in AS2_CONTEXT_URLS:
        return _AS2_ALONE
    try:
        key = orjson.dumps(context)
    except (TypeError, ValueError):  # integers beyond 64 bits, half surrogates
        return _ContextReader().verdict(context)
    return _known_verdict(key) if len(key) <= _CACHED_CONTEXT_BYTES else _ContextReader().verdict(context)


@lru_cache(maxsize=2048)
def _known_verdict(key: bytes) -> _Verdict:
    return _ContextReader().verdict(orjson.loads(key))


_AS2_ALONE = _Verdict(None, None, True, (), frozenset())


class _Inspection:
    """What one pass over a document finds."""

    def __init__(self) -> None:
        self.contexts: list[object] = []
        self.key_prefixes: set[str] = set()
        self.needed: NeedsProcessing | None = None
        self.anonymous = 0

    def need(self, reason: WireReason, detail: str = "") -> None:
        if self.needed is None:
            self.needed = NeedsProcessing(reason, detail[:200])

    def walk(self, doc: Mapping[str, object]) -> Fail | None:
        level: list[object] = [doc]
        # Level by level: the depth is the number of rounds and needs no bookkeeping for each node.
        for _ in range(DEPTH_LIMIT + 1):
            below: list[object] = []
            for value in level:
                if isinstance(value, dict):
                    if "id" not in value:
                        self.anonymous += 1
                    for key, item in value.items():
                        if key in CORE_TERMS:
                            if isinstance(item, dict | list):
                                below.append(item)
                            continue
                        if ("@" in key or ":" in key) and self._is_refused(key, item):
                            return Fail(WireReason.RESTRUCTURED, key[:100])
                        if isinstance(item, dict | list) and key != "@context":
                            below.append(item)
                elif isinstance(value, list):
                    below += [item for item in value if isinstance(item, dict | list)]
            if not below:
                return None
            level = below
        return Fail(WireReason.TOO_DEEP)

    def _is_refused(self, key: str, item: object) -> bool:
        if key == "@context":
            self.contexts.append(item)
        elif key[0] == "@":
            if key in _RESTRUCTURING:
                return True
            # Kroeg writes some values as {"@value": ...}, which plain reading understands.
            if key != "@value":
                self.need(WireReason.KEYWORDS_USED, key)
        else:
            prefix, _, rest = key.partition(":")
            if rest.startswith("//"):
                if key in CORE_IRIS:
                    self.need(WireReason.TERM_REDEFINED, key)
            elif prefix in _CORE_PREFIXES:
                # cattle_grid writes as:manuallyApprovesFollowers; only second names of core words matter
                if KNOWN_PREFIXES[prefix] + rest in CORE_IRIS:
                    self.need(WireReason.TERM_REDEFINED, key)
            else:
                self.key_prefixes.add(prefix)
        return False


class _ContextReader:
    """Reads one `@context` from first to last and keeps which core words end with another meaning."""

    def __init__(self) -> None:
        self._prefixes = dict(KNOWN_PREFIXES)
        self._redefined: set[str] = set()
        self._has_as2 = False
        self._ignored: dict[str, None] = {}
        self._dangerous_prefixes: set[str] = set()
        self._needed: NeedsProcessing | None = None

    def verdict(self, context: object) -> _Verdict:
        refusal = self._read(context, 0)
        if self._redefined:
            self._need(WireReason.TERM_REDEFINED, ", ".join(sorted(self._redefined)[:5]))
        prefixes = frozenset(self._dangerous_prefixes)
        return _Verdict(refusal, self._needed, self._has_as2, tuple(self._ignored), prefixes)

    def _need(self, reason: WireReason, detail: str) -> None:
        if self._needed is None:
            self._needed = NeedsProcessing(reason, detail[:200])

    def _read(self, context: object, depth: int) -> Fail | None:
        if depth > DEPTH_LIMIT:
            return Fail(WireReason.TOO_DEEP)
        if isinstance(context, str):
            self._read_url(context)
        elif isinstance(context, list):
            for item in context:
                if (refusal := self._read(item, depth + 1)) is not None:
                    return refusal
        elif isinstance(context, Mapping):
            return self._read_inline(context, depth)
        else:
            self._need(WireReason.CONTEXT_FEATURE, "null context")
        return None

    def _read_url(self, url: str) -> None:
        if url in AS2_CONTEXT_URLS or is_litepub_url(url):
            self._has_as2 = True
            self._prefixes |= KNOWN_PREFIXES
            self._redefined -= AS2_TERMS.keys() | {_REDEFINED_BY_URL}
        elif url in SECURITY_CONTEXT_URLS:
            self._redefined -= SECURITY_TERMS.keys()
        elif url in REDEFINING_CONTEXT_URLS:
            self._redefined.add(_REDEFINED_BY_URL)
        elif is_mbin_url(url):
            # Mbin's own actor names no other context, and means by its words what everybody means.
            self._has_as2 = True
        elif url in HARMLESS_CONTEXT_URLS or url in SAME_MEANING_CONTEXT_URLS:
            return
        elif len(self._ignored) < IGNORED_LIMIT:
            self._ignored[url[:500]] = None

    def _read_inline(self, context: Mapping[str, object], depth: int) -> Fail | None:
        for term, definition in context.items():
            found = definition.get("@id") if isinstance(definition, Mapping) else definition
            iri = found if isinstance(found, str) else None
            if term[:1] == "@":
                self._read_keyword(term)
            elif iri is not None and iri[:1] == "@":
                if iri in _RESTRUCTURING:
                    return Fail(WireReason.RESTRUCTURED, f"{term[:50]} means {iri}")
                if CORE_TERMS.get(term) != iri:
                    self._need(WireReason.TERM_REDEFINED, f"{term} means {iri}")
            else:
                self._read_term(term, iri, context)
            if isinstance(definition, Mapping) and (refusal := self._check_definition(term, definition, depth)):
                return refusal
        return None

    def _read_keyword(self, term: str) -> None:
        if term in _RESTRUCTURING or term not in _HARMLESS_CONTEXT_KEYS:
            self._need(WireReason.CONTEXT_FEATURE, term)

    def _read_term(self, term: str, iri: str | None, context: Mapping[str, object]) -> None:
        expected = CORE_TERMS.get(term)
        if iri is not None and ":" not in iri:
            # Without a colon it is another term's name, and means what that one means.
            self._need(WireReason.TERM_REDEFINED, f"{term} means {iri}")
            return
        expanded = self._expand(iri, context) if iri is not None else None
        if expanded is not None:
            # A later part of the context may build on it.
            self._prefixes[term] = expanded
        if expected is not None:
            if expanded == expected or (term, expanded) in TOLERATED_MEANINGS:
                self._redefined.discard(term)
            else:
                self._redefined.add(term)
        elif expanded is not None:
            if expanded in CORE_IRIS and (term, expanded) not in TOLERATED_ALIASES:
                self._need(WireReason.TERM_REDEFINED, f"{term} means {expanded}")
            elif any(namespace.startswith(expanded) for namespace in NAMESPACES):
                self._dangerous_prefixes.add(term)
        if ":" in term and term.startswith(("as:", "ldp:", "sec:", *NAMESPACES)):
            self._need(WireReason.TERM_REDEFINED, term)

    def _expand(self, iri: str, context: Mapping[str, object]) -> str:
        """The full IRI of `prefix:rest`; prefixes may stand on prefixes, and after their use."""
        for _ in range(4):
            prefix, colon, rest = iri.partition(":")
            if not colon or rest.startswith("//"):
                return iri
            found = context.get(prefix)
            base = found.get("@id") if isinstance(found, Mapping) else found
            if isinstance(base, str) and ":" in base:
                self._prefixes[prefix] = base
            known = self._prefixes.get(prefix)
            if known is None:
                return iri
            iri = known + rest
        self._need(WireReason.CONTEXT_FEATURE, "prefixes upon prefixes")
        return iri

    def _check_definition(self, term: str, definition: Mapping[str, object], depth: int) -> Fail | None:
        if "@reverse" in definition:
            return Fail(WireReason.RESTRUCTURED, f"{term[:50]} is reversed")
        if "@context" in definition:
            # It holds only below this term; what it changes there, plain reading does not see.
            scoped = _ContextReader()
            refusal = scoped._read([definition["@context"]], depth + 1)
            if refusal is not None:
                return refusal
            self._redefined |= scoped._redefined
            self._dangerous_prefixes |= scoped._dangerous_prefixes
            self._needed = self._needed or scoped._needed
        if "@nest" in definition:
            self._need(WireReason.CONTEXT_FEATURE, "@nest")
        if term in CORE_TERMS:
            container = definition.get("@container")
            containers = container if isinstance(container, list) else [container]
            usual = all(c is None or (isinstance(c, str) and c in _CORE_CONTAINERS) for c in containers)
            if definition.get("@type") == "@json" or not usual:
                self._redefined.add(term)
        return None
