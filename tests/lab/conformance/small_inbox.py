"""The inbox of the small server: verifies, step by step, and every step can be left out by the name of its check."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage

AS2 = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{AS2}#Public"
_ACCEPT = "application/activity+json"
_TYPES = ("application/activity+json", "application/ld+json")
_BODY_LIMIT = 1_000_000
_WINDOW_S = 12 * 3600
# Faults by which the signature itself is not looked at.
_BLIND = {
    f"forged.{name}"
    for name in ("other-key", "garbage", "empty", "algorithm", "body-and-digest", "target", "method", "two-signatures")
}
_BLIND_9421 = {
    f"forged9421.{name}" for name in ("other-key", "algorithm", "body-and-digest", "target", "label", "malformed")
}


class Refused(Exception):
    """The request is refused with this status."""

    def __init__(self, status: int = 401) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass
class SmallInbox:
    """What arrived and what came of it."""

    base_url: str
    faults: frozenset[str]
    key: PrivateKey
    session: aiohttp.ClientSession
    followers: set[str] = field(default_factory=set)
    likes: set[str] = field(default_factory=set)
    replies: dict[str, str] = field(default_factory=dict)  # id -> author
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, PublicKey]] = field(default_factory=dict)  # key id -> owner, key
    _signatures: set[str] = field(default_factory=set)
    _ids: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def has(self, *faults: str) -> bool:
        return not self.faults.isdisjoint(faults)

    @property
    def actor_uri(self) -> str:
        return f"{self.base_url}/users/alice"

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- receiving

    async def receive(self, request: web.Request) -> web.Response:
        try:
            activity = await self._verified(request)
        except Refused as refusal:
            return web.Response(status=refusal.status)
        if activity is not None and self.has("delivery.undo") and activity.get("type") == "Undo":
            return web.Response(status=404)
        if activity is not None:
            await self._act(activity)
        return web.Response(status=202)

    async def _verified(self, request: web.Request) -> dict[str, Any] | None:
        has, headers = self.has, request.headers
        body = await request.read()
        kind = headers.get("Content-Type", "").partition(";")[0].strip()
        if has("taken.ld-json") and kind == "application/ld+json":
            raise Refused(415)
        if has("taken.charset") and "charset" in headers.get("Content-Type", ""):
            raise Refused(415)
        if kind not in _TYPES and not has("documents.type"):
            raise Refused(415)
        if "Content-Encoding" in headers:
            if not has("documents.gzip"):
                raise Refused(415)
            gzip.decompress(body)
            return None
        if len(body) > _BODY_LIMIT and not has("documents.size"):
            raise Refused(413)
        activity = self._parsed(body)
        signer = await self._signer(request, body, activity)
        self._bind(activity, signer)
        signature = headers.get("Signature", "")
        if signature in self._signatures and not has("identity.replay"):
            return None
        self._signatures.add(signature)
        if has("taken.again") and activity.get("id") in self._ids:
            raise Refused(409)
        name = str(activity.get("id")) + ("" if has("identity.squatting") else str(activity.get("actor")))
        if has("identity.squatting") and name in self._ids:
            return None
        self._ids |= {name, str(activity.get("id"))}
        return self._hidden(activity)

    def _parsed(self, body: bytes) -> dict[str, Any]:
        has = self.has
        try:
            activity = orjson.loads(body)
        except ValueError:
            raise Refused(500 if has("documents.garbage", "documents.depth") else 400) from None
        if not isinstance(activity, dict):
            raise Refused(500 if has("documents.garbage") else 400)
        if has("documents.actor-twice"):
            first = re.search(rb'"actor":"([^"]+)"', body)
            activity["first actor"] = first[1].decode() if first else ""
        if has("documents.renamed") and "who" in activity:
            activity |= {"first actor": activity["actor"], "actor": activity["who"]}
        restructured = {"@graph", "@included", "@reverse"} & activity.keys()
        if restructured and not has("documents.graph", "documents.included", "documents.reverse"):
            raise Refused(400)
        is_list = isinstance(activity.get("object"), list)
        if (has("taken.shapes") and is_list) or (has("taken.no-context") and "@context" not in activity):
            raise Refused(400)
        if has("taken.strange") and activity.get("type") == "Read":
            raise Refused(500)
        return activity

    async def _signer(self, request: web.Request, body: bytes, activity: dict[str, Any]) -> str:
        has, claimed = self.has, str(activity.get("actor"))
        if has("documents.blank-nodes") and "https://example.org/ns#clique" in activity:
            return claimed
        if "Signature" not in request.headers:
            if has("forged.unsigned") or (has("identity.shared-inbox") and request.path == "/inbox"):
                return claimed
            raise web.HTTPUnauthorized(headers=self._challenge())
        if has("taken.shared-inbox") and request.path == "/inbox":
            raise Refused
        signer = await self.signer_of(request, body)
        if signer is None:
            if self._is_blind(request):
                return claimed
            raise Refused
        return signer

    def _is_blind(self, request: web.Request) -> bool:
        return self.has(*(_BLIND_9421 if "Signature-Input" in request.headers else _BLIND))

    def _challenge(self) -> dict[str, str]:
        offer = 'sig1=("@method" "@target-uri" "content-digest");alg="unheard-of"'
        return {"Accept-Signature": offer if self.has("taken.challenge") else offer.replace("unheard-of", "ed25519")}

    def _bind(self, activity: dict[str, Any], signer: str) -> None:
        has, actor = self.has, activity.get("actor")
        if isinstance(actor, list):
            if not has("identity.two-actors"):
                raise Refused(400)
            activity["actor"] = actor[0]
            return
        if actor == self.actor_uri and has("identity.own-actor"):
            return
        if ("signature" in activity and has("identity.ld-signature")) or (
            "proof" in activity and has("identity.proof")
        ):
            return
        if activity.get("first actor", actor) != signer and not has("identity.actor"):
            raise Refused(401)

    def _hidden(self, activity: dict[str, Any]) -> dict[str, Any]:
        """What a reader sees who follows the keywords that restructure."""
        for name in ("@graph", "@included"):
            if name in activity:
                inner: dict[str, Any] = activity[name][0]
                return inner
        reverse: dict[str, Any] | None = activity.get("@reverse")
        return reverse["object"] if reverse else activity

    # --- signatures

    async def signer_of(self, request: web.Request, body: bytes) -> str | None:
        """The owner of the key that signed, or None."""
        try:
            if "Signature-Input" in request.headers:
                return await self._by_rfc9421(request, body)
            return await self._by_cavage(request, body)
        except (KeyError, ValueError, IndexError, TypeError):
            return None
        except Refused as refusal:
            if refusal.status == 500:
                raise
            return None

    async def _by_cavage(self, request: web.Request, body: bytes) -> str | None:
        has, text = self.has, request.headers["Signature"]
        if len(request.headers.getall("Signature")) > 1 or (len(text) > 9_000 and not has("forged.huge")):
            return None
        parameters = {n: q or b for n, q, b in re.findall(r'(\w+)=(?:"([^"]*)"|(\d+))', text)}
        cover = parameters["headers"].split()
        algorithm = parameters.get("algorithm")
        if algorithm not in (None, "rsa-sha256", "hs2019", "hmac-sha256"):
            return None
        if (has("taken.cavage")) or (has("taken.hs2019") and algorithm == "hs2019" and "(created)" not in cover):
            return None
        if (has("taken.no-algorithm") and algorithm is None) or (has("taken.created") and "(created)" in cover):
            return None
        self._check_cover(cover, body)
        dates = request.headers.getall("Date", [])
        self._check_time(parameters, cover, dates)
        if "host" in cover and request.headers["Host"] != urlsplit(self.base_url).netloc and not has("forged.host"):
            return None
        if body and "digest" in cover:
            self._check_digest(request, body)
        owner, key = await self._key(parameters["keyId"])
        if algorithm == "hmac-sha256":
            secret = key.pem().encode()
            mac = hmac.new(secret, f"date: {dates[0]}".encode(), sha256).digest()
            return owner if has("forged.hmac") and mac == b64decode(parameters["signature"]) else None
        for target in self._targets(request):
            base = "\n".join(f"{name}: {self._value(request, name, parameters, target)}" for name in cover)
            if key.is_signed(base.encode(), signature=b64decode(parameters["signature"])):
                return owner
        return await self._by_new_key(parameters, request, cover)

    async def _by_new_key(self, parameters: dict[str, str], request: web.Request, cover: list[str]) -> str | None:
        if self.has("taken.new-key") or parameters["keyId"] not in self.keys:
            return None
        stored = self.keys.pop(parameters["keyId"])
        if self.has("identity.update") and stored[0] in self.profiles:
            return None
        owner, key = await self._key(parameters["keyId"])
        for target in self._targets(request):
            base = "\n".join(f"{name}: {self._value(request, name, parameters, target)}" for name in cover)
            if key.is_signed(base.encode(), signature=b64decode(parameters["signature"])):
                return owner
        return None

    def _check_cover(self, cover: list[str], body: bytes) -> None:
        has = self.has
        if has("forged.date-alone") and cover == ["date"]:
            return
        if has("forged.hmac") and cover == ["date"]:
            return
        wanted = {"(request-target)": has("forged.no-target"), "host": has("forged.no-host")}
        if body:
            wanted["digest"] = has("forged.no-digest", "forged.digest-unsigned")
        for name, is_optional in wanted.items():
            if name not in cover and not is_optional:
                raise Refused
        if "date" not in cover and "(created)" not in cover and not has("forged.no-time"):
            raise Refused

    def _check_time(self, parameters: dict[str, str], cover: list[str], dates: list[str]) -> None:
        has, now = self.has, datetime.now(UTC).timestamp()
        if "date" in cover:
            if len(dates) != 1 and not has("forged.two-dates"):
                raise Refused
            moment = parsedate_to_datetime(dates[0]).timestamp()
            if moment < now - _WINDOW_S and not has("forged.old"):
                raise Refused
            if moment > now + 3600 and not has("forged.future"):
                raise Refused
        if "expires" in parameters and int(parameters["expires"]) < now and not has("forged.expired"):
            raise Refused

    def _check_digest(self, request: web.Request, body: bytes) -> None:
        has = self.has
        if has("forged.body", "forged.digest"):
            return
        lines = request.headers.getall("Digest")
        if has("forged.two-digests"):
            lines = lines[-1:]
        members = [member.strip() for line in lines for member in line.split(",")]
        if has("taken.digests") and len(members) > 1:
            raise Refused
        if has("taken.digest-case") and members[0].startswith("sha"):
            raise Refused
        known = [member for member in members if member.lower().startswith("sha-256=")]
        if not known or any(b64decode(member[8:]) != sha256(body).digest() for member in known):
            raise Refused

    def _targets(self, request: web.Request) -> list[str]:
        method, raw = request.method.lower(), request.raw_path
        whole, bare = f"{method} {raw}", f"{method} {raw.partition('?')[0]}"
        if self.has("taken.query"):
            return [bare]
        return [whole] if self.has("taken.query-left-out") else [whole, bare]

    def _value(self, request: web.Request, name: str, parameters: dict[str, str], target: str) -> str:
        if name == "(request-target)":
            return target
        if name in ("(created)", "(expires)"):
            return parameters[name.strip("()")]
        if name not in request.headers and self.has("forged.absent-header"):
            return ""
        values = request.headers.getall(name)
        if name == "date" and self.has("forged.two-dates"):
            return values[-1]
        if name == "digest" and self.has("forged.two-digests"):
            return values[0]
        return ", ".join(values)

    async def _by_rfc9421(self, request: web.Request, body: bytes) -> str | None:
        has = self.has
        if has("taken.rfc9421"):
            return None
        found = re.fullmatch(r"(\w+)=(\(([^)]*)\)(.*))", request.headers["Signature-Input"])
        label, _, value = request.headers["Signature"].partition("=")
        if found is None or label != found[1]:
            return None
        cover = re.findall(r'"([^"]+)"', found[3])
        parameters = {n: q or b for n, q, b in re.findall(r';(\w+)=(?:"([^"]*)"|(\d+))', found[4])}
        if parameters.get("alg") not in (None, "rsa-v1_5-sha256", "ed25519"):
            return None
        if has("taken.ed25519") and parameters.get("alg") == "ed25519":
            return None
        if ("@method" not in cover and not has("forged9421.no-method")) or (
            "@target-uri" not in cover and not has("forged9421.no-target")
        ):
            return None
        if body and "content-digest" not in cover and not has("forged9421.no-digest"):
            return None
        now, created = datetime.now(UTC).timestamp(), int(parameters["created"])
        if created < now - _WINDOW_S and not has("forged9421.old"):
            return None
        if created > now + 3600 and not has("forged9421.future"):
            return None
        if "expires" in parameters and int(parameters["expires"]) < now and not has("forged9421.expired"):
            return None
        if body and "content-digest" in cover and not has("forged9421.body"):
            digest = b64decode(request.headers["Content-Digest"].partition("=:")[2].rstrip(":"))
            if digest != sha256(body).digest():
                return None
        owner, key = await self._key(parameters["keyid"])
        known = {"@method": request.method, "@target-uri": self.base_url + request.raw_path}
        known |= {"@authority": urlsplit(self.base_url).netloc}
        lines = [f'"{name}": {known.get(name) or request.headers[name]}' for name in cover]
        base = "\n".join([*lines, f'"@signature-params": {found[2]}'])
        return owner if key.is_signed(base.encode(), signature=b64decode(value.strip(":"))) else None

    # --- keys

    async def _key(self, key_id: str) -> tuple[str, PublicKey]:
        if key_id in self.keys:
            return self.keys[key_id]
        has = self.has
        if has("errors.signature") and not key_id.startswith("http"):
            raise Refused(500)
        document, url = await self.fetch(key_id)
        if "publicKey" not in document and "owner" in document:
            if has("taken.bare-key"):
                raise Refused
            if has("identity.key-unlisted"):
                return self._remember(key_id, document["owner"], document["publicKeyPem"])
            document, url = await self.fetch(document["owner"])
        if has("taken.key-address") and "#" not in key_id:
            raise Refused
        is_own = document["id"] == url or (document["id"] == key_id.partition("#")[0] and _same_origin(url, key_id))
        if not is_own and key_id.startswith(document["id"] + "/") and _same_origin(url, document["id"]):
            is_own = True
        if not is_own and not has("identity.document-origin", "identity.other-id", "identity.redirect"):
            document, url = await self.fetch(document["id"])
            if not _same_origin(url, document["id"]):
                raise Refused
        key = document["publicKey"]
        if key["id"] == key_id:
            owner = key["owner"]
            if owner != document["id"] and not has("identity.key-owner", "identity.key-origin"):
                raise Refused
            return self._remember(key_id, owner, key["publicKeyPem"])
        for method in document["assertionMethod"]:
            if method["id"] == key_id:
                found = PublicKey.parse_multibase(method["publicKeyMultibase"])
                assert not isinstance(found, Fail)
                return document["id"], found
        raise Refused

    def _remember(self, key_id: str, owner: str, pem: str) -> tuple[str, PublicKey]:
        key = PublicKey.parse_pem(pem)
        if isinstance(key, Fail):
            raise Refused
        self.keys[key_id] = owner, key
        return owner, key

    async def fetch(self, uri: str) -> tuple[dict[str, Any], str]:
        """A document and the address that answered."""
        has = self.has
        url = uri.partition("#")[0]
        first_signature: dict[str, str] = {}
        for _ in range(40 if has("bounds.key-loop", "fetching.key-loop") else 4):
            sent = url + ("?%23main-key" if has("delivery.fetch-fragment") else "")
            headers = {"Accept": "*/*" if has("delivery.fetch-accept") else _ACCEPT}
            if not has("delivery.fetch-name"):
                headers["User-Agent"] = "small-server/1"
            if not has("delivery.fetch-signed"):
                signed = self._signed(Request("GET", sent, ()), f"{self.base_url}/actor#main-key")
                first_signature = first_signature or signed
                headers |= first_signature if has("delivery.fetch-redirect") else signed
            try:
                async with self.session.get(URL(sent, encoded=True), headers=headers, allow_redirects=False) as answer:
                    if 300 <= answer.status < 400:
                        if has("taken.key-redirect"):
                            raise Refused
                        url = urljoin(url, answer.headers["Location"])
                        continue
                    return self._document(answer, await self._bounded(answer)), url
            except aiohttp.ClientError:
                raise Refused(500 if has("bounds.key-unreachable", "fetching.key-unreachable") else 401) from None
        raise Refused

    async def _bounded(self, answer: aiohttp.ClientResponse) -> bytes:
        limit = 10**9 if self.has("bounds.key-endless", "fetching.key-endless") else 1_000_000
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > limit:
                answer.close()
                raise Refused
        return bytes(body)

    def _document(self, answer: aiohttp.ClientResponse, body: bytes) -> dict[str, Any]:
        if answer.status == 410:
            raise Refused(500 if self.has("identity.gone") else 401)
        if answer.status != 200:
            raise Refused
        kind = answer.content_type
        is_file = not kind.startswith(_TYPES) and not self.has("identity.upload-text", "identity.upload-json")
        if is_file:
            raise Refused
        document = orjson.loads(body)
        assert isinstance(document, dict)
        return document

    def _signed(self, request: Request, key_id: str) -> dict[str, str]:
        signed = sign_cavage(request, key=self.key, key_id=key_id, now=datetime.now(UTC))
        return {name: value for name, value in signed if name != "host"}  # aiohttp knows where it goes

    # --- effects

    async def _act(self, activity: dict[str, Any]) -> None:
        kind, actor, what = activity.get("type"), str(activity["actor"]), activity.get("object")
        if isinstance(what, list):
            what = what[0]
        about = what.get("id") if isinstance(what, dict) else what
        if kind == "Follow" and about == self.actor_uri:
            self.followers.add(actor)
            self._later(self._accept(activity))
            if self.has("bounds.profile"):
                self._later(self._again_and_again(actor))
        elif kind == "Undo" and isinstance(what, dict):
            self._undo(actor, what)
        elif kind == "Like":
            self.likes.add(str(activity["id"]) if self.has("others.like") else actor)
        elif kind == "Create" and isinstance(what, dict):
            await self._create(actor, what)
        elif kind == "Delete" and about in self.replies and not self.has("others.reply"):
            if self.replies[about] == actor or self.has("others.delete"):
                del self.replies[about]
        elif kind == "Update" and isinstance(what, dict) and "publicKey" in what and self.has("identity.update"):
            self.profiles[what["id"]] = what
            self._remember(what["publicKey"]["id"], what["id"], what["publicKey"]["publicKeyPem"])

    def _undo(self, actor: str, what: dict[str, Any]) -> None:
        if what.get("type") == "Follow":
            if what.get("actor") == actor or self.has("identity.undo"):
                self.followers.discard(str(what.get("actor")))
        elif what.get("type") == "Like":
            self.likes.discard(actor)

    async def _create(self, actor: str, note: dict[str, Any]) -> None:
        has, uri, author = self.has, str(note.get("id")), note.get("attributedTo")
        if author != actor and not has("others.attribution", "others.own-name"):
            return
        if not _same_origin(uri, actor) and not has("others.foreign-id"):
            return
        if note.get("inReplyTo", "") and str(note["inReplyTo"]).startswith(f"{self.base_url}/posts/"):
            self.replies[uri] = actor
        if "/thread?" in str(note.get("inReplyTo")):
            self._later(self._climb(str(note["inReplyTo"])))
        mentioned = [tag["href"] for tag in note.get("tag") or [] if isinstance(tag, dict) and "/crowd/" in str(tag)]
        if len(mentioned) > 20:
            self._later(self._meet(mentioned if has("bounds.mentions") else mentioned[:5]))

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _climb(self, uri: str) -> None:
        for _ in range(900 if self.has("bounds.thread") else 10):
            document, _ = await self.fetch(uri)
            uri = document["inReplyTo"]

    async def _meet(self, uris: list[str]) -> None:
        for uri in uris:
            await self._fetch_in_vain(uri)

    async def _again_and_again(self, uri: str) -> None:
        for _ in range(30):
            await self._fetch_in_vain(uri)

    async def _fetch_in_vain(self, uri: str) -> None:
        try:
            await self.fetch(uri)
        except Refused:
            return

    async def _accept(self, follow: dict[str, Any]) -> None:
        has, follower = self.has, str(follow["actor"])
        accept: dict[str, Any] = {
            "@context": AS2,
            "id": f"{self.base_url}/accepts/{len(self._ids)}",
            "type": "Accept",
            "actor": self.actor_uri,
            "object": "something else" if has("delivery.shape") else follow,
            "to": [follower],
        }
        if has("delivery.shape"):
            accept["id"] = "https://elsewhere.example/accepts/1"
        body = orjson.dumps(accept)
        url = f"{follower}/inbox"
        kind = "application/json" if has("delivery.headers") else "application/activity+json"
        headers = {"content-type": kind, "user-agent": "small-server/1"}
        signed = self._signed(Request("POST", url, tuple(headers.items()), body), f"{self.actor_uri}#main-key")
        if has("delivery.signature"):
            signed["signature"] = signed["signature"].replace('signature="', 'signature="AAAA')
        async with self.session.post(url, data=body, headers=headers | signed) as answer:
            await answer.read()


def _same_origin(first: str, second: str) -> bool:
    return urlsplit(first)[:2] == urlsplit(second)[:2]
