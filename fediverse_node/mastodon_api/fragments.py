"""Statuses as JSON bytes: what is the same for everybody is rendered once, what the viewer did is added each time.

A page of a timeline says which objects and in which versions (storage/queries/statuses.py). Their bytes are
kept by id and version; accounts are kept apart from what they said, because their counters move with every
post. Nothing here decides who may see what: callers ask only for what the viewer may see.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from fediverse_node.domain.model import Approval, InteractionPolicy, Poll, Visibility, visibility_of
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account_json
from fediverse_node.mastodon_api.entities.attachment import without_media
from fediverse_node.mastodon_api.entities.poll import render_poll
from fediverse_node.mastodon_api.entities.preview_card import render_preview_card
from fediverse_node.mastodon_api.entities.quote import QuoteInfo, render_approval
from fediverse_node.mastodon_api.entities.reaction import NO_REACTIONS, Said, render_reactions
from fediverse_node.mastodon_api.entities.status import emojis_of, render_reblog, render_status, searchable_text
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.filtering import NO_FILTERS, Filters, load_filters
from fediverse_node.mastodon_api.quoting import Quoting, load_quoting, quote_info
from fediverse_node.mastodon_api.reacting import load_own, load_reactions
from fediverse_node.storage.queries import statuses as queries
from fediverse_node.storage.queries.accounts import load_accounts
from fediverse_node.storage.rows import policy_of, poll_of
from fediverse_node.storage.writer import Writer

Row = Any
_CAPACITY_BYTES = 24 * 1024 * 1024
_OVERHEAD_BYTES = 600
_MOST_ACCOUNTS = 10_000
_NO_FLAGS = 0
_OWN = 1 << 6


@dataclass(slots=True)
class Fragment:
    """One object rendered: the members of a JSON object, without braces."""

    version: int
    actor_id: int
    members: bytes
    words: str | None  # for filters; read from the members when first needed
    poll: Poll | None = None
    poll_emojis: tuple[Any, ...] = ()
    application: bytes = b""
    quote: QuoteInfo | None = None
    policy: InteractionPolicy | None = None
    visibility: Visibility = Visibility.PUBLIC
    reactions: tuple[Said, ...] = ()


@dataclass(slots=True)
class Fragments:
    """The rendered objects and accounts of one node, the least used dropped first."""

    capacity_bytes: int = _CAPACITY_BYTES
    size_bytes: int = 0
    statuses: OrderedDict[int, Fragment] = field(default_factory=OrderedDict)
    accounts: OrderedDict[int, tuple[int, bytes]] = field(default_factory=OrderedDict)

    def status(self, object_id: int, version: int) -> Fragment | None:
        """What is kept of an object in this version."""
        found = self.statuses.get(object_id)
        if found is None or found.version != version:
            return None
        self.statuses.move_to_end(object_id)
        return found

    def keep(self, object_id: int, fragment: Fragment) -> None:
        """Remember a rendering, and forget others where there is no room."""
        old = self.statuses.pop(object_id, None)
        if old is not None:
            self.size_bytes -= len(old.members) + _OVERHEAD_BYTES
        self.statuses[object_id] = fragment
        self.size_bytes += len(fragment.members) + _OVERHEAD_BYTES
        while self.size_bytes > self.capacity_bytes and self.statuses:
            _, dropped = self.statuses.popitem(last=False)
            self.size_bytes -= len(dropped.members) + _OVERHEAD_BYTES

    def keep_account(self, actor_id: int, version: int, rendered: bytes) -> None:
        """Remember an account."""
        self.accounts[actor_id] = (version, rendered)
        if len(self.accounts) > _MOST_ACCOUNTS:
            self.accounts.popitem(last=False)


_nodes: weakref.WeakKeyDictionary[Writer, Fragments] = weakref.WeakKeyDictionary()


def fragments_of(context: Context) -> Fragments:
    """The fragments of this node; one process may hold several nodes."""
    found = _nodes.get(context.writer)
    if found is None:
        found = _nodes[context.writer] = Fragments()
    return found


def forget_renderings(context: Context) -> None:
    """What may be shown of other hosts has changed: everything is rendered anew."""
    _nodes.pop(context.writer, None)
    context.account_json.clear()


def _tails() -> list[bytes]:
    """The viewer's flags as JSON, for each combination: six bits of what was done, one for an own status."""
    tails = []
    for bits in range(1 << 7):
        flags = {
            "favourited": bool(bits >> queries.LIKED & 1),
            "reblogged": bool(bits >> queries.ANNOUNCED & 1),
            "bookmarked": bool(bits >> queries.BOOKMARKED & 1),
            "muted": bool(bits >> queries.THREAD_MUTED & 1),
        }
        if bits & _OWN:
            flags["pinned"] = bool(bits >> queries.PINNED & 1)
        tails.append(b"," + orjson.dumps(flags)[1:-1])
    return tails


