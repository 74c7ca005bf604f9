"""What another server says of itself: its software, and its own actor.  spec: fep-f1d5, fep-0151, fep-2677, fep-d556

Asked unsigned, as everybody asks. The document has to be on the server that names it: else a server could have us ask
others, and be taken for what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.protocol.media_types import JRD_JSON, JSON
from fediverse_node.protocol.nodeinfo import NodeInfo, parse_application, parse_links, parse_nodeinfo
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.uris import same_origin
from fediverse_node.protocol.webfinger import Jrd, lookup_url, parse_jrd
from fediverse_node.transport.dereference import parse_json_object
from fediverse_node.transport.exchange import Http, Response
from fediverse_node.transport.faults import status_fault

_SIZE_LIMIT = 100_000
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ServerSaid:
    """Its NodeInfo and the address of its own actor, where it names one on its own host."""

    info: NodeInfo
    application_uri: str | None = None


async def fetch_nodeinfo(http: Http, base_url: str) -> ServerSaid | Fail | TemporaryFail:
    """What the server at `base_url` (`https://host[:port]`) says of itself; three requests at most."""
    links = await _get(http, f"{base_url}/.well-known/nodeinfo", JSON)
    if not isinstance(links, _Read):
        return links
    address = parse_links(links.document)
    if address is None or not same_origin(address, links.url):
        return Fail(WireReason.BAD_NODEINFO, "it links to no document on its own host")
    document = await _get(http, address, JSON)
    if not isinstance(document, _Read):
        return document
    info = parse_nodeinfo(document.document)
    if isinstance(info, Fail):
        return info
    application = parse_application(links.document) or await _service(http, base_url)
    is_own = application is not None and same_origin(application, links.url)
    return ServerSaid(info, application if is_own else None)


async def _service(http: Http, base_url: str) -> str | None:
    """The server's actor as WebFinger names it for the server's address.  spec: fep-d556"""
    answer = await _get(http, lookup_url(base_url, f"{base_url}/"), f"{JRD_JSON}, {JSON}")
    jrd = parse_jrd(answer.document) if isinstance(answer, _Read) else None
    return jrd.server_actor if isinstance(jrd, Jrd) else None


@dataclass(frozen=True, slots=True)
class _Read:
    document: dict[str, object]
    url: str


async def _get(http: Http, url: str, accept: str) -> _Read | Fail | TemporaryFail:
    response = await http.get(url, accept=accept, max_bytes=_SIZE_LIMIT, timeout_s=_TIMEOUT_S)
    if not isinstance(response, Response):
        return response
    fault = status_fault(response.status)
    if fault is not None:
        return fault
    document = parse_json_object(response.body)
    return document if isinstance(document, Fail) else _Read(document, response.url)
