"""`fediverse-node lab replay` and `lab scrub`: recordings replayed, and made fit to give away. Thin: see the lab."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fediverse_node import __version__
from fediverse_node.base.errors import NodeError
from fediverse_node.lab.recording import load_recording
from fediverse_node.lab.replay.against import replay_elsewhere
from fediverse_node.lab.replay.compare import Report, compare, recorded_side, replayed_side
from fediverse_node.lab.replay.plan import plan_of
from fediverse_node.lab.replay.report import render_html, render_json, render_text
from fediverse_node.lab.replay.run import replay as run_replay
from fediverse_node.lab.scrub.scrubber import scrub_file

_READ = click.Path(exists=True, dir_okay=False, path_type=Path)
_WRITTEN = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("file", type=_READ)
@click.option("--host", help="Whose part to replay, where the recording is of several servers.")
@click.option("--html", "html_path", type=_WRITTEN, help="Write the report as one HTML file.")
@click.option("--json", "json_path", type=_WRITTEN, help="Write the report as JSON.")
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    metavar="PYTHON|CHECKOUT",
    help="Compare with another version's replay in place of the recording: its Python, or a checkout of it.",
)
@click.option(
    "--run", "run_path", type=_WRITTEN, hidden=True, help="Write what came of the replay, and compare nothing."
)
def replay(
    file: Path,
    *,
    host: str | None,
    html_path: Path | None,
    json_path: Path | None,
    against: Path | None,
    run_path: Path | None,
) -> None:
    """Say to a fresh node of this version what FILE recorded, and show what differs.

    FILE comes from `serve --record` or from a world of the lab. Ends with 0 if nothing differs, with 1 if something
    does, and with 2 if it cannot be replayed.
    """
    try:
        if run_path is not None:
            run_path.write_bytes(run_replay(plan_of(load_recording(file), host=host)).dump())
            return
        report = _report(file, host, against)
        if html_path is not None:
            html_path.write_text(render_html(report), "utf-8")
        if json_path is not None:
            json_path.write_bytes(render_json(report))
    except (NodeError, OSError) as error:
        click.echo(f"fediverse-node: {error}", err=True)
        sys.exit(2)
    for line in render_text(report):
        click.echo(line)
    sys.exit(0 if report.is_same else 1)


@click.command()
@click.argument("source", metavar="IN", type=_READ)
@click.argument("target", metavar="OUT", type=_WRITTEN)
@click.option("--hosts", is_flag=True, help="Replace the names of servers too.")
def scrub(source: Path, target: Path, *, hosts: bool) -> None:
    """Copy the recording IN to OUT with all texts, names, addresses of people and keys replaced.

    What was the same stays the same, so it can still be read and replayed. The replacement cannot be turned back.
    """
    try:
        count = scrub_file(source, target, hosts=hosts)
    except NodeError as error:
        click.echo(f"fediverse-node: {error}", err=True)
        sys.exit(2)
    click.echo(
        f"{target} holds {count} exchanges without a word of what was said. Look into it before you give it away."
    )


def _report(file: Path, host: str | None, against: Path | None) -> Report:
    plan = plan_of(load_recording(file), host=host)
    run = run_replay(plan)
    after = replayed_side(run, f"this version ({__version__})")
    if against is None:
        return compare(recorded_side(plan), after, plan, notes=run.not_repeated, left_out=run.left_out)
    other = replay_elsewhere(against, file, host=plan.host)
    before = replayed_side(other, f"{against} ({other.version})")
    notes = dict.fromkeys((*other.not_repeated, *run.not_repeated))
    return compare(before, after, plan, notes=notes, left_out=(*other.left_out, *run.left_out))
