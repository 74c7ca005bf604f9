"""Signed GET and POST, with the double knock: draft-cavage first, RFC 9421 where the host has shown that it reads it.

Each hop is signed for its own URL and host: a signature never travels to another origin. What a host reads is learnt
from the difference between a refused and an accepted knock, or from its own Accept-Signature; a 202 alone proves
nothing, because snac2 answers it to RFC 9421 and drops the message.  spec: rfc9421#5, cavage#3.1

It does not choose the key (the caller does) and does not repeat deliveries (delivery does).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum

from fediverse_node.base.clock import Clock
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import is_watched, note
from fediverse_node.protocol.media_types import ACCEPT_ACTIVITY, ACTIVITY_JSON
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.negotiation import asked_nonce, offered_algorithms, offers_rfc9421
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import Prepared, prepare_cavage, prepare_rfc9421
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Http,
    Response,
)
from fediverse_node.transport.host_memory import Capability, HostMemory

_BAD_SIGNATURE_STATUSES = {400, 401}
_ED25519 = "ed25519"


class SignatureForm(Enum):
    """The two ways in which this server signs."""

    CAVAGE = "cavage"
    RFC9421 = "rfc9421"

    @property
    def other(self) -> SignatureForm:
        return SignatureForm.RFC9421 if self is SignatureForm.CAVAGE else SignatureForm.CAVAGE


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of one actor of ours. The RSA key signs everywhere; Ed25519 only where a host has listed it.

    The ML-DSA key signs documents alone. `previous` are the keys before these, for who has not learnt of these yet.
    """

    key_id: str
    key: PrivateKey
    ed25519_key_id: str | None = None
    ed25519_key: PrivateKey | None = None
    mldsa44_key_id: str | None = None
    mldsa44_key: PrivateKey | None = None
    previous: SigningKeys | None = None


