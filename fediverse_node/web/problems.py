"""Nothing here, gone, or broken: said as a page to people and as JSON to programs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.web import responses
from fediverse_node.web.templating import PAGES

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NOT_FOUND = ("There is nothing here", "The address may be mistyped, or what was here is not for everybody.")
_GONE = ("This was deleted", "Whoever wrote it has taken it back.")
_GONE_ACTOR = ("This account is gone", "It was deleted and does not come back.")
_SUSPENDED = ("This account is suspended", "It cannot be seen at the moment.")
_BROKEN = ("Something broke", "That is our fault. It was noted; please try again in a moment.")
_NO_STORAGE = ("Not at the moment", "This server cannot reach or fill its storage. Please try again in a few minutes.")
# Programs ask for these without saying that they read JSON only.
_PROGRAM_PATHS = ("/api/", "/oauth/", "/.well-known/", "/nodeinfo", "/users/", "/contexts/", "/inbox", "/actor")


def not_found(request: web.Request) -> web.Response:
    """404, the same for what does not exist and for what is not for the viewer."""
    return _problem(request, 404, "Not found", _NOT_FOUND)


def gone(request: web.Request, tombstone: dict[str, Any]) -> web.Response:
    """410 for an object."""
    if responses.wants_document(request):
        return responses.gone_document(tombstone)
    return _problem(request, 410, "Gone", _GONE, cache=responses.public(responses.GONE_AGE_S))


def gone_actor(request: web.Request, tombstone: dict[str, Any]) -> web.Response:
    """410 for an actor."""
    if responses.wants_document(request):
        return responses.gone_document(tombstone)
    return _problem(request, 410, "Gone", _GONE_ACTOR, cache=responses.public(responses.GONE_AGE_S))


def suspended(request: web.Request) -> web.Response:
    """403: not 410, which other servers would take for a deletion."""
    return _problem(request, 403, "This account is suspended", _SUSPENDED)


async def unknown_path(request: web.Request) -> web.Response:
    """What no other route answers."""
    return not_found(request)


def guarded(handler: Handler) -> Handler:
    """Whatever goes wrong inside becomes a 500 that says nothing about the inside."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except StorageError as error:
            event(log, "web.no_storage", logging.WARNING, method=request.method, path=request.path, error=str(error))
            return _problem(request, 503, "Service unavailable", _NO_STORAGE)
        except Exception:  # the edge of the house: nobody above could say it better
            event(log, "web.failed", logging.ERROR, method=request.method, path=request.path)
            log.exception("web.failed")
            return _problem(request, 500, "Internal server error", _BROKEN)

    return answer


def _problem(
    request: web.Request, status: int, error: str, words: tuple[str, str], *, cache: str = responses.PRIVATE
) -> web.Response:
    is_program = request.path.startswith(_PROGRAM_PATHS) and "text/html" not in request.headers.get("Accept", "")
    if is_program or responses.wants_document(request):
        return responses.problem(error, status)
    title, explanation = words
    html = request.app[PAGES].render("problem.html", title=title, explanation=explanation, status=status)
    return responses.problem_page(html, status, cache=cache)
