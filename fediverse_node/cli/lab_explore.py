"""`lab explore` and `lab run`: mixed worlds of many seeds, and scenarios from files, with every invariant checked."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.explore import Broke, Findings, Plan, Played, annotated, explore_plan, play, shrink, step_of
from fediverse_node.lab.inspector.page import render_html
from fediverse_node.lab.scenario.language import load_scenario
from fediverse_node.lab.scenario.running import Outcome

_DATABASE_HELP = "sqlite, or postgresql://user@host/name of a server on which databases may be made."


@click.command()
@click.option("--seeds", default=200, show_default=True, type=click.IntRange(1), help="How many worlds.")
@click.option("--nodes", default=8, show_default=True, type=click.IntRange(1, 48), help="How many nodes in each.")
@click.option("--first-seed", default=1, show_default=True, type=click.IntRange(0), help="The seed of the first.")
@click.option("--jobs", default=None, type=click.IntRange(1), help="Worlds at a time; as many as cores if not said.")
@click.option("--database", default="sqlite", show_default=True, help=_DATABASE_HELP)
@click.option(
    "--out",
    default=Path("lab-broken"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where scenarios and exchanges of broken seeds go.",
)
@click.option("--shrink-seconds", default=120.0, show_default=True, help="The longest time to make one smaller.")
def explore(
    seeds: int, nodes: int, first_seed: int, jobs: int | None, database: str, out: Path, shrink_seconds: float
) -> None:
    """Play mixed worlds of many seeds: everything people do, while everything goes wrong.

    Every invariant is checked after each step, and once more when a world is whole and quiet. A seed that breaks one
    leaves its scenario, the smallest scenario that still breaks it, and the exchanges of that. Exit status 0 only if
    every invariant held; the figures are on the last line.
    """
    plan = Plan(
        seeds=tuple(range(first_seed, first_seed + seeds)),
        nodes=nodes,
        jobs=jobs or os.cpu_count() or 1,
        database=database,
        out=out,
        shrink_s=shrink_seconds,
    )
    try:
        findings = explore_plan(plan, lambda findings, played: _tell(plan, findings, played))
    except NodeError as error:
        _fail(error)
    _progress("")
    click.echo(findings.line)
    if findings.broken:
        sys.exit(1)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Write the exchanges into this file.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the exchanges as a page.")
@click.option("--shrink", "small", type=click.Path(dir_okay=False, path_type=Path), help="If it breaks: the smallest.")
@click.option("--database", default="sqlite", show_default=True, help=_DATABASE_HELP)
@click.option("-v", "--verbose", is_flag=True, help="Tell of each step.")
def run(
    files: tuple[Path, ...], record: Path | None, html: Path | None, small: Path | None, database: str, verbose: bool
) -> None:
    """Play scenarios from FILES; what must always hold is checked after each step.

    Exit status 0 only if all that is expected is so and every invariant held. With several files, --record, --html and
    --shrink are about the last that broke something, or else the last.
    """
    outcomes = []
    try:
        for file in files:
            outcome = play(load_scenario(file), database=database, limit_s=None)
            _report(file, outcome, verbose=verbose)
            outcomes.append(outcome)
        shown = next((outcome for outcome in reversed(outcomes) if outcome.breakage), outcomes[-1])
        if small is not None and shown.breakage is not None:
            shown = shrink(shown, database=database)
            small.write_text(annotated(shown), encoding="utf-8")
            click.echo(
                f"The smallest scenario that breaks in the same way has {len(shown.scenario.steps)} steps: {small}"
            )
        if record is not None:
            shown.recording.save(record)
        if html is not None:
            html.write_text(render_html(shown.recording), encoding="utf-8")
    except (NodeError, OSError) as error:
        _fail(error)
    if any(outcome.breakage for outcome in outcomes):
        sys.exit(1)


def _report(file: Path, outcome: Outcome, *, verbose: bool) -> None:
    for played in outcome.trace:
        if played.why_not:
            click.echo(f"{played.at_s:>12.3f} s  {played.line}\n{'':>16}not done: {played.why_not}")
        elif verbose:
            click.echo(f"{played.at_s:>12.3f} s  {played.line}")
    if outcome.breakage is None:
        figures = outcome.figures
        click.echo(f"{file}: all of it held ({figures.steps} steps, {figures.exchanges} exchanges)")
        return
    click.echo(f"{file}: broken in step {outcome.breakage.step}: {step_of(outcome)}")
    for line in outcome.breakage.sentence.splitlines():
        click.echo(f"  {line}")


def _tell(plan: Plan, findings: Findings, played: Played) -> None:
    _progress("")
    if played.broke is not None:
        _tell_broken(plan, played.broke)
    left = len(plan.seeds) - findings.seeds
    _progress(
        f"{findings.seeds} of {len(plan.seeds)} seeds, {len(findings.broken)} broken, "
        f"{findings.figures.exchanges} exchanges, {left / max(findings.seeds / findings.seconds, 0.001):.0f} s left"
    )


def _tell_broken(plan: Plan, broke: Broke) -> None:
    click.echo(f"seed {broke.seed} broke {broke.breakage.kind}")
    for line in broke.breakage.sentence.splitlines():
        click.echo(f"  {line}")
    whole, least, record, page = broke.files
    click.echo(f"  its smallest scenario has {broke.steps} steps: fediverse-node lab run {least}")
    click.echo(f"  the whole scenario is in {whole}, the exchanges of the smallest in {record} and {page}")


def _progress(text: str) -> None:
    """A line that is written over by the next; only where somebody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def _fail(error: Exception) -> NoReturn:
    _progress("")
    click.echo(f"fediverse-node: {error}", err=True)
    sys.exit(2)
