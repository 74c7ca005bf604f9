"""The source of the program that runs here, for everybody who uses it over the network.  spec: agpl-3.0#13

Packed from the running program itself, so it is the version that answers, changes of its operator included.
"""

from __future__ import annotations

import asyncio
import functools
import io
import tarfile
from pathlib import Path

from aiohttp import web

import fediverse_node
from fediverse_node import __version__

PATH = "/source.tar.gz"
_ENDINGS = {".py", ".html", ".css", ".svg", ".png", ".ico", ".jsonld", ".json", ".toml", ".mako", ".md", ".txt", ".xml"}
_BESIDE = ("LICENSE", "README.md", "pyproject.toml", "requirements.txt", "Makefile")


async def get_source(request: web.Request) -> web.Response:
    """One archive, packed when it is asked for the first time."""
    body = await asyncio.to_thread(pack)
    headers = {
        "Content-Disposition": f'attachment; filename="fediverse_node-{__version__}.tar.gz"',
        "Cache-Control": "public, max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=body, content_type="application/gzip", headers=headers)


@functools.cache
def pack() -> bytes:
    """The package, its data files and, from a checkout, what stands beside it."""
    package = Path(fediverse_node.__file__).parent
    found = [path for path in sorted(package.rglob("*")) if path.suffix in _ENDINGS and "__pycache__" not in path.parts]
    found += [package.parent / name for name in _BESIDE]
    schemas = package.parent / "schemas"
    found += sorted(path for path in schemas.rglob("*") if path.suffix in _ENDINGS) if schemas.is_dir() else []
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path in found:
            if path.is_file():
                archive.add(path, f"fediverse_node-{__version__}/{path.relative_to(package.parent)}", recursive=False)
    return stream.getvalue()
