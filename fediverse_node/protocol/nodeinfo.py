"""NodeInfo: what software a server runs and how many people use it.

spec: nodeinfo-2.0, nodeinfo-2.1, fep-f1d5, fep-0151, fep-2677. Also 2.2, which has a place for the server's name.

Counts are numbers somebody else states: shown, never relied on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.reading import boolean, integer, mapping, mappings, sequence, text, web_url
from fediverse_node.protocol.reasons import WireReason

# In the order in which they are offered and read: 2.2 is a draft that few know.
VERSIONS = ("2.1", "2.0", "2.2")
APPLICATION_REL = "https://www.w3.org/ns/activitystreams#Application"
_REL = "http://nodeinfo.diaspora.software/ns/schema/"
_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """What a server says about itself. Names are lower case and cut to 100 characters."""

    software_name: str
    software_version: str
    node_name: str = ""
    protocols: tuple[str, ...] = ()
    open_registrations: bool | None = None
    users_total: int | None = None
    users_active_month: int | None = None
    posts: int | None = None


def dump_links(base_url: str, application_uri: str | None = None) -> dict[str, object]:
    """`/.well-known/nodeinfo`, with the server's own actor.  spec: fep-2677"""
    links = [{"rel": _REL + version, "href": f"{base_url}/nodeinfo/{version}"} for version in VERSIONS]
    if application_uri is not None:
        links.append({"rel": APPLICATION_REL, "href": application_uri})
    return {"links": links}


def dump_nodeinfo(
    version: str,
    *,
    software_name: str,
    software_version: str,
    open_registrations: bool,
    users_total: int,
    users_active_month: int,
    users_active_half_year: int,
    posts: int,
    comments: int | None = None,
    node_name: str = "",
    node_description: str = "",
    repository: str | None = None,
    homepage: str | None = None,
    languages: Iterable[str] = (),
    metadata: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The NodeInfo document of a version; 2.0 has no place for repository and homepage, only 2.2 one for the name.

    `metadata` is what else there is to say; names that others use are best.
    """
    software: dict[str, object] = {"name": software_name, "version": software_version}
    if version != "2.0":
        software |= {k: v for k, v in (("repository", repository), ("homepage", homepage)) if v is not None}
    usage: dict[str, object] = {
        "users": {
            "total": users_total,
            "activeMonth": users_active_month,
            "activeHalfyear": users_active_half_year,
        },
        "localPosts": posts,
    }
    if comments is not None:
        usage["localComments"] = comments
    said: dict[str, object] = {"nodeName": node_name, "nodeDescription": node_description, **(metadata or {})}
    if languages:
        said["languages"] = list(languages)
    return {
        "version": version,
        **({"instance": {"name": node_name[:500]}} if version == "2.2" else {}),
        "software": software,
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": ["atom1.0", "rss2.0"]},
        "openRegistrations": open_registrations,
        "usage": usage,
        "metadata": said,
    }


def parse_links(doc: object) -> str | None:
    """The address of the newest NodeInfo document a server offers, or None. The address is not checked."""
    offered: dict[str, str] = {}
    for link in mappings(mapping(doc).get("links"), 20):
        rel, href = link.get("rel"), web_url(link.get("href"))
        if isinstance(rel, str) and rel.startswith(_REL) and href is not None:
            offered.setdefault(rel.removeprefix(_REL), href)
    for version in (*VERSIONS, "1.1", "1.0"):
        if version in offered:
            return offered[version]
    return None


def parse_application(doc: object) -> str | None:
    """The server's own actor in `/.well-known/nodeinfo`, or None. Nothing of it is checked.  spec: fep-2677"""
    links = mappings(mapping(doc).get("links"), 20)
    hrefs = (web_url(link.get("href")) for link in links if link.get("rel") == APPLICATION_REL)
    return next((href for href in hrefs if href is not None), None)


def parse_nodeinfo(doc: object) -> NodeInfo | Fail:
    """Read any JSON value as NodeInfo of any version; never raises. Fails without a software name."""
    if not isinstance(doc, Mapping):
        return Fail(WireReason.BAD_NODEINFO, "not an object")
    software = mapping(doc.get("software"))
    name = text(software.get("name"), _NAME_LIMIT).strip().lower()
    if not name or not name.isprintable():
        return Fail(WireReason.BAD_NODEINFO, "no software name")
    usage = mapping(doc.get("usage"))
    users = mapping(usage.get("users"))
    protocols = doc.get("protocols")
    # 1.0 wrote {"inbound": [...], "outbound": [...]}
    listed = mapping(protocols).get("inbound") if isinstance(protocols, Mapping) else protocols
    return NodeInfo(
        software_name=name,
        software_version=text(software.get("version"), _NAME_LIMIT).strip(),
        node_name=text(mapping(doc.get("metadata")).get("nodeName"), 200).strip(),
        protocols=tuple(text(item, 50) for item in sequence(listed)[:20] if isinstance(item, str)),
        open_registrations=boolean(doc.get("openRegistrations")),
        users_total=integer(users.get("total")),
        users_active_month=integer(users.get("activeMonth")),
        posts=integer(usage.get("localPosts")),
    )
