"""A push service on a real socket, and apps that open what it was given, by an independent implementation."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import http_ece  # type: ignore[import-untyped]
import orjson
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from fediverse_node.signatures.web_push import dump_base64


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True)
class Got:
    """One request that the push service got."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class PushService:
    """Takes messages, unless a test says how else to answer."""

    base_url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # for the next ones, in order

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append(Got(request.path, dict(request.headers), await request.read()))
        status, headers = self.answers.pop(0) if self.answers else (201, {})
        return web.Response(status=status, headers=headers)

    async def wait_for(self, count: int) -> list[Got]:
        """The messages, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.got) < count:
                await asyncio.sleep(0.02)
        return self.got


@contextlib.asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """One that listens."""
    found = PushService()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


class Device:
    """An app that has subscribed: its keys."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = b"0123456789abcdef"

    def keys(self) -> dict[str, str]:
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"p256dh": dump_base64(point), "auth": dump_base64(self._auth)}

    def open(self, got: Got) -> dict[str, Any]:
        """The payload, in whichever form it came."""
        if got.headers["Content-Encoding"] == "aes128gcm":
            plain = http_ece.decrypt(got.body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        else:
            assert got.headers["Content-Encoding"] == "aesgcm"
            salt = _bytes(got.headers["Encryption"].removeprefix("salt="))
            sender = _bytes(_fields(got.headers["Crypto-Key"], ";")["dh"])
            plain = http_ece.decrypt(
                got.body, salt=salt, private_key=self._key, dh=sender, auth_secret=self._auth, version="aesgcm"
            )
        payload: dict[str, Any] = orjson.loads(plain)
        return payload


def _fields(text: str, separator: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(separator))
    return {name: value for name, _, value in pairs}


def verified_claims(got: Got, server_key: str) -> dict[str, Any]:
    """What the sender says of itself, in both forms of the header; raises if its signature is not by this key."""
    kind, _, value = got.headers["Authorization"].partition(" ")
    if kind == "vapid":
        said = _fields(value, ",")
        token, key = said["t"], said["k"]
    else:
        assert kind == "WebPush"
        token, key = value, _fields(got.headers["Crypto-Key"], ";")["p256ecdsa"]
    assert key == server_key
    signed, _, signature = token.rpartition(".")
    pair = _bytes(signature)
    der = encode_dss_signature(int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(key))
    public.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims: dict[str, Any] = orjson.loads(_bytes(signed.partition(".")[2]))
    return claims
