"""`fediverse-node inspect`: how a document, a captured message or the answer of a server is understood here.

Files are read without asking anybody, but for keys that are nowhere at hand: not in the file, not in those beside it,
not in those named with --keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
import orjson

from fediverse_node.base.clock import SystemClock
from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail
from fediverse_node.cli.inspecting.asking import Asker, advice_on
from fediverse_node.cli.inspecting.given import Given, load_given
from fediverse_node.cli.inspecting.keys import KeysAtHand
from fediverse_node.cli.inspecting.run import inspect_given
from fediverse_node.cli.inspecting.words import Inspected, to_json, to_lines
from fediverse_node.transport.jsonld_worker import JsonLdWorker

GOOD, REFUSED, NOTHING = 0, 1, 2

_FILES_BESIDE = 2_000
_SIZE_BESIDE_BYTES = 200_000


async def inspect(config: Config, what: str, *, as_json: bool, keys: tuple[Path, ...], offline: bool) -> int:
    """Inspect a file or an address and print it. The exit status: 0 all is well, 1 refused, 2 nothing to inspect."""
    asker, processor = Asker(config, offline=offline), JsonLdWorker()
    try:
        given = await _given(what, asker)
        if isinstance(given, str):
            click.echo(f"fediverse-node: {given}", err=True)
            return NOTHING
        at_hand = KeysAtHand()
        at_hand.add(given)
        at_hand.add(_at_hand(what, keys))
        now = SystemClock().now()
        items = []
        for each in given:
            found = await inspect_given(each, processor=processor, at_hand=at_hand, ask_key=asker.key, now=now)
            items.append(found)
            if not as_json:
                _print(found, is_first=len(items) == 1)
    finally:
        await processor.close()
        await asker.close()
    if as_json:
        click.echo(orjson.dumps(to_json(tuple(items)), option=orjson.OPT_INDENT_2).decode())
    return GOOD if all(item.is_good for item in items) else REFUSED


async def _given(what: str, asker: Asker) -> tuple[Given, ...] | str:
    """What is to be inspected, or in a sentence why there is nothing, and what to do."""
    if what.lower().startswith(("https://", "http://")):
        found = await asker.document(what)
        if isinstance(found, Given):
            return (found,)
        return " ".join(part for part in (f"{what} cannot be inspected: {found}.", advice_on(found)) if part)
    given = load_given(Path(what))
    return f"{what} cannot be inspected: {given}." if isinstance(given, Fail) else given


def _at_hand(what: str, keys: Iterable[Path]) -> Iterable[Given]:
    """The documents in which keys are looked for: those named, then those beside the file."""
    for path in keys:
        for file in sorted(path.glob("**/*.json")) if path.is_dir() else (path,):
            found = load_given(file)
            yield from () if isinstance(found, Fail) else found
    folder = Path(what).parent
    if what.lower().startswith(("https://", "http://")) or not folder.is_dir():
        return
    for file in sorted(folder.glob("*.json"))[:_FILES_BESIDE]:
        if file.stat().st_size > _SIZE_BESIDE_BYTES or b"ublicKey" not in file.read_bytes():
            continue
        found = load_given(file)
        yield from () if isinstance(found, Fail) else found


def _print(item: Inspected, *, is_first: bool) -> None:
    if not is_first:
        click.echo()
    for line in to_lines(item):
        click.echo(line)
