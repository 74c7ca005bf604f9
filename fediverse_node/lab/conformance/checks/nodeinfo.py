"""NodeInfo and host-meta: what the server says of itself.

spec: nodeinfo-2.0, nodeinfo-2.1, fep-f1d5, fep-0151, rfc6415
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fediverse_node.lab.conformance.case import Case, came, document, header
from fediverse_node.lab.conformance.facts import Json
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Outcome, failed, passed, skipped, warning
from fediverse_node.protocol.media_types import JSON, XRD_XML
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.uris import same_origin

SECTION = Section()
_REL = "http://nodeinfo.diaspora.software/ns/schema/"
_NAME = re.compile(r"[a-z0-9-]+")
_LINKS_LOOKED_AT = 10


async def _offered(case: Case) -> dict[str, str]:
    """Versions to addresses."""
    found = document(await case.read(f"{case.facts.webfinger_origin}/.well-known/nodeinfo", accept=JSON)) or {}
    offered: dict[str, str] = {}
    for link in sequence(found.get("links"))[:_LINKS_LOOKED_AT]:
        rel, href = (link.get("rel"), link.get("href")) if isinstance(link, Mapping) else (None, None)
        if isinstance(rel, str) and isinstance(href, str) and rel.startswith(_REL):
            offered[rel.removeprefix(_REL)] = href
    return offered


async def _newest(case: Case) -> tuple[str, Json | None]:
    offered = await _offered(case)
    version = max(offered, default="")
    return version, document(await case.read(offered[version], accept=JSON)) if version else None


@SECTION.check(
    "nodeinfo.links",
    "The server says where its NodeInfo is",
    why="Peers, statistics and moderation tools recognise the software by it.",
    advice="Serve /.well-known/nodeinfo with a link of rel http://nodeinfo.diaspora.software/ns/schema/2.1 (or 2.0).",
    refs=("nodeinfo-2.1", "fep-f1d5"),
)
async def links_exist(case: Case) -> Outcome:
    exchange = await case.read(f"{case.facts.webfinger_origin}/.well-known/nodeinfo", accept=JSON)
    if exchange.status in (404, 410):
        return warning(f"There is no NodeInfo: {came(exchange)}")
    if document(exchange) is None:
        return failed(f"/.well-known/nodeinfo: {came(exchange)}")
    offered = await _offered(case)
    if not offered:
        return warning("It links to no NodeInfo document.")
    if not {"2.0", "2.1"}.intersection(offered):
        return failed("None of its links is for NodeInfo 2.0 or 2.1.")
    return passed(f"Versions {', '.join(sorted(offered))}")


@SECTION.check(
    "nodeinfo.origin",
    "The NodeInfo documents are on the server itself",
    why="Careful fetchers do not follow a link from one server to another: Fedify had to learn it the hard way.",
    advice="Link to documents of the same scheme, host and port.",
    refs=("CVE-2026-62857", "fep-0151"),
)
async def links_stay_here(case: Case) -> Outcome:
    offered = await _offered(case)
    if not offered:
        return skipped("There is no NodeInfo")
    strangers = [href for href in offered.values() if not same_origin(href, case.facts.webfinger_origin)]
    return failed(f"{strangers[0]} is on another server.") if strangers else passed("All of them")


@SECTION.check(
    "nodeinfo.document",
    "The NodeInfo document says what the schema asks for",
    why="Tools read these fields without looking twice.",
    advice="Give version, software, protocols with activitypub, services, openRegistrations, usage.users and metadata.",
    refs=("nodeinfo-2.1", "nodeinfo-2.0"),
)
async def document_is_complete(case: Case) -> Outcome:
    version, found = await _newest(case)
    if not version:
        return skipped("There is no NodeInfo")
    if found is None:
        return failed(f"The document of version {version} could not be read: {came(case.exchanges[-1])}")
    faults = list(_faults(version, found))
    return failed(f"NodeInfo {version}: {'; '.join(faults)}.") if faults else passed(f"NodeInfo {version} is complete")


def _faults(version: str, found: Json) -> list[str]:
    def inner(name: str) -> Json:
        value = found.get(name)
        return value if isinstance(value, Mapping) else {}

    faults = [] if found.get("version") == version else [f"version is {found.get('version')!r}"]
    software, services, usage = inner("software"), inner("services"), inner("usage")
    if not isinstance(software.get("name"), str) or not isinstance(software.get("version"), str):
        faults.append("software has no name or version")
    if "activitypub" not in sequence(found.get("protocols")):
        faults.append("protocols does not list activitypub")
    if not isinstance(services.get("inbound"), list) or not isinstance(services.get("outbound"), list):
        faults.append("services has no inbound and outbound")
    if not isinstance(found.get("openRegistrations"), bool):
        faults.append("openRegistrations is not true or false")
    if not isinstance(usage.get("users"), Mapping):
        faults.append("usage has no users")
    if not isinstance(found.get("metadata"), Mapping):
        faults.append("metadata is not an object")
    return faults


@SECTION.check(
    "nodeinfo.name",
    "The name of the software has the form the schema asks for",
    why="The schema allows lower-case letters, digits and hyphens; what sorts servers by software relies on it.",
    advice="Write software.name with a-z, 0-9 and - alone.",
    refs=("nodeinfo-2.1",),
)
async def name_is_plain(case: Case) -> Outcome:
    _, found = await _newest(case)
    if found is None:
        return skipped("There is no NodeInfo")
    software = found.get("software")
    name = software.get("name") if isinstance(software, Mapping) else None
    if isinstance(name, str) and _NAME.fullmatch(name):
        return passed(name)
    return warning(f"software.name is {name!r}.")


@SECTION.check(
    "nodeinfo.type",
    "The NodeInfo document is declared as JSON",
    why="Fetchers that look at the type refuse anything else.",
    advice='Send Content-Type: application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.1#".',
    refs=("nodeinfo-2.1",),
)
async def type_is_json(case: Case) -> Outcome:
    version, _ = await _newest(case)
    if not version:
        return skipped("There is no NodeInfo")
    kind = header(case.exchanges[-1], "content-type")
    if kind.partition(";")[0].strip().lower() != JSON:
        return failed(f"Content-Type is {kind or 'absent'}.")
    return passed(kind)


@SECTION.check(
    "nodeinfo.host-meta",
    "host-meta, where there is one, leads to WebFinger",
    why="Older software begins there; a template that leads nowhere makes everybody here unknown to it.",
    advice="Name the template {origin}/.well-known/webfinger?resource={uri}, or serve no host-meta at all.",
    refs=("rfc6415#3",),
)
async def host_meta_leads_on(case: Case) -> Outcome:
    exchange = await case.read(f"{case.facts.webfinger_origin}/.well-known/host-meta", accept=XRD_XML)
    if exchange.status in (404, 410, 406):
        return skipped("There is no host-meta, and nobody needs one")
    if exchange.answer is None or not 200 <= exchange.status < 300:
        return failed(f"/.well-known/host-meta: {came(exchange)}")
    # Never parsed as XML: what strangers send could hold entities that do not end.
    template = f"{case.facts.webfinger_origin}/.well-known/webfinger?resource={{uri}}"
    if template in exchange.answer.text:
        return passed(template)
    return failed(f"It does not name {template}.")
