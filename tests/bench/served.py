"""A node as a process of its own, pinned to one core, and what it uses of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Served:
    """A running node with one account, `alice`, and a token of hers."""

    base_url: str
    port: int
    token: str
    pid: int
    environ: dict[str, str]
    data_dir: Path

    def cpu_s(self) -> float:
        """Processor time used so far, of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mb(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(*, core: int | None = 0, database_url: str | None = None) -> Iterator[Served]:
    """Start a node in a new folder; it is stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bench-node-"))
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith("FEDIVERSE_NODE_")},
        "FEDIVERSE_NODE_DATA_DIR": str(folder / "data"),
        "FEDIVERSE_NODE_LISTEN": f"127.0.0.1:{port}",
        "FEDIVERSE_NODE_BASE_URL": base_url,
        "FEDIVERSE_NODE_RATE_LIMITS": "false",
        "FEDIVERSE_NODE_LOG_LEVEL": "warning",
    }
    if database_url:
        environ["FEDIVERSE_NODE_DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "fediverse_node"]
    subprocess.run(
        [*command, "user", "add", "alice", "--email", "alice@example.org", "--password", "benchmark"],
        env=environ, check=True, capture_output=True,
    )  # fmt: skip
    token = subprocess.run(
        [*command, "token", "alice"], env=environ, check=True, capture_output=True, text=True
    ).stdout.strip()
    log = (folder / "log").open("wb")
    process = subprocess.Popen([*command, "serve"], env=environ, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "log")
        if core is not None and (os.cpu_count() or 1) > 1:
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})
        yield Served(base_url, port, token, process.pid, environ, folder / "data")
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the node ended: {log.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    raise RuntimeError("the node does not listen")
