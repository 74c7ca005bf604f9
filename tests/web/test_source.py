"""Whoever uses the server over the network can have its source."""

from __future__ import annotations

import io
import tarfile

from fediverse_node.web.source import pack


def test_the_archive_holds_the_program_and_its_licence_and_nothing_of_its_people() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack())) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert "fediverse_node/app.py" in names
    assert "fediverse_node/web/templates/base.html" in names
    assert "LICENSE" in names
    assert not [name for name in names if name.startswith("data") or name.endswith((".db", ".pem", ".log"))]