class SigningThreads:
    """Threads in which RSA signing runs: it takes 0.7 ms and releases the interpreter lock."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(threads or min(os.cpu_count() or 2, 8), thread_name_prefix="sign")

    async def sign_in_thread(self, key: PrivateKey, message: bytes) -> bytes:
        """The signature of `message`. Ed25519 is signed here and now: the way to a thread costs more."""
        if key.algorithm == _ED25519:
            return key.sign(message)
        return await asyncio.get_running_loop().run_in_executor(self._threads, key.sign, message)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Signer:
    """Signs and sends. Outcomes are those of `Http`: every answered request is a Response, of any status."""

    def __init__(
        self, http: Http, *, fetch_keys: SigningKeys, memory: HostMemory, clock: Clock, threads: SigningThreads
    ) -> None:
        """`fetch_keys` are the instance actor's: all fetches are signed, and its own document is open to everybody."""
        self._http = http
        self._fetch_keys = fetch_keys
        self._memory = memory
        self._clock = clock
        self._threads = threads

    async def get(
        self,
        url: str,
        *,
        accept: str = ACCEPT_ACTIVITY,
        max_bytes: int = DOCUMENT_SIZE_LIMIT,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        keys: SigningKeys | None = None,
    ) -> Response | Fail | TemporaryFail:
        """A signed GET, by the instance actor unless `keys` says otherwise."""

        deadline = _Deadline(timeout_s)

        async def send(hop_headers: HopHeaders) -> Response | Fail | TemporaryFail:
            return await self._http.get(
                url, accept=accept, max_bytes=max_bytes, timeout_s=deadline.remaining_s(), hop_headers=hop_headers
            )

        unsigned = _Unsigned("GET", (), b"")
        return await self._double_knock(url, send, unsigned=unsigned, keys=keys or self._fetch_keys)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        keys: SigningKeys,
        content_type: str = ACTIVITY_JSON,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Response | Fail | TemporaryFail:
        """A signed POST with a signed digest of `body`, by the actor whose `keys` are given, with `headers` besides."""
        headers = (("content-type", content_type), *headers)
        deadline = _Deadline(timeout_s)

        async def send(hop_headers: HopHeaders) -> Response | Fail | TemporaryFail:
            return await self._http.post(
                url, body, headers=headers, timeout_s=deadline.remaining_s(), hop_headers=hop_headers
            )

        return await self._double_knock(url, send, unsigned=_Unsigned("POST", headers, body), keys=keys)

    async def _double_knock(
        self,
        url: str,
        send: Callable[[HopHeaders], Awaitable[Response | Fail | TemporaryFail]],
        *,
        unsigned: _Unsigned,
        keys: SigningKeys,
    ) -> Response | Fail | TemporaryFail:
        knock = _Knock(self, unsigned=unsigned, keys=keys)
        first = await send(knock.hop_headers)
        if not isinstance(first, Response):
            return first
        host = host_of(first.url) or ""
        form = knock.used.get(host)
        has_offered = self._note_offer(host, first)
        if first.status not in _BAD_SIGNATURE_STATUSES or form is None:
            return first
        if form is SignatureForm.CAVAGE and self._memory.reads_rfc9421(host) is False and not has_offered:
            return first
        note("sign.second_knock", None, url=first.url, refused=form.value, status=first.status)
        again = _Knock(
            self,
            unsigned=unsigned,
            keys=keys,
            forced={host: form.other},
            number=2,
            nonce=asked_nonce(first.header("accept-signature")),
        )
        second = await send(again.hop_headers)
        if not isinstance(second, Response):
            return first
        if 200 <= second.status < 300 and again.used.get(host_of(second.url) or "") is form.other:
            self._note_success(host, form.other)
        return second

    def _note_offer(self, host: str, response: Response) -> bool:
        offer = response.header("accept-signature")
        if not offers_rfc9421(offer):
            return False
        has_ed25519 = _ED25519 in offered_algorithms(offer)
        self._learn(host, Capability.READS_ED25519 if has_ed25519 else Capability.READS_RFC9421)
        return True

    def _note_success(self, host: str, form: SignatureForm) -> None:
        if form is SignatureForm.CAVAGE:
            self._learn(host, Capability.READS_CAVAGE_ALONE)
        elif not self._memory.reads_ed25519(host):
            self._learn(host, Capability.READS_RFC9421)

    def _learn(self, host: str, capability: Capability) -> None:
        self._memory.note(host, capability)
        note("sign.learnt", None, host=host, capability=capability.value)

    def reads_mldsa44(self, host: str) -> bool:
        """Whether `host` reads proofs that are made with ML-DSA-44 keys."""
        return self._memory.reads_mldsa44(host)

    def preferred_form(self, host: str) -> SignatureForm:
        """What the first knock at `host` uses."""
        return SignatureForm.RFC9421 if self._memory.reads_rfc9421(host) else SignatureForm.CAVAGE

    async def sign(
        self, request: Request, *, form: SignatureForm, host: str, keys: SigningKeys, nonce: str | None = None
    ) -> Headers:
        """The headers to add to `request`."""
        now = self._clock.now()
        if form is SignatureForm.CAVAGE:
            prepared = prepare_cavage(request, algorithm=keys.key.algorithm, key_id=keys.key_id, now=now)
            _note_base(request, prepared, keys.key_id)
            return prepared.finish(await self._threads.sign_in_thread(keys.key, prepared.base))
        key, key_id = keys.key, keys.key_id
        if keys.ed25519_key is not None and keys.ed25519_key_id is not None and self._memory.reads_ed25519(host):
            key, key_id = keys.ed25519_key, keys.ed25519_key_id
        prepared = prepare_rfc9421(request, algorithm=key.algorithm, key_id=key_id, now=now, nonce=nonce)
        _note_base(request, prepared, key_id)
        return prepared.finish(await self._threads.sign_in_thread(key, prepared.base))


def _note_base(request: Request, prepared: Prepared, key_id: str) -> None:
    if is_watched():
        note("sign.base", None, url=request.url, key_id=key_id, base=prepared.base.decode("utf-8", "replace"))


class _Deadline:
    """Both knocks share the caller's time."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._started: float | None = None

    def remaining_s(self) -> float:
        now = self._loop.time()
        if self._started is None:
            # The whole, to the bit: aiohttp's timeouts are kept by their value.
            self._started = now
            return self._timeout_s
        return max(self._started + self._timeout_s - now, 0.001)


@dataclass(frozen=True, slots=True)
class _Unsigned:
    """What is signed, but for the URL, which changes from hop to hop."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class _Knock:
    """One attempt: signs every hop for its own host, and keeps which form each host was shown."""

    def __init__(
        self,
        signer: Signer,
        *,
        unsigned: _Unsigned,
        keys: SigningKeys,
        number: int = 1,
        forced: dict[str, SignatureForm] | None = None,
        nonce: str | None = None,
    ) -> None:
        self._signer = signer
        self._unsigned = unsigned
        self._keys = keys
        self._number = number
        self._forced = forced or {}
        self._nonce = nonce
        self.used: dict[str, SignatureForm] = {}

    async def hop_headers(self, url: str) -> Headers:
        host = host_of(url) or ""
        form = self._forced.get(host) or self._signer.preferred_form(host)
        self.used[host] = form
        note("sign.form", None, url=url, form=form.value, knock=self._number)
        request = Request(self._unsigned.method, url, self._unsigned.headers, self._unsigned.body)
        nonce = self._nonce if host in self._forced else None
        return await self._signer.sign(request, form=form, host=host, keys=self._keys, nonce=nonce)
