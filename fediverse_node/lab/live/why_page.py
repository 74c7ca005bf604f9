"""`/why` of a live world: a form for a post and a host, and why the one did not reach the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from html import escape

import orjson
from aiohttp import web

from fediverse_node.lab.inspector.guard import refuse_host
from fediverse_node.lab.live.world import LiveWorld
from fediverse_node.lab.names import host_of_name
from fediverse_node.lab.why.explain import Readable, explain
from fediverse_node.lab.why.finding import Explanation, Finding, State

_LONGEST = 2_000
_MARKS = {State.PASSED: "✓", State.FAILED: "✗", State.WAITING: "…", State.UNKNOWN: "·"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "label{display:block;margin:.8rem 0 .2rem}input,select{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}"
    "button{font:inherit;margin-top:1rem;padding:.4rem 1.2rem}li{margin:.5rem 0;overflow-wrap:anywhere}"
    ".answer{font-size:1.2rem;overflow-wrap:anywhere}ol{padding-left:1.4rem}small{opacity:.8}"
)


class WhyPage:
    """Asks the record and the databases of a world."""

    def __init__(self, world: LiveWorld) -> None:
        self._world = world

    async def get(self, request: web.Request) -> web.Response:
        """The form; with `post` and `host` also the answer. `format=json` gives it to programs."""
        refusal = refuse_host(request, ())
        if refusal is not None:
            return web.Response(status=421, text=refusal)
        # What somebody copied from their app or browser is an address of this machine.
        post = self._world.translator().inward_text(request.query.get("post", "").strip()[:_LONGEST])
        host = request.query.get("host", "").strip()[:_LONGEST]
        explanation = await self._explain(post, host_of_name(host)) if post and host else None
        if request.query.get("format") == "json":
            if explanation is None:
                return _json(400, {"error": "give `post`, the id of a post, and `host`, where it should be"})
            return _json(200, {**explanation.to_json(), "text": explanation.text()})
        text = self._render(post, host, explanation)
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def _explain(self, post: str, host: str) -> Explanation:
        looks: dict[str, Callable[[], Readable]] = {
            name: lambda node=node: node.database  # type: ignore[misc]
            for name, node in self._world.nodes.items()
        }
        exchanges = list(self._world.recording)
        return await asyncio.to_thread(explain, post, host, exchanges, looks)

    def _render(self, post: str, host: str, explanation: Explanation | None) -> str:
        hosts = [*self._world.nodes, *self._world.strangers]
        options = "".join(
            f"<option{' selected' if name == host_of_name(host) and host else ''}>{escape(name)}" for name in hosts
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Why did this not reach them?</title>'
            '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
            f"<style>{_STYLE}</style><main><h1>Why did this not reach them?</h1>"
            '<form><label for="post">Post, by its id or the address of its page</label>'
            f'<input id="post" name="post" required value="{escape(post)}">'
            f'<label for="host">Server</label><select id="host" name="host">{options}</select>'
            "<button>Ask</button></form>"
            f"{_answer(explanation) if explanation else ''}"
            '<p><a href="/">All exchanges</a> · <a href="/people">Nodes and people</a></main>'
        )


def _answer(explanation: Explanation) -> str:
    culprit = explanation.culprit
    advice = f"<p>{escape(culprit.advice)}" if culprit is not None and culprit.advice else ""
    items = "".join(_item(finding) for finding in explanation.findings)
    return f'<h2>Answer</h2><p class="answer" role="status">{escape(explanation.verdict)}</p>{advice}<ol>{items}</ol>'


def _item(finding: Finding) -> str:
    links = ", ".join(f'<a href="/#exchange={number}">{number}</a>' for number in finding.exchanges)
    seen = f" <small>(exchange {links})</small>" if links else ""
    return (
        f"<li><b>{_MARKS[finding.state]} {escape(_upper(finding.stage.value))}</b> {escape(finding.state.value)}."
        f" {escape(finding.sentence)}{seen}"
    )


def _json(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json", headers=_HEADERS)


def _upper(sentence: str) -> str:
    """With a capital letter, and names in it left as they are."""
    return sentence[:1].upper() + sentence[1:]
