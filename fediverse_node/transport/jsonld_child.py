"""The process in which foreign JSON-LD is processed: reads a document, answers, and may be killed at any moment.

Frames on stdin and stdout: four bytes of length, then JSON. It ends with its parent, when stdin closes. It has limits
of its own on CPU time (for each document) and memory, so that a document cannot outlive the parent's patience. It has
no configuration, no keys and no reason to open a connection.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO

import orjson

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.jsonld_processing import compact_document, compact_signed, to_statements
from fediverse_node.protocol.reasons import WireReason

COMPACT = "compact"
STATEMENTS = "statements"
SIGNED = "signed"
_TASKS: Mapping[str, Callable[[Mapping[str, object]], dict[str, object] | bytes | Fail]] = {
    COMPACT: compact_document,
    STATEMENTS: to_statements,
    SIGNED: compact_signed,
}
_LENGTH_BYTES = 4
_WARM_UP = {"@context": "https://www.w3.org/ns/activitystreams", "type": "Note", "id": "https://warm.example/up"}


def main(cpu_s: float, memory_bytes: int) -> None:
    """Answer frames until stdin ends. `cpu_s` is the CPU time for one document."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    compact_document(_WARM_UP)  # loads pyld and our context outside of the first document's time
    _write(sys.stdout.buffer, b"{}")
    while (request := _read(sys.stdin.buffer)) is not None:
        _allow_cpu(cpu_s)
        try:
            answer = _answer(orjson.loads(request))
        except MemoryError:
            sys.exit(1)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(sys.stdout.buffer, answer)


def _allow_cpu(cpu_s: float) -> None:
    """SIGPROF ends the process after `cpu_s` more seconds; the kernel's own limit, in whole seconds, stands behind."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + cpu_s) + 2, hard))


def _answer(request: dict[str, object]) -> bytes:
    document = request["document"]
    result: object = Fail(WireReason.NOT_AN_OBJECT)
    if isinstance(document, dict):
        result = _TASKS[str(request["task"])](document)
    if isinstance(result, Fail):
        return orjson.dumps({"fail": result.reason.name, "detail": result.detail})
    return orjson.dumps({"result": result.decode() if isinstance(result, bytes) else result})


def _read(stream: BinaryIO) -> bytes | None:
    length = stream.read(_LENGTH_BYTES)
    return stream.read(int.from_bytes(length, "big")) if len(length) == _LENGTH_BYTES else None


def _write(stream: BinaryIO, data: bytes) -> None:
    stream.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
    stream.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
