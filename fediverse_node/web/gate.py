"""Who may be shown what: the one question that every serialisation of this room asks.

spec: fep-fe34. Documents, collections, pages and feeds ask here and nowhere else, so that no way of looking
at a post shows more than another. Who asks is known by the signature of the request alone: what is for followers is
shown to those who follow, what is for single people to these, in person. A server's own actor is nobody's follower:
it may not read for its people, since only it knows who of them asks. Whoever is blocked finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.inbox.answer import Turned
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.storage.queries.outbox import ACTOR
from fediverse_node.storage.queries.seeing import NOT_SHUNNED, SHUNS, VISIBLE
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB

Row = Any
_SIGNED_BY = ("signature", "signature-input")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: an actor known by its signature, or anybody.

    `is_refused`: nothing exists for it. `fault`: why it is not known although it has signed. `status`: that of the
    answer to a token that is not good; such a request gets nothing else.
    """

    actor_id: int | None = None
    uri: str = ""
    host: str = ""
    is_refused: bool = False
    fault: str = ""
    status: int = 0


ANYBODY = Viewer()
_VIEWER = web.RequestKey("web.gate.viewer", Viewer)
_NOT_FOR_ALL = web.RequestKey("web.gate.not_for_all", bool)


def may_show(object_row: Row, viewer: Viewer) -> bool:
    """Whether this row of `select_post` may be shown to anybody, or to its author; `is_shown` knows more of others.

    What somebody said who is suspended or gone is shown to nobody.
    """
    if object_row["author_suspended_ms"] is not None or object_row["author_deleted_ms"] is not None:
        return False
    if object_row["visibility"] <= OPEN:
        return True
    return viewer.actor_id is not None and viewer.actor_id == object_row["actor_id"]


def shown(rows: Iterable[Row], viewer: Viewer) -> list[Row]:
    """Those of the rows that may be shown."""
    return [row for row in rows if may_show(row, viewer)]


async def is_shown(request: web.Request, row: Row) -> bool:
    """Whether this row of `select_post` may be shown to whoever sent the request."""
    if row["author_suspended_ms"] is not None or row["author_deleted_ms"] is not None:
        return False
    viewer = await viewer_of(request)
    if viewer.is_refused:
        return False
    if viewer.actor_id is None:
        return bool(row["visibility"] <= OPEN)
    if row["visibility"] > OPEN:
        keep_private(request)
    return row["id"] in await _visible(request, viewer, [row["id"]])


async def are_shown(request: web.Request, rows: Sequence[Row]) -> list[Row]:
    """Those of the rows that may be shown to whoever sent the request."""
    viewer = await viewer_of(request)
    if viewer.actor_id is None or viewer.is_refused:
        return [] if viewer.is_refused else shown(rows, ANYBODY)
    keep_private(request)
    visible = await _visible(request, viewer, [row["id"] for row in rows])
    return [row for row in rows if row["id"] in visible]


async def are_not_shunned(request: web.Request, rows: Sequence[Row]) -> list[Row]:
    """Of rows with the ids of open posts, those whose authors do not keep away from whoever sent the request."""
    viewer = await viewer_of(request)
    if viewer.actor_id is None or not rows:
        return [] if viewer.is_refused else list(rows)
    found = await request.app[WEB].database.fetch(
        NOT_SHUNNED, ids=[row["id"] for row in rows], viewer_id=viewer.actor_id, viewer_host=viewer.host
    )
    left = {row["id"] for row in found}
    return [row for row in rows if row["id"] in left]


async def is_met(request: web.Request, actor_id: int) -> bool:
    """Whether this actor of ours exists for whoever sent the request: it does not for whom it blocks."""
    viewer = await viewer_of(request)
    if viewer.actor_id is None:
        return not viewer.is_refused
    shuns = await request.app[WEB].database.fetch_one(
        SHUNS, actor_id=actor_id, viewer_id=viewer.actor_id, viewer_host=viewer.host
    )
    return shuns is None


async def viewer_of(request: web.Request) -> Viewer:
    """Who sent the request.

    Strange hosts are asked for keys only where nothing is shown without: everybody who may see more than others is
    known here, and whether somebody is asked must not tell what exists.
    """
    known = request.get(_VIEWER)
    if known is None:
        known = request[_VIEWER] = await _find_bearer(request) or await _find_viewer(request)
    return known


async def is_its_author(request: web.Request, row: Row) -> bool:
    """Whether whoever wrote this row of `select_post` sits before the browser; then they see what is for them.

    For pages only, which are for everybody otherwise. The answer is for nobody else: keep it out of caches.
    """
    actor_id = await request.app[WEB].signed_in(request)
    if actor_id is None or actor_id != row["actor_id"] or not may_show(row, Viewer(actor_id)):
        return False
    request[_VIEWER] = Viewer(actor_id, str(row["author_uri"]), request.app[WEB].names.host)
    return True


