"""JSON-LD processing in the process of a simulated world, where documents come from people one knows."""

from __future__ import annotations

from collections.abc import Mapping

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.jsonld_processing import compact_document, compact_signed, to_statements


class InlineCompactor:
    """A `JsonLdProcessor` without a process of its own, and so without a limit on time."""

    async def compact(self, document: Mapping[str, object]) -> dict[str, object] | Fail:
        """The document in our own context."""
        return compact_document(dict(document))

    async def statements(self, document: Mapping[str, object]) -> bytes | Fail:
        """The document's canonical N-Quads."""
        return to_statements(dict(document))

    async def compact_signed(self, document: Mapping[str, object]) -> dict[str, object] | Fail:
        """The document in our own context, as far as its statements say it."""
        return compact_signed(dict(document))

    async def close(self) -> None:
        """Nothing is held."""
