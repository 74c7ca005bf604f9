"""What one viewer gets to see of the quotes on a page of statuses, loaded once for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fediverse_node.domain.model import Approval, InteractionPolicy
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.quote import (
    NO_QUOTE,
    Bond,
    QuoteInfo,
    needs_bond,
    render_quote,
    render_shallow_quote,
    state_for,
)
from fediverse_node.storage.queries import quotes as queries
from fediverse_node.storage.queries import statuses as status_queries
from fediverse_node.storage.rows import APPROVAL_CODES

_APPROVALS = {code: approval for approval, code in APPROVAL_CODES.items()}
_STRANGER = Bond()
_IS_FOLLOWED = 1


class Quoted(Protocol):
    """What is asked of a rendered object."""

    @property
    def actor_id(self) -> int: ...
    @property
    def quote(self) -> QuoteInfo | None: ...
    @property
    def policy(self) -> InteractionPolicy | None: ...


@dataclass(slots=True)
class Quoting:
    """`statuses` are the quoted ones, rendered, by id: those that the viewer may see."""

    statuses: dict[int, bytes] = field(default_factory=dict)
    visible: frozenset[int] = frozenset()
    avoided: Mapping[int, str] = field(default_factory=dict)
    bonds: Mapping[int, Bond] = field(default_factory=dict)

    def bond(self, author_id: int) -> Bond:
        """What is between the viewer and this author, as far as some policy asks for it."""
        return self.bonds.get(author_id, _STRANGER)

    def quote(self, quote: QuoteInfo | None, *, level: int) -> bytes:
        """The member `quote`: whole in a status of the page (level 0), a number in one that is quoted there."""
        if quote is None:
            return NO_QUOTE
        quoted_id = quote.quoted_id
        state = state_for(
            quote, is_visible=quoted_id in self.visible, avoided=self.avoided.get(quote.quoted_actor_id or 0)
        )
        if level:
            return render_shallow_quote(state, quoted_id)
        return render_quote(state, self.statuses.get(quoted_id) if quoted_id is not None else None)


def quote_info(row: Any) -> QuoteInfo | None:
    """The quote in a row of `RENDERED`."""
    if row["quote_state"] is None:
        return None
    return QuoteInfo(_APPROVALS[row["quote_state"]], row["quoted_id"], row["quoted_actor_id"])


async def load_quoting(
    context: Context, viewer_id: int | None, quoted: Sequence[Any], fragments: Mapping[int, Quoted]
) -> Quoting:
    """For these rendered objects, among them those that are `quoted` (entries, of what the viewer may see)."""
    shown = [fragment.quote for fragment in fragments.values() if fragment.quote is not None]
    accepted = [quote for quote in shown if quote.state is Approval.ACCEPTED and quote.quoted_id is not None]
    visible = {entry[0] for entry in quoted}
    # What the quoted ones quote themselves is told by its number only, and only if it may be seen.
    deeper = {quote.quoted_id for quote in accepted} - visible - {None}
    if deeper:
        viewer = viewer_id or status_queries.NOBODY
        rows = await context.database.fetch(
            status_queries.BY_IDS, ids=sorted(id_ for id_ in deeper if id_ is not None), viewer_id=viewer
        )
        visible |= {row[0] for row in rows}
    quoting = Quoting(visible=frozenset(visible))
    if viewer_id is None:
        return quoting
    authors = {quote.quoted_actor_id for quote in accepted if quote.quoted_actor_id is not None} - {viewer_id}
    if authors:
        now_ms = context.world.clock.now_ms()
        rows = await context.database.fetch(queries.AVOIDED, viewer_id=viewer_id, ids=sorted(authors), now_ms=now_ms)
        # The first reason counts: blocks stand before mutes.
        quoting.avoided = {row["actor_id"]: row["why"] for row in reversed(rows)}
    quoting.bonds = await _load_bonds(context, viewer_id, fragments)
    return quoting


async def _load_bonds(context: Context, viewer_id: int, fragments: Mapping[int, Quoted]) -> dict[int, Bond]:
    authors = {fragment.actor_id for fragment in fragments.values() if needs_bond(fragment.policy)} - {viewer_id}
    if not authors:
        return {}
    ids = sorted(authors)
    rows = await context.database.fetch(queries.RELATIONS, viewer_id=viewer_id, ids=ids)
    viewer = await context.database.fetch_one(queries.VIEWER_URI, viewer_id=viewer_id)
    found = {(row["actor_id"], row["kind"] == _IS_FOLLOWED) for row in rows}
    uri = viewer["uri"] if viewer is not None else ""
    return {id_: Bond(uri, follows=(id_, False) in found, is_followed=(id_, True) in found) for id_ in ids}