_TAILS = _tails()


async def render_statuses(
    context: Context, viewer_id: int | None, entries: Sequence[Row], *, where: str = ""
) -> list[bytes]:
    """Statuses in the order of their entries. `where`: `home` or `notifications`, whose hiding filters apply.

    Entries whose object vanished meanwhile are left out.
    """
    rendered = await _render(context, viewer_id, entries, where)
    return [status for _, status in rendered]


async def render_entries(context: Context, viewer_id: int | None, entries: Sequence[Row]) -> dict[int, bytes]:
    """Statuses by the id of their entry."""
    return dict(await _render(context, viewer_id, entries, ""))


async def render_by_id(
    context: Context, viewer_id: int | None, ids: Iterable[int], *, where: str = ""
) -> dict[int, bytes]:
    """Statuses by id, of those that the viewer may see."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    entries = await context.database.fetch(queries.BY_IDS, ids=wanted, viewer_id=viewer_id or queries.NOBODY)
    return dict(await _render(context, viewer_id, entries, where))


async def render_for_moderators(context: Context, ids: Iterable[int]) -> dict[int, bytes]:
    """Statuses by id, whoever they were meant for: only for those who decide about what was reported."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    entries = await context.database.fetch(queries.VERSIONS, ids=wanted)
    return dict(await _render(context, None, entries, ""))


async def load_entry(context: Context, viewer_id: int | None, object_id: int) -> Row:
    """The entry of one object. 404 when it is not there or not for this viewer, which must look the same."""
    entry = await context.database.fetch_one(queries.BY_ID, object_id=object_id, viewer_id=viewer_id or queries.NOBODY)
    if entry is None:
        raise not_found()
    return entry


async def render_one(context: Context, viewer_id: int | None, object_id: int) -> bytes:
    """One status as it is now; 404 as in `load_entry`."""
    entry = await load_entry(context, viewer_id, object_id)
    rendered = await render_statuses(context, viewer_id, [entry])
    if not rendered:
        raise not_found()
    return rendered[0]


def join(rendered: Iterable[bytes]) -> bytes:
    """A JSON list of what is JSON already."""
    return b"[" + b",".join(rendered) + b"]"


@dataclass(slots=True)
class _View:
    """What one viewer did with the objects of a page."""

    viewer_id: int | None
    now_ms: int
    filters: Filters = NO_FILTERS
    flags: dict[int, int] = field(default_factory=dict)
    votes: dict[int, list[int]] = field(default_factory=dict)
    reacted: dict[int, set[tuple[str, str]]] = field(default_factory=dict)
    quoting: Quoting = field(default_factory=Quoting)


