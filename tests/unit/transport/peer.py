"""A peer of the simulated internet that serves documents, under as many names as a test likes."""

from __future__ import annotations

import json
from typing import Any

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.signatures.keys import PrivateKey
from tests.unit.transport.scripted_server import Exchange, ScriptedServer

ACTIVITY = "application/activity+json"
PROFILED = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
AS2 = "https://www.w3.org/ns/activitystreams"
RSA = PrivateKey.generate_rsa()
PEM = RSA.public().pem()


class Peer:
    """A server under several names (all of them lead to it) that serves documents."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.documents: dict[str, tuple[int, str, bytes, str | None]] = {}

    def uri(self, path: str, host: str = "peer.test") -> str:
        return self.server.url(path, host=host)

    def serve(
        self,
        uri: str,
        body: object = None,
        *,
        content_type: str = ACTIVITY,
        status: int = 200,
        location: str | None = None,
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        host, slash, path = uri.removeprefix("http://").partition("/")
        self.documents[host + slash + path] = (status, content_type, data, location)
        self.server.scripts["/" + path.partition("?")[0]] = self._answer

    async def _answer(self, exchange: Exchange) -> None:
        found = self.documents.get(exchange.headers["host"] + exchange.path)
        if found is None:
            await exchange.answer(404)
            return
        status, content_type, data, location = found
        extra = {"location": location} if location is not None else {}
        await exchange.answer(status, data, content_type=content_type, **extra)

    def asked(self) -> list[str]:
        return [exchange.headers["host"].partition(":")[0] + exchange.path for exchange in self.server.asked]


def reason(outcome: object) -> object:
    assert isinstance(outcome, Fail | TemporaryFail), outcome
    return outcome.reason


def note(uri: str, **more: Any) -> dict[str, Any]:
    author = uri.rpartition("/")[0] + "/author"
    return {"@context": AS2, "id": uri, "type": "Note", "attributedTo": author, "content": "hello", **more}


def actor(uri: str, **more: Any) -> dict[str, Any]:
    key = {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": PEM}
    doc = {"id": uri, "type": "Person", "preferredUsername": "a", "inbox": f"{uri}/inbox", "publicKey": key}
    return {"@context": [AS2, "https://w3id.org/security/v1"], **doc, **more}
