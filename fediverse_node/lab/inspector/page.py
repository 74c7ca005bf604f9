"""The page: one HTML file that asks nobody for anything, from any recording.

What strangers wrote stands in it as gzip in base64, which no HTML parser can take for anything else, and is put on the
page as text only. The policy in its head (spec: csp3) lets no script run but the page's own, no address be asked, and
no text be turned into elements.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from fediverse_node import __version__
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.inspector.claims import KeyRing
from fediverse_node.lab.inspector.content import clean, dump_json
from fediverse_node.lab.inspector.detail import render_detail
from fediverse_node.lab.inspector.har import dump_entry, har_head
from fediverse_node.lab.inspector.nodes import NodeInfo, render_nodes
from fediverse_node.lab.inspector.rows import render_row
from fediverse_node.lab.recording import Recording

_STATIC = Path(__file__).resolve().parent / "static"
# In the order in which they need each other: see `_script`.
SCRIPTS = (
    "dom.js", "format.js", "json.js", "store.js", "filters.js", "diagram.js", "detail.js", "parts.js", "resend.js",
    "panels.js", "main.js",
)  # fmt: skip
# Details are unpacked by the chunk, when one of them is opened.
CHUNK = 100


Links = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Blob:
    """Data of the page: gzip in base64, under the id by which the script finds it."""

    id: str
    text: str


def render_html(recording: Recording, *, nodes: Sequence[NodeInfo] = ()) -> str:
    """The whole recording as one file. Links to sign in are left out of it; what people sent is not: scrub before."""
    exchanges = list(recording)
    keys = KeyRing(exchanges)
    start = {
        "about": recording.about,
        "nodes": render_nodes(nodes, with_sign_in=False),
        "rows": [render_row(exchange) for exchange in exchanges],
        "known": recording.known,
        "har": har_head(recording.about),
    }
    blobs = [_blob("start", start)]
    for position, chunk in enumerate(_chunks(exchanges)):
        details = [
            {**render_detail(exchange, keys=keys, nodes=nodes), "har": dump_entry(exchange)} for exchange in chunk
        ]
        blobs.append(_blob(f"details-{position}", details))
    return _render({"live": False, "chunk": CHUNK}, blobs, title=_title(recording))


def render_live_page(recording: Recording, *, token: str, links: Links = ()) -> str:
    """The page that asks its server for everything. `token` is what the server wants to see before it sends.

    `links` lead to what the server has besides: name and address of each.
    """
    return _render({"live": True, "token": token}, [], title=_title(recording), links=links)


def policy(*, live: bool) -> str:
    """The Content-Security-Policy of the page.  spec: csp3"""
    asks = "connect-src 'self'; " if live else ""
    return (
        f"default-src 'none'; script-src {_fingerprint(_script())}; style-src {_fingerprint(_read('inspector.css'))}; "
        f"{asks}base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _render(config: Mapping[str, Any], blobs: Sequence[Blob], *, title: str, links: Links = ()) -> str:
    # Nothing of a stranger's is in here; "<" is written otherwise all the same, so that no `</script>` can ever be.
    plain = orjson.dumps(config).decode().replace("<", "\\u003c")
    return _template().render(
        title=title,
        policy=policy(live=bool(config["live"])),
        style=Markup(_read("inspector.css")),  # noqa: S704 - our own file
        script=Markup(_script()),  # noqa: S704 - our own file
        config=Markup(plain),  # noqa: S704 - see above
        blobs=blobs,
        links=links,
        version=__version__,
    )


def _title(recording: Recording) -> str:
    name = recording.about.get("name") or recording.about.get("scenario")
    return f"{clean(name)[:80]} · exchanges" if isinstance(name, str) and name else "Exchanges between nodes"


def _blob(name: str, value: object) -> Blob:
    # Without a time in it, the same recording gives the same file.
    return Blob(name, b64encode(gzip.compress(dump_json(value), compresslevel=6, mtime=0)).decode("ascii"))


def _chunks(exchanges: Sequence[Exchange]) -> list[list[Exchange]]:
    remaining = iter(exchanges)
    return [list(islice(remaining, CHUNK)) for _ in range(0, len(exchanges), CHUNK)]


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_STATIC), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html")


@cache
def _read(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    """The modules as one: each names what it takes from others, and in one script all of that is there already."""
    lines: list[str] = []
    for name in SCRIPTS:
        lines += [line.removeprefix("export ") for line in _read(name).splitlines() if not line.startswith("import ")]
    return "\n".join(lines) + "\n"


def _fingerprint(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"
