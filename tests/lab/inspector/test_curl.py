"""The command that repeats a request: run by a shell, it sends the same bytes and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from aiohttp import web

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.curl import dump_curl
from fediverse_node.lab.inspector.nodes import NodeInfo
from fediverse_node.lab.recording import Recording

URL = "https://beta.test/inbox"

needs_shell = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("base64")), reason="bash and base64 run the commands: install coreutils"
)


def asked(body: bytes = b"", *, url: str = URL, headers: tuple[tuple[str, str], ...] = (), start: str = "") -> Exchange:
    request = Message(start or f"{'POST' if body else 'GET'} /inbox HTTP/1.1", headers, body)
    return Exchange(1, 0, "alpha.test", "beta.test", url, request)


def run(command: str, folder: Path) -> tuple[list[bytes], bytes]:
    """The arguments that curl gets from a shell, and what is piped into it."""
    keep = 'printf "%s\\0" "$@" >arguments; case " $* " in *"@-"*) cat >piped;; *) : >piped;; esac'
    script = f"curl() {{ {keep}; }}\n"
    # Not as an argument: a shell that somebody types into takes more than that.
    subprocess.run(["bash"], input=(script + command).encode(), cwd=folder, check=True, capture_output=True)
    return (folder / "arguments").read_bytes().split(b"\0")[:-1], (folder / "piped").read_bytes()


NASTY = [
    pytest.param(b'{"name": "it\'s $(touch broken) `touch broken` \\" !! ; & | > broken"}', id="what shells would run"),
    pytest.param(b"@/etc/passwd", id="what curl would take for a file"),
    pytest.param("line\nanother\n'\n\u05e9\u05dc\u05d5\u05dd \U0001f331".encode(), id="lines, quotes, other scripts"),
    pytest.param(bytes(range(256)), id="bytes that are no text"),
    pytest.param(b"a\tb\r\nc", id="tabs and carriage returns, which terminals change"),
    pytest.param("\u202etxt.exe".encode(), id="text that hides its direction"),
    pytest.param(b"x" * 200_000, id="more than a shell takes as one word"),
]


@needs_shell
@pytest.mark.parametrize("body", NASTY)
def test_a_body_comes_out_of_the_shell_as_it_went_in(body: bytes, tmp_path: Path) -> None:
    arguments, piped = run(dump_curl(asked(body)), tmp_path)
    sent = piped if b"--data-binary" in arguments else arguments[arguments.index(b"--data-raw") + 1]
    assert sent == body
    assert b"@-" in arguments or b"--data-binary" not in arguments
    assert sorted(os.listdir(tmp_path)) == ["arguments", "piped"]


@needs_shell
def test_what_strangers_wrote_into_headers_and_addresses_stays_one_word(tmp_path: Path) -> None:
    headers = (
        ("X-Note", "'; touch broken; '"),
        ("X-Dash", "-o broken"),
        ("X-Empty", ""),
        ("Signature", 'keyId="a",b="c"'),
    )
    url = "https://beta.test/a';touch broken;'?[1-9]{a,b}&$(touch broken)"
    arguments, _ = run(dump_curl(asked(url=url, headers=headers)), tmp_path)
    assert arguments[arguments.index(b"--url") + 1] == url.encode()
    assert b"--globoff" in arguments
    values = [arguments[at + 1] for at, word in enumerate(arguments) if word == b"-H"]
    assert values[:4] == [
        b"X-Note: '; touch broken; '",
        b"X-Dash: -o broken",
        b"X-Empty;",
        b'Signature: keyId="a",b="c"',
    ]
    assert sorted(os.listdir(tmp_path)) == ["arguments", "piped"]


@pytest.mark.parametrize(
    "pair",
    [("@/etc/passwd", "x"), ("X-Split", "a\r\nX-Other: b"), ("-K", "x\x00y"), ("Bad Name", "x"), ("", "x")],
)
def test_what_is_no_header_is_left_out(pair: tuple[str, str]) -> None:
    command = dump_curl(asked(headers=(pair, ("X-Good", "1"))))
    assert "X-Good: 1" in command
    assert pair[1].split("\r")[0] + "'" not in command.replace("'X-Good: 1'", "")


def test_an_address_without_a_scheme_becomes_one_of_the_receiver() -> None:
    assert "--url https://beta.test/-o/etc/x" in dump_curl(asked(url="-o/etc/x"))
    assert "file" not in dump_curl(asked(url="file:///etc/passwd")).partition("--url ")[2].split("/")[0]


def test_a_name_is_led_to_the_address_of_its_node() -> None:
    node = NodeInfo("beta.test", address="127.0.0.1:8442", ca_file="/tmp/my lab/ca.pem")
    command = dump_curl(asked(b"{}"), node=node)
    assert "--connect-to beta.test:443:127.0.0.1:8442" in command
    assert "--cacert '/tmp/my lab/ca.pem'" in command
    assert "--connect-to" not in dump_curl(asked(b"{}"), node=NodeInfo("beta.test"))


async def test_curl_sends_the_same_request_again(recording: Recording) -> None:
    if not (curl := shutil.which("curl")):
        pytest.skip("curl is not installed: apt-get install curl")
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append((request.method, request.raw_path, headers, await request.read()))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        posts = [exchange for exchange in recording if exchange.method == "POST"]
        for exchange in (posts[1], posts[-1], next(one for one in recording if one.method == "GET")):
            plain = Exchange(1, 0, "a", exchange.receiver, exchange.url.replace("https:", "http:"), exchange.request)
            command = dump_curl(plain, node=NodeInfo(exchange.receiver, address=f"127.0.0.1:{port}"))
            process = await asyncio.create_subprocess_exec(
                "bash", "-c", command.replace("curl", curl, 1), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            assert await process.wait() == 0
            method, path, headers, body = seen.pop()
            assert (method, path, body) == (
                exchange.method,
                exchange.request.start.split(" ")[1],
                exchange.request.body,
            )
            assert headers == {name.lower(): value for name, value in exchange.request.headers}
    finally:
        await runner.cleanup()
