"""Chromium without a window, driven through its DevTools protocol: what pages do with script, keys and pictures.

One process serves many tests; each page has its own profile, sees only this machine, and keeps what went wrong on it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

MISSING = "Chromium is not installed: apt-get install chromium (or run .ci/system-packages as root)"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-sandbox",
    "--hide-scrollbars",
)
_START_S = 30.0
_PATIENCE_S = 10.0
_KEYS = {
    "Enter": ("Enter", "\r"),
    "Escape": ("Escape", ""),
    "Tab": ("Tab", ""),
    "ArrowDown": ("ArrowDown", ""),
    "ArrowUp": ("ArrowUp", ""),
    "ArrowRight": ("ArrowRight", ""),
    "End": ("End", ""),
    "Home": ("Home", ""),
}
_CODES = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "End": 35, "Home": 36}


class PageError(AssertionError):
    """Script on a page did not do what a test asked of it."""


def find_chromium() -> str | None:
    """Where the browser is, if it is installed."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def running_browser(program: str) -> Iterator[str]:
    """Starts a browser; gives the address at which it takes commands."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _address(Path(profile) / "DevToolsActivePort", process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _address(file: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            port, path = file.read_text().split("\n", 1)
            return f"ws://127.0.0.1:{int(port)}{path.strip()}"
        time.sleep(0.05)
    raise PageError("Chromium did not start")


@dataclass
class Page:
    """A page. `problems` are uncaught errors and what the console holds against it; `asked` all addresses it loaded."""

    _socket: aiohttp.ClientWebSocketResponse
    _session: str = ""
    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def open(self, url: str, *, ready: str = "document.readyState === 'complete'") -> None:
        """Load an address and wait until `ready` holds."""
        await self.command("Page.navigate", url=url)
        await self.until(f"location.href !== 'about:blank' && ({ready})")

    async def run(self, script: str) -> Any:
        """The value of an expression (of its promise, if it is one)."""
        answer = await self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageError(f"{script}: {_error_text(answer['exceptionDetails'])}")
        return answer["result"].get("value")

    async def until(self, script: str, *, patience_s: float = _PATIENCE_S) -> Any:
        """Wait until an expression is true; its value."""
        deadline = time.monotonic() + patience_s
        while True:
            with contextlib.suppress(PageError):
                # An element has no value that could be handed over.
                if value := await self.run(f"(value => value instanceof Node || value)({script})"):
                    return value
            if time.monotonic() > deadline:
                raise PageError(f"still not so after {patience_s} s: {script}; problems: {self.problems}")
            await asyncio.sleep(0.02)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, as a hand would."""
        for key in keys:
            name, text = _KEYS.get(key, (key, key))
            common = {"key": name, "code": name, "windowsVirtualKeyCode": _CODES.get(key, ord(key.upper()[0]))}
            down = {"text": text} if text else {}
            await self.command("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **down)
            await self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    async def type(self, text: str) -> None:
        """Write into what has the focus."""
        await self.command("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        """Click into the middle of the first element that fits."""
        box = await self.run(
            f"(() => {{ const e = document.querySelector({orjson.dumps(selector).decode()}); if (!e) return null;"
            "e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect();"
            "return {x: r.x + r.width / 2, y: r.y + r.height / 2, w: r.width}; })()"
        )
        if not box or not box["w"]:
            raise PageError(f"nothing to click on: {selector}")
        place = {"x": box["x"], "y": box["y"], "button": "left", "clickCount": 1}
        await self.command("Input.dispatchMouseEvent", type="mousePressed", **place)
        await self.command("Input.dispatchMouseEvent", type="mouseReleased", **place)

    async def resize(self, width: int, height: int, *, dark: bool = False, reduced_motion: bool = False) -> None:
        """The size of the window, and what the person prefers."""
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"},
        ]
        await self.command("Emulation.setEmulatedMedia", features=features)

    async def screenshot(self, path: Path) -> None:
        """A picture of what is in the window, as PNG."""
        answer = await self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Any command of the protocol."""
        number = next(self._numbers)
        answered = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send_str(orjson.dumps(message).decode())
        try:
            async with asyncio.timeout(_PATIENCE_S * 3):
                answer = await answered
        finally:
            del self._answers[number]
        if "error" in answer:
            raise PageError(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    async def listen(self) -> None:
        """Takes in what the browser says, until it says no more."""
        async for message in self._socket:
            plain = orjson.loads(message.data)
            if "id" in plain:
                if (future := self._answers.get(plain["id"])) is not None and not future.done():
                    future.set_result(plain)
            else:
                self._hear(plain["method"], plain["params"])

    def _hear(self, method: str, said: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(_error_text(said["exceptionDetails"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.problems.append(said["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(said["request"]["url"])


@contextlib.asynccontextmanager
async def new_page(address: str, *, width: int = 1400, height: int = 900, dark: bool = False) -> AsyncIterator[Page]:
    """A page with a profile of its own in the browser at `address`."""
    async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
        page = Page(socket)
        listener = asyncio.create_task(page.listen())
        context = ""
        try:
            context = (await page.command("Target.createBrowserContext"))["browserContextId"]
            target = await page.command("Target.createTarget", url="about:blank", browserContextId=context)
            attached = await page.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            page._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                await page.command(f"{domain}.enable")
            await page.resize(width, height, dark=dark)
            yield page
        finally:
            page._session = ""
            if context:
                with contextlib.suppress(PageError, TimeoutError, ConnectionError):
                    await page.command("Target.disposeBrowserContext", browserContextId=context)
            await socket.close()
            await listener


def _error_text(details: dict[str, Any]) -> str:
    exception = details.get("exception", {})
    return str(exception.get("description") or exception.get("value") or details.get("text"))
