"""How often somebody may try to sign in, by address and by account, and how they are told no."""

from __future__ import annotations

from aiohttp import web

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.limits import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS, network_of
from fediverse_node.mastodon_api.pages import render_problem
from fediverse_node.mastodon_api.routing import SURFACE

STALE = "The page was open for too long, or your browser does not keep cookies. Please try again."


def count_try(request: web.Request, account: object = None) -> None:
    """Raises 429 when there were too many from this address, or for this account from wherever."""
    limiter = request.app[SURFACE].limiter
    address = limiter.address_of(request)
    spared = limiter.is_spared(address)
    limiter.take(SIGN_IN_BY_ADDRESS, network_of(address), spared=spared)
    if account is not None:
        # A guesser changes addresses, not the account; loopback is not spared, there is no other brake.
        limiter.take(SIGN_IN_BY_ACCOUNT, account)


def problem_of(error: ApiError, context: Context) -> web.Response:
    """The page that says why not."""
    if error.status == 429:
        response = render_problem(context, 429, "Too many tries", "Please wait some minutes and try again.")
        response.headers.update(error.headers)
        return response
    return render_problem(context, error.status, "This request cannot be read", error.error)
