"""Where the references of a check lead: specifications, proposals and advisories."""

from __future__ import annotations

import re

_RFC = re.compile(r"rfc(\d+)")
_FEP = re.compile(r"fep-([0-9a-f]{4})")
_OTHERS = {
    "ap": ("ActivityPub", "https://www.w3.org/TR/activitypub/"),
    "as2": ("Activity Streams 2.0", "https://www.w3.org/TR/activitystreams-core/"),
    "as2-vocabulary": ("Activity Vocabulary", "https://www.w3.org/TR/activitystreams-vocabulary/"),
    "cavage": ("draft-cavage-12", "https://datatracker.ietf.org/doc/html/draft-cavage-http-signatures-12"),
    "json-ld11": ("JSON-LD 1.1", "https://www.w3.org/TR/json-ld11/"),
    "nodeinfo-2.0": ("NodeInfo 2.0", "https://nodeinfo.diaspora.software/ns/schema/2.0"),
    "nodeinfo-2.1": ("NodeInfo 2.1", "https://nodeinfo.diaspora.software/ns/schema/2.1"),
    "rdf-canon": ("RDF canonicalisation", "https://www.w3.org/TR/rdf-canon/"),
}
_SECTIONED = frozenset({"ap", "as2", "as2-vocabulary", "json-ld11"})


def name_of(reference: str) -> str:
    """How a reference is written for people, as in "RFC 7033, section 4.2"."""
    name, _, section = reference.partition("#")
    rfc, fep = _RFC.fullmatch(name), _FEP.fullmatch(name)
    numbered = (
        f", section {section.upper()}" if re.fullmatch(r"[0-9a-z](?:\.[0-9]+)*|[0-9]+(?:\.[0-9]+)*", section) else ""
    )
    if rfc is not None:
        return f"RFC {rfc[1]}{numbered}"
    if fep is not None:
        return f"FEP-{fep[1]}"
    if name in _OTHERS:
        return _OTHERS[name][0] + numbered
    return reference


def address_of(reference: str) -> str | None:
    """The address it leads to; None for what is none of the known kinds."""
    name, _, section = reference.partition("#")
    rfc, fep = _RFC.fullmatch(name), _FEP.fullmatch(name)
    if rfc is not None:
        return f"https://www.rfc-editor.org/rfc/rfc{rfc[1]}" + (f"#section-{section}" if section else "")
    if fep is not None:
        return f"https://w3id.org/fep/{fep[1]}"
    if name in _OTHERS:
        return _OTHERS[name][1] + (f"#{section}" if section and name in _SECTIONED else "")
    if reference.startswith("CVE-"):
        return f"https://www.cve.org/CVERecord?id={reference}"
    if reference.startswith("GHSA-"):
        return f"https://github.com/advisories/{reference}"
    return None