async def _render(
    context: Context, viewer_id: int | None, entries: Sequence[Row], where: str
) -> list[tuple[int, bytes]]:
    if not entries:
        return []
    fragments, accounts = await _gather(context, entries)
    quoted = await _load_quoted(context, viewer_id, fragments)
    if quoted:
        more, more_accounts = await _gather(context, quoted)
        fragments, accounts = {**more, **fragments}, {**more_accounts, **accounts}
    view = await _view(context, viewer_id, [*entries, *quoted], fragments)
    view.quoting = await load_quoting(context, viewer_id, quoted, fragments)
    for entry in quoted:
        fragment, account = fragments.get(entry[0]), accounts.get(entry[2])
        if fragment is not None and account is not None:
            status = _status(entry[0], fragment, account, view, level=1)
            view.quoting.statuses[entry[0]] = b'{%b,"reblog":null}' % status
    rendered: list[tuple[int, bytes]] = []
    for entry in entries:
        id_, actor_id, target_id, target_actor_id = entry[0], entry[2], entry[5], entry[7]
        frame, account = fragments.get(id_), accounts.get(actor_id)
        shown_id = id_ if target_id is None else target_id
        shown = fragments.get(shown_id)
        if frame is None or account is None or shown is None:
            continue
        if (
            where
            and view.filters
            and shown.actor_id != viewer_id
            and view.filters.hides(shown_id, _words(shown), where)
        ):
            continue
        if target_id is None:
            status = b"{%b,%b}" % (_status(shown_id, shown, account, view), b'"reblog":null')
        else:
            inner_account = accounts.get(target_actor_id)
            if inner_account is None:
                continue
            inner = _status(shown_id, shown, inner_account, view)
            outer = b'%b,"account":%b%b' % (frame.members, account, _outer_tail(shown_id, shown, actor_id, view))
            status = b'{%b,"reblog":{%b,"reblog":null}}' % (outer, inner)
        rendered.append((id_, status))
    return rendered


def _status(object_id: int, fragment: Fragment, account: bytes, view: _View, *, level: int = 0) -> bytes:
    own = view.viewer_id is not None and fragment.actor_id == view.viewer_id
    bond = view.quoting.bond(fragment.actor_id) if view.viewer_id is not None else None
    pieces = [
        fragment.members,
        b',"account":',
        account,
        view.quoting.quote(fragment.quote, level=level),
        render_approval(fragment.policy, fragment.visibility, is_author=own, bond=bond),
        render_reactions(fragment.reactions, view.reacted.get(object_id, ())) if fragment.reactions else NO_REACTIONS,
    ]
    if fragment.poll is not None:
        votes = None if view.viewer_id is None else view.votes.get(object_id, ())
        poll = render_poll(
            object_id,
            fragment.poll,
            now_ms=view.now_ms,
            own_votes=votes,
            is_author=own,
            emojis=fragment.poll_emojis,
        )
        pieces += [b',"poll":', orjson.dumps(poll)]
    if view.viewer_id is not None:
        pieces.append(_TAILS[view.flags.get(object_id, _NO_FLAGS) | (_OWN if own else 0)])
        pieces.append(_filtered(object_id, fragment, own=own, view=view))
        if own:
            pieces.append(fragment.application)
    return b"".join(pieces)


def _outer_tail(object_id: int, shown: Fragment, announcer_id: int, view: _View) -> bytes:
    """The frame repeats the flags of what is in it: some apps read them here, some there."""
    if view.viewer_id is None:
        return b""
    bits = view.flags.get(object_id, _NO_FLAGS) & ~(1 << queries.PINNED)
    own = shown.actor_id == view.viewer_id
    return _TAILS[bits | (_OWN if announcer_id == view.viewer_id else 0)] + _filtered(
        object_id, shown, own=own, view=view
    )


def _filtered(object_id: int, fragment: Fragment, *, own: bool, view: _View) -> bytes:
    if own or not view.filters:
        return b',"filtered":[]'
    return b',"filtered":' + orjson.dumps(view.filters.results(object_id, _words(fragment)))


def _words(fragment: Fragment) -> str:
    if fragment.words is None:
        entity = orjson.loads(b"{" + fragment.members + b"}")
        options = orjson.dumps(fragment.poll.options).decode() if fragment.poll is not None else None
        fragment.words = searchable_text(
            {
                "summary": entity["spoiler_text"],
                "content": entity["content"],
                "options": options,
                "attachments": orjson.dumps(entity["media_attachments"]),
            }
        )
    return fragment.words


async def _load_quoted(context: Context, viewer_id: int | None, fragments: Mapping[int, Fragment]) -> list[Row]:
    """The entries of what these statuses quote, of those that the viewer may see."""
    quotes = (fragment.quote for fragment in fragments.values() if fragment.quote is not None)
    ids = {quote.quoted_id for quote in quotes if quote.state is Approval.ACCEPTED and quote.quoted_id is not None}
    if not ids:
        return []
    return await context.database.fetch(queries.BY_IDS, ids=sorted(ids), viewer_id=viewer_id or queries.NOBODY)


