"""The settings in force and where each could be changed."""

from __future__ import annotations

import click

from fediverse_node.base.config import Config, settings


def show(config: Config) -> None:
    """One line a setting: variable and value. Secrets are not shown."""
    for setting in settings():
        holder = getattr(config, setting.section) if setting.section else config
        value = getattr(holder, setting.name)
        shown = "(not shown)" if setting.metadata.get("secret") and value else value
        click.echo(f"{setting.variable}={shown}")
