"""How the client API says no: `{"error": ...}`, as the apps expect it.  spec: mastodon-client-api#errors

A handler raises; routing.py renders. The sentences are Mastodon's own where apps compare them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer that ends a handler.

    `details` is for registration: field -> [{error, description}]. `headers` go out with the answer.
    """

    def __init__(
        self,
        status: int,
        error: str,
        *,
        description: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description
        self.details = details
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON document of the answer."""
        document: dict[str, Any] = {"error": self.error}
        if self.description is not None:
            document["error_description"] = self.description
        if self.details is not None:
            document["details"] = self.details
        return document


def bad_request(why: str) -> ApiError:
    """400: a parameter is missing or cannot be read."""
    return ApiError(400, why)


def token_invalid() -> ApiError:
    """401: there is no token, or it is not one of ours."""
    challenge = {"WWW-Authenticate": 'Bearer realm="Fediverse", error="invalid_token"'}
    return ApiError(401, "The access token is invalid", headers=challenge)


def user_required() -> ApiError:
    """422: the token is an app's own, and the method is about a person."""
    return ApiError(422, "This method requires an authenticated user")


def scope_missing() -> ApiError:
    """403: the person did not allow the app to do this."""
    challenge = {"WWW-Authenticate": 'Bearer realm="Fediverse", error="insufficient_scope"'}
    return ApiError(403, "This action is outside the authorized scopes", headers=challenge)


def not_allowed() -> ApiError:
    """403: the person may not do this."""
    return ApiError(403, "This action is not allowed")


def not_found() -> ApiError:
    """404."""
    return ApiError(404, "Record not found")


def invalid(why: str) -> ApiError:
    """422: well-formed, but it cannot be. `why` is a sentence for people."""
    return ApiError(422, f"Validation failed: {why}")


def unprocessable(why: str) -> ApiError:
    """422 with a sentence of its own."""
    return ApiError(422, why)


def too_large(limit_bytes: int) -> ApiError:
    """413."""
    return ApiError(413, f"The request is larger than {limit_bytes} bytes")


def too_many_requests(headers: Mapping[str, str] | None = None) -> ApiError:
    """429."""
    return ApiError(429, "Too many requests", headers=headers)


def remote_unavailable() -> ApiError:
    """503: another server had to be asked and did not answer."""
    return ApiError(503, "Remote data could not be fetched")
