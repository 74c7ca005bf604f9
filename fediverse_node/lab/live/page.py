"""The lab's own port: the inspector, who is there, and a way in as each of them.

`/` is the inspector, `/people` a plain page for those without scripts, `/enter/alice@alpha.test` signs a browser in:
it makes a link that works once, and goes there. `/why` says why a post did not reach a server. For one developer on
one machine, as the inspector is.
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.lab.inspector.guard import refuse_host
from fediverse_node.lab.inspector.nodes import NodeInfo, PersonInfo
from fediverse_node.lab.inspector.server import setup
from fediverse_node.lab.live.listeners import LOOPBACK
from fediverse_node.lab.live.resend import Resender
from fediverse_node.lab.live.translate import name_here
from fediverse_node.lab.live.why_page import WhyPage
from fediverse_node.lab.live.world import LiveWorld

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{overflow-wrap:anywhere}td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}"
)


class LabPage:
    """What the lab's port answers. `url` is where it listens."""

    def __init__(self, world: LiveWorld, *, url: str) -> None:
        self._world = world
        self._url = url

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application()
        app.router.add_get("/people", self.get_people)
        app.router.add_get("/enter/{address}", self.enter)
        app.router.add_get("/why", WhyPage(self._world).get)
        links = (("Why not?", "/why"),)
        setup(app, self._world.recording, prefix="", resend=Resender(self._world), nodes=self.nodes, links=links)
        return app

    def nodes(self) -> list[NodeInfo]:
        """Nodes and strangers with their people, as the inspector shows them."""
        world = self._world
        wire = f"{world.app_wire.address}:{world.app_wire.port}"
        ca = str(world.authority.file)
        found = [
            NodeInfo(
                host,
                wire,
                world.url_of(host),
                f"fediverse_node {__version__}",
                ca,
                tuple(
                    PersonInfo(person.name, person.address, person.uri, self.entrance(person.address), may_sign=True)
                    for person in world.everybody()
                    if person.home.host == host
                ),
            )
            for host in world.nodes
        ]
        return found + [
            NodeInfo(stranger.name, wire, stranger.url, "attached", ca) for stranger in world.strangers.values()
        ]

    def entrance(self, address: str) -> str:
        """Where a browser becomes this person."""
        return f"{self._url}/enter/{address}"

    async def get_people(self, request: web.Request) -> web.Response:
        """Nodes and people, as a plain page."""
        refusal = refuse_host(request, ())
        if refusal is not None:
            return web.Response(status=421, text=refusal)
        parts = [f"<p>Everybody's password: <code>{escape(self._world.password)}</code></p>"]
        tokens = {person.address: person.token for person in self._world.everybody()}
        for node in self.nodes():
            rows = "".join(
                f'<tr><td><a href="/enter/{escape(person.handle)}">@{escape(person.handle)}</a>'
                f"<td><code>{escape(tokens.get(person.handle, ''))}</code>"
                for person in node.people
            )
            table = f"<table><tr><th>Sign in as<th>Token for an app{rows}</table>" if rows else ""
            parts.append(f'<h2><a href="{escape(node.url)}">{escape(node.name)}</a></h2>{table}')
        text = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Nodes and people</title>'
            f'<link rel="icon" href="data:,">'
            f'<style>{_STYLE}</style><h1>Nodes and people</h1><p><a href="/">All exchanges between them</a>'
            ' · <a href="/why">Why did a post not reach a server?</a></p>' + "".join(parts)
        )
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def enter(self, request: web.Request) -> web.Response:
        """On to a link that signs in once."""
        refusal = refuse_host(request, ())
        if refusal is not None:
            return web.Response(status=421, text=refusal)
        name, _, host = request.match_info["address"].lstrip("@").partition("@")
        node = self._world.nodes.get(host)
        if node is None or not node.is_running:
            return web.Response(status=404, text=f"No node called {host[:100]!r} runs in this world.")
        path = await node.inside(node.sign_in_path(name))
        if path is None:
            return web.Response(status=404, text=f"There is nobody called {name[:100]!r} at {host}.")
        here = name_here(host, request.host.rpartition(":")[0] or LOOPBACK)
        location = f"http://{here}:{self._world.ports[host]}{path}"
        return web.Response(status=303, headers={**_HEADERS, "Location": location})
