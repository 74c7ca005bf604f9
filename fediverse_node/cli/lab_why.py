"""`fediverse-node lab why POST HOST`: why a post did not reach a server, in plain words."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import click

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.names import host_of_name
from fediverse_node.lab.recording import load_recording
from fediverse_node.lab.why.explain import explain

_TIMEOUT_S = 15.0
_DEFAULT_LAB = "http://127.0.0.1:4400"


@click.command()
@click.argument("post")
@click.argument("host")
@click.option(
    "--lab", "lab_url", metavar="URL", default=_DEFAULT_LAB, show_default=True, help="The page of a lab that is up."
)
@click.option(
    "--recording",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Ask a recording instead: of a test run, or of a server.",
)
@click.option("--json", "as_json", is_flag=True, help="The findings for a program.")
def why(post: str, host: str, lab_url: str, recording: Path | None, as_json: bool) -> None:
    """Say why POST did not reach HOST: resolve, WebFinger, actor, signature, inbox, policy, store.

    POST is the id of a post, as in https://alpha.test/users/alice/statuses/1; HOST is a server, as in beta.test. Exit
    status 0 if it is there, 1 if not, 2 if that could not be found out.
    """
    try:
        found = _from_file(recording, post, host) if recording is not None else _from_lab(lab_url, post, host)
    except NodeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    text = found.pop("text")
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else text)
    sys.exit(0 if found["arrived"] else 1)


def _from_file(path: Path, post: str, host: str) -> dict[str, Any]:
    explanation = explain(post, host_of_name(host), load_recording(path))
    return {**explanation.to_json(), "text": explanation.text()}


def _from_lab(url: str, post: str, host: str) -> dict[str, Any]:
    if not url.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:")):
        raise NodeError(f"{url} is no lab on this machine: give the address that `lab up` prints")
    query = urllib.parse.urlencode({"post": post, "host": host, "format": "json"})
    try:
        # A page of this machine, as checked above; no other URL gets here.
        with urllib.request.urlopen(f"{url.rstrip('/')}/why?{query}", timeout=_TIMEOUT_S) as answer:  # noqa: S310
            found = json.load(answer)
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise NodeError(
            f"no lab answers at {url} ({error}): start one with `fediverse-node lab up`, give its address with --lab,"
            " or a file with --recording"
        ) from error
    if not isinstance(found, dict) or "verdict" not in found:
        raise NodeError(f"what answers at {url} is no lab")
    return found
