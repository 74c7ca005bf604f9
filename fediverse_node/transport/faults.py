"""Why a request to another server did not give what was asked for: one name and sentence for each way out.

It does not decide whether to try again: that is the difference between `Fail` and `TemporaryFail`, chosen where the
fault is found.
"""

from __future__ import annotations

from fediverse_node.base.outcome import Fail, Reason, TemporaryFail


class FetchFault(Reason):
    """The ways an outbound request can end without its answer."""

    BAD_URL = "the URL cannot be used for a request"
    SCHEME = "only https URLs are fetched (development mode also allows http)"
    HOST_NOT_PUBLIC = (
        "the host is not a public DNS name on the standard port (development mode allows ports and loopback)"
    )
    ADDRESS_REFUSED = (
        "the host leads to an address that is not on the public internet, as in a server-side request forgery"
        " (setting DEVELOPMENT opens loopback addresses, and nothing else)"
    )
    HOST_BLOCKED = "this server has nothing to do with the host: it is blocked, or not among those that are let in"
    OWN_ORIGIN = "the URL is on this server, which never fetches its own documents"
    DNS = "the host name could not be resolved"
    REFUSED_CONNECTION = "no connection could be opened"
    TLS = "the encrypted connection could not be set up, or its certificate is not valid"
    TIMEOUT = "the answer did not arrive in time"
    RESET = "the connection broke before the answer was complete"
    TOO_LARGE = "the answer is larger than the limit"
    TOO_MANY_REDIRECTS = "the answer redirects too often"
    REDIRECT_REFUSED = "the answer redirects to a place that is not followed"
    MALFORMED = "the answer is not well-formed"
    NOT_ACTIVITY = "the answer is not declared as an ActivityPub document"
    JSONLD = "the document could not be processed as JSON-LD"
    JSONLD_TOO_COSTLY = "the document needs more JSON-LD processing than a message may cost"
    ID_MISMATCH = "the document names another id than the one it was fetched by"
    AUTHOR_ELSEWHERE = "the object names an author of another server"
    NOT_AN_ACTOR = "the document is not a usable actor"
    KEY_NOT_OWNED = "the owner of the key does not list this key"
    KEY_UNUSABLE = "the key cannot be read, or is of a kind that is not supported"
    HANDLE_MISMATCH = "the handle and the actor do not name each other"
    GONE = "the origin says that it is gone"
    NOT_FOUND = "the origin does not know it"
    FORBIDDEN = "the origin does not show it to us"
    RATE_LIMITED = "the origin asks for fewer requests"
    REFUSED_STATUS = "the origin refused the request"
    SERVER_ERROR = "the origin has an error of its own"
    BUDGET_SPENT = "the work for one message has used up its requests or its time"


_BY_STATUS = {
    401: FetchFault.FORBIDDEN,
    403: FetchFault.FORBIDDEN,
    404: FetchFault.NOT_FOUND,
    410: FetchFault.GONE,
}
_TEMPORARY_BY_STATUS = {
    408: FetchFault.TIMEOUT,
    421: FetchFault.SERVER_ERROR,
    425: FetchFault.SERVER_ERROR,
    429: FetchFault.RATE_LIMITED,
}


def status_fault(status: int) -> Fail | TemporaryFail | None:
    """What an HTTP status means for a fetch: None for 2xx. 410 alone is GONE: 404 may be a peer's mistake."""
    if 200 <= status < 300:
        return None
    detail = f"status {status}"
    if status in _TEMPORARY_BY_STATUS:
        return TemporaryFail(_TEMPORARY_BY_STATUS[status], detail)
    if status >= 500:
        return TemporaryFail(FetchFault.SERVER_ERROR, detail)
    if 300 <= status < 400:
        return Fail(FetchFault.REDIRECT_REFUSED, detail)
    return Fail(_BY_STATUS.get(status, FetchFault.REFUSED_STATUS), detail)
