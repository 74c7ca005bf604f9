"""What the inspector shows of the nodes of a world beside their exchanges: addresses, and people to sign in as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """Somebody on a node. `sign_in_url` opens a browser as this person; it never leaves the live page.

    With `may_sign` the world signs with this actor's key when an edited request is sent again.
    """

    name: str
    handle: str = ""  # alice@alpha.test
    actor_uri: str = ""
    sign_in_url: str = ""
    may_sign: bool = False


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A node or an attached stranger. `address` is where its name leads, host:port; "" in a simulated world."""

    name: str
    address: str = ""
    url: str = ""  # where a browser opens it
    software: str = ""
    ca_file: str = ""  # the certificate authority that vouches for it, for curl
    people: tuple[PersonInfo, ...] = ()


def render_nodes(nodes: Sequence[NodeInfo], *, with_sign_in: bool) -> list[dict[str, Any]]:
    """The form in which the page gets them. Links that are not of the web are left out."""
    return [
        {
            "name": node.name,
            "address": node.address,
            "url": _web_link(node.url),
            "software": node.software,
            "people": [
                {
                    "name": person.name,
                    "handle": person.handle,
                    "actor": person.actor_uri,
                    "sign_in": _web_link(person.sign_in_url) if with_sign_in else "",
                    "may_sign": person.may_sign,
                }
                for person in node.people
            ],
        }
        for node in nodes
    ]


def find_node(nodes: Sequence[NodeInfo], name: str) -> NodeInfo | None:
    """The node with this name."""
    return next((node for node in nodes if node.name == name), None)


def _web_link(url: str) -> str:
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""