async def signer_of(request: web.Request) -> Viewer:
    """Who signed the request, for what is shown to nobody else: then also a stranger's host is asked for its key."""
    known = request[_VIEWER] = await _find_viewer(request, may_ask=True)
    return known


def for_viewers(
    handler: problems.Handler, *, has_page: bool = False, otherwise: problems.Handler | None = None
) -> problems.Handler:
    """A handler of documents that asks who is there before it answers, and keeps private answers out of caches.

    `has_page`: people get a page at the same address, which is theirs to read. `otherwise` answers whoever has not
    signed where signatures are wanted.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        if has_page and not responses.wants_document(request):
            request[_VIEWER] = ANYBODY  # pages are kept by caches: what they show is for everybody
            return await handler(request)
        viewer = await viewer_of(request)
        if viewer.status:
            return _turned_away(viewer)
        if viewer.is_refused:
            return problems.not_found(request)
        is_open = not request.app[WEB].config.wants_signatures
        if is_open or viewer.actor_id is not None:
            response = await handler(request)
        elif otherwise is not None:
            response = await otherwise(request)
        else:
            return unsigned(viewer)
        if not is_open or request.get(_NOT_FOR_ALL, False):
            response.headers["Cache-Control"] = responses.PRIVATE
        return response

    return answer


def unsigned(viewer: Viewer) -> web.Response:
    """401: the same for what exists and what does not."""
    return responses.problem(viewer.fault or "This server shows documents to signed requests only", 401)


def bearer_token(request: web.Request) -> str | None:
    """The Bearer token of a request, if it has one. Only in its header: addresses end up in logs."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


async def _find_bearer(request: web.Request) -> Viewer | None:
    """Somebody of ours whose client sent a token: they see what they may see.  spec: fep-d8c2"""
    token, context = bearer_token(request), request.app[WEB]
    if token is None or context.bearers is None:
        return None
    keep_private(request)
    bearer = await context.bearers.find(token)
    if bearer is None:
        return Viewer(is_refused=True, fault="The access token is not known, or is no person's", status=401)
    if bearer.standing:
        return Viewer(is_refused=True, fault=bearer.standing, status=403)
    if not bearer.may("read", "read:statuses"):
        # A client that may only write still has to find the outbox: it reads what everybody may.
        return ANYBODY
    row = await context.database.fetch_one(ACTOR, id_=bearer.actor_id)
    note("fetch.viewer", None, actor=str(row["uri"]) if row is not None else "", path=request.raw_path)
    return Viewer(bearer.actor_id, str(row["uri"]) if row is not None else "", context.names.host)


def _turned_away(viewer: Viewer) -> web.Response:
    response = responses.problem(viewer.fault, viewer.status)
    if viewer.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Fediverse", error="invalid_token"'
    return response


def keep_private(request: web.Request) -> None:
    """The answer to this request is not for everybody, and so not for caches."""
    request[_NOT_FOR_ALL] = True


async def _visible(request: web.Request, viewer: Viewer, ids: Sequence[int]) -> set[int]:
    found = await request.app[WEB].database.fetch(
        VISIBLE, ids=list(ids), viewer_id=viewer.actor_id, viewer_host=viewer.host
    )
    return {row["id"] for row in found}


async def _find_viewer(request: web.Request, *, may_ask: bool = False) -> Viewer:
    headers = request.headers
    has_old_form = headers.get("Authorization", "")[:10].lower() == "signature "
    if not has_old_form and not any(name in headers for name in _SIGNED_BY):
        return ANYBODY
    context = request.app[WEB]
    signed = Request(
        request.method,
        # Not what the socket saw: behind a proxy that is another scheme and port than the peer signed.
        context.config.base_url + _target(request),
        tuple((name.lower(), value) for name, value in headers.items()),
        b"",
    )
    signer = await context.signer_of(signed, may_ask=may_ask or context.config.wants_signatures)
    if isinstance(signer, Fail | TemporaryFail):
        note("fetch.viewer", signer, path=request.raw_path)
        is_unproven = signer.reason is SignatureFault.NO_SIGNATURE
        fault = "" if is_unproven else f"The signature does not hold: {signer}"
        return Viewer(is_refused=signer.reason is Turned.SUSPENDED, fault=fault)
    note("fetch.viewer", None, actor=signer.actor_uri, path=request.raw_path)
    return Viewer(signer.actor_id, signer.actor_uri, signer.host)


def _target(request: web.Request) -> str:
    """Path and query byte for byte as sent; only proxies send the absolute form."""
    return request.raw_path if request.raw_path.startswith("/") else request.rel_url.raw_path_qs
