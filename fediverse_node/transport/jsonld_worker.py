"""Foreign JSON-LD in a process that can be killed: 989 bytes can keep a JSON-LD processor busy for 15 seconds.

One process, started with the first document that needs it, ended when nobody has needed it for a minute, replaced
after it was killed. Documents wait in line, and a line that is too long is refused. What needs processing at all is
decided by `protocol.jsonld.gate`; no context is ever fetched.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import orjson

from fediverse_node.base.errors import NodeError
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.jsonld_child import COMPACT, SIGNED, STATEMENTS

_log = logging.getLogger(__name__)

CPU_BUDGET_S = 1.5
_START_LIMIT_S = 20.0
_MEMORY_LIMIT_BYTES = 512 * 1024 * 1024
_ANSWER_LIMIT_BYTES = 8_000_000
_IMPORT_ROOT = Path(__file__).resolve().parents[2]


class JsonLdProcessor(Protocol):
    """What the rest of the server asks of JSON-LD. `JsonLdWorker` is the one for strangers' documents."""

    async def compact(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        """The document in our own context."""
        ...

    async def statements(self, document: Mapping[str, object]) -> bytes | Fail | TemporaryFail:
        """The document's canonical N-Quads."""
        ...

    async def compact_signed(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        """The document in our own context, as far as its statements say it: what a signature over them covers."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class JsonLdWorker:
    """Runs one document at a time. Every way out is an outcome; the process behind it may die at any moment."""

    def __init__(
        self, *, cpu_s: float = CPU_BUDGET_S, wall_s: float = 2 * CPU_BUDGET_S, idle_s: float = 60.0, line: int = 32
    ) -> None:
        """`cpu_s` and `wall_s` bound one document; `line` is how many may wait."""
        self._cpu_s = cpu_s
        self._wall_s = wall_s
        self._idle_s = idle_s
        self._line = line
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    async def compact(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        """The document in our own context. JSONLD_TOO_COSTLY where it was killed; the reasons of `protocol` else."""
        result = await self._run(COMPACT, document)
        if isinstance(result, Fail | TemporaryFail):
            return result
        return result if isinstance(result, dict) else Fail(FetchFault.JSONLD)

    async def statements(self, document: Mapping[str, object]) -> bytes | Fail | TemporaryFail:
        """The document's canonical N-Quads, over which linked-data signatures are made."""
        result = await self._run(STATEMENTS, document)
        if isinstance(result, Fail | TemporaryFail):
            return result
        return result.encode() if isinstance(result, str) else Fail(FetchFault.JSONLD)

    async def compact_signed(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        """As `compact`, of what is in `statements` alone."""
        result = await self._run(SIGNED, document)
        if isinstance(result, Fail | TemporaryFail):
            return result
        return result if isinstance(result, dict) else Fail(FetchFault.JSONLD)

    async def close(self) -> None:
        """End the process and wait for its end."""
        self._closed = True
        await self._kill()
        await asyncio.gather(*self._stopping)

    @property
    def process_id(self) -> int | None:
        """The running process, for health pages; None while there is none."""
        return None if self._process is None else self._process.pid

    async def _run(self, task: str, document: Mapping[str, object]) -> object:
        if self._waiting >= self._line:
            return TemporaryFail(FetchFault.JSONLD_TOO_COSTLY, "too many documents wait for JSON-LD processing")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run_now(task, document)
        finally:
            self._waiting -= 1

    async def _run_now(self, task: str, document: Mapping[str, object]) -> object:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        try:
            process = await self._started()
        except (TimeoutError, OSError, EOFError) as error:
            event(_log, "jsonld.not_started", logging.ERROR, error=type(error).__name__)
            await self._kill()
            return TemporaryFail(FetchFault.JSONLD, "the process could not be started")
        try:
            async with asyncio.timeout(self._wall_s):
                await _send(process, {"task": task, "document": document})
                answer = await _receive(process)
        except TimeoutError:
            return await self._killed(task, "time")
        except (OSError, EOFError):
            # What ended it? A process killed from outside says nothing about the document.
            self._process = None
            signal_number = -await _end(process)
            if signal_number == signal.SIGKILL:
                return TemporaryFail(FetchFault.JSONLD, "the process was killed from outside")
            return await self._killed(task, "cpu or memory")
        except BaseException:
            # Cancelled: an answer nobody waits for would be taken for the next document's.
            await self._kill()
            raise
        self._idle_timer = asyncio.get_running_loop().call_later(self._idle_s, self._stop_idle)
        if "fail" in answer:
            return Fail(WireReason[str(answer["fail"])], str(answer["detail"]))
        return answer.get("result")

    async def _killed(self, task: str, limit: str) -> Fail:
        event(_log, "jsonld.killed", logging.WARNING, task=task, limit=limit)
        await self._kill()
        return Fail(FetchFault.JSONLD_TOO_COSTLY, f"over its limit of {limit}")

    async def _started(self) -> Process:
        if self._closed:
            raise NodeError("the JSON-LD worker is closed")
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "fediverse_node.transport.jsonld_child",
                str(self._cpu_s),
                str(_MEMORY_LIMIT_BYTES),
                stdin=PIPE,
                stdout=PIPE,
                cwd="/",
                # Nothing of our environment: it holds the database's password.
                env={"PYTHONPATH": str(_IMPORT_ROOT), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
            async with asyncio.timeout(_START_LIMIT_S):
                await _receive(self._process)
        return self._process

    def _stop_idle(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            task = asyncio.get_running_loop().create_task(_stop(process))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if process is not None:
            await _stop(process)


async def _stop(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await _end(process)


async def _end(process: Process) -> int:
    """Wait for the end; its status."""
    if process.stdin is not None:
        process.stdin.close()
    return await process.wait()


async def _send(process: Process, request: Mapping[str, object]) -> None:
    data = orjson.dumps(request)
    if process.stdin is None:
        raise NodeError("the JSON-LD process has no input")
    process.stdin.write(len(data).to_bytes(4, "big") + data)
    await process.stdin.drain()


async def _receive(process: Process) -> dict[str, object]:
    if process.stdout is None:
        raise NodeError("the JSON-LD process has no output")
    length = int.from_bytes(await process.stdout.readexactly(4), "big")
    if length > _ANSWER_LIMIT_BYTES:
        raise EOFError("the answer is too large")
    answer: dict[str, object] = orjson.loads(await process.stdout.readexactly(length))
    return answer
