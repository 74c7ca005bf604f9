"""Takes out of a recording what nobody may ever read there: cookies, tokens, passwords, private keys.

This happens to every line, also without scrubbing. What is only private stays: see `scrub.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import orjson

REMOVED = "[removed]"
_HEADERS = frozenset(
    {
        "cookie",
        "set-cookie",
        "proxy-authorization",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-xsrf-token",
        "api-key",
        "crypto-key",
    }
)
_KEYS = frozenset(
    {
        "access_token",
        "refresh_token",
        "id_token",
        "token",
        "client_secret",
        "code",
        "code_verifier",
        "password",
        "secret",
        "authorization",
        "cookie",
        "privatekey",
        "privatekeypem",
        "secretkeymultibase",
        "privatekeymultibase",
        "auth",
        "p256dh",
        "vapid_key",
        "api_key",
        "apikey",
    }
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL | re.ASCII
)
_IN_ADDRESS = re.compile(rf"(?i)\b({'|'.join(sorted(_KEYS))})=[^&#\s\"']+")
_SIGN_IN = re.compile(r"/sign-in/[A-Za-z0-9_~.-]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")


def without_secrets(plain: Mapping[str, Any]) -> dict[str, Any]:
    """An exchange in its JSON form, or any other line, without its secrets. Nothing else of it changes."""
    cleaned = dict(plain)
    for name in ("request", "answer"):
        if isinstance(cleaned.get(name), Mapping):
            cleaned[name] = _message(cleaned[name])
    for name in ("url", "failure"):
        if isinstance(cleaned.get(name), str):
            cleaned[name] = _text(cleaned[name])
    if "steps" in cleaned:
        cleaned["steps"] = [_deep(step) for step in cleaned["steps"]]
    return cleaned


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = dict(message)
    cleaned["start"] = _text(message["start"])
    cleaned["headers"] = [[name, _header(name, value)] for name, value in message["headers"]]
    body = message.get("body")
    if isinstance(body, str) and body:
        cleaned["body"] = _body(body, _type_of(message))
    return cleaned


def _type_of(message: Mapping[str, Any]) -> str:
    return next((value for name, value in message["headers"] if name.lower() == "content-type"), "").lower()


def _header(name: str, value: str) -> str:
    lower = name.lower()
    if lower in _HEADERS:
        return REMOVED
    if lower == "authorization" and not value.lower().startswith("signature "):
        return REMOVED
    # Where somebody is sent after signing in stands in a header too.
    return _text(value)


def _body(body: str, content_type: str) -> str:
    if body.lstrip()[:1] in ("{", "["):
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _text(body)
        cleaned = _deep(document)
        # Byte for byte as it was, where there was nothing to take out: signatures hold.
        return body if cleaned == document else orjson.dumps(cleaned).decode()
    if content_type.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(body, keep_blank_values=True)
        return "&".join(
            f"{quote_plus(name)}={quote_plus(REMOVED if name.lower() in _KEYS else _text(value))}"
            for name, value in pairs
        )
    return _text(body)


def _deep(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: REMOVED if key.lower() in _KEYS and isinstance(item, str) and item else _deep(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_deep(item) for item in value]
    return _without_keys(value) if isinstance(value, str) else value


def _without_keys(text: str) -> str:
    # Of what people say to each other nothing else is touched: "basic training" is no password.
    return _PRIVATE_KEY.sub(REMOVED, text) if "PRIVATE KEY-----" in text else text


def _text(text: str) -> str:
    """For headers, addresses and bodies that are no documents."""
    text = _without_keys(text)
    if "=" in text:
        text = _IN_ADDRESS.sub(rf"\1={REMOVED}", text)
    if "/sign-in/" in text:
        text = _SIGN_IN.sub(f"/sign-in/{REMOVED}", text)
    return _BEARER.sub(rf"\1 {REMOVED}", text) if "ear" in text.lower() or "asic" in text.lower() else text