async def _view(
    context: Context, viewer_id: int | None, entries: Sequence[Row], fragments: Mapping[int, Fragment]
) -> _View:
    view = _View(viewer_id, context.world.clock.now_ms())
    if viewer_id is None:
        return view
    shown = {entry[0] if entry[5] is None else entry[5]: entry[4] for entry in entries}
    muted: set[int] = set()
    rows = await context.database.fetch(
        queries.FLAGS, viewer_id=viewer_id, ids=list(shown), thread_ids=list(set(shown.values()))
    )
    for kind, key, _ in rows:
        if kind == queries.THREAD_MUTED:
            muted.add(key)
        else:
            view.flags[key] = view.flags.get(key, _NO_FLAGS) | 1 << kind
    if muted:
        for id_, thread_id in shown.items():
            if thread_id in muted:
                view.flags[id_] = view.flags.get(id_, _NO_FLAGS) | 1 << queries.THREAD_MUTED
    polls = [id_ for id_ in shown if id_ in fragments and fragments[id_].poll is not None]
    if polls:
        for object_id, choice in await context.database.fetch(queries.VOTES, viewer_id=viewer_id, ids=polls):
            view.votes.setdefault(object_id, []).append(choice)
    view.reacted = await load_own(context, viewer_id, [id_ for id_ in shown if _has_reactions(fragments.get(id_))])
    view.filters = await load_filters(context, viewer_id)
    return view


def _has_reactions(fragment: Fragment | None) -> bool:
    return fragment is not None and bool(fragment.reactions)


async def _gather(context: Context, entries: Sequence[Row]) -> tuple[dict[int, Fragment], dict[int, bytes]]:
    """What these entries need: from what is kept, the rest in two queries."""
    kept = fragments_of(context)
    fragments: dict[int, Fragment] = {}
    accounts: dict[int, bytes] = {}
    missing: set[int] = set()
    missing_actors: set[int] = set()
    for entry in entries:
        pairs = ((entry[0], entry[1], entry[2], entry[3]), (entry[5], entry[6], entry[7], entry[8]))
        for object_id, version, actor_id, actor_version in pairs[: 1 if entry[5] is None else 2]:
            fragment = kept.status(object_id, version)
            if fragment is not None:
                fragments[object_id] = fragment
            else:
                missing.add(object_id)
            account = kept.accounts.get(actor_id)
            if account is not None and account[0] == actor_version:
                accounts[actor_id] = account[1]
            else:
                missing_actors.add(actor_id)
    if missing:
        rows = await context.database.fetch(queries.RENDERED, ids=list(missing))
        said = await load_reactions(context, [row["id"] for row in rows if row["reactions_count"]])
        for row in rows:
            fragments[row["id"]] = fragment = _fragment_of(row, context)
            fragment.reactions = said.get(row["id"], ())
            kept.keep(row["id"], fragment)
    if missing_actors:
        for actor_id, row in (await load_accounts(context.database, missing_actors)).items():
            accounts[actor_id] = render_account_json(row, context)
            if row["moved"] is None:
                kept.keep_account(actor_id, row["version"], accounts[actor_id])
    return fragments, accounts


def _fragment_of(row: Row, context: Context) -> Fragment:
    names = context.world.names
    if row["announce_of_id"] is not None:
        members = orjson.dumps(render_reblog(row, names))[1:-1]
        return Fragment(row["version"], row["actor_id"], members, "")
    poll = poll_of(row)
    entity = render_status(row, names)
    entity["card"] = render_preview_card(row["card"], rejects_media=context.writer.domains.rejects_media)
    has_media = bool(row["local"]) or not context.writer.domains.rejects_media(row["author_host"])
    if not has_media:
        entity |= without_media(entity)
    application = b""
    if row["app_name"] is not None:
        application = b',"application":' + orjson.dumps({"name": row["app_name"], "website": row["app_website"]})
    return Fragment(
        version=row["version"],
        actor_id=row["actor_id"],
        members=orjson.dumps(entity)[1:-1],
        words=None,
        poll=poll,
        poll_emojis=tuple(emojis_of(orjson.loads(row["parts"]))) if poll is not None and has_media else (),
        application=application,
        quote=quote_info(row),
        policy=policy_of(row["policy"]),
        visibility=visibility_of(row["visibility"]),
    )
