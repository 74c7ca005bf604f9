"""`fediverse-node lab …`: the commands of the lab by name, each loaded only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click

# In the order of the help: the name, the module that holds it, and what the help says without loading it.
_COMMANDS = {
    "up": ("lab_up", "Start nodes that know each other, with people and a conversation."),
    "check": ("lab_check", "Examine a server as others see it, and say what to mend."),
    "why": ("lab_why", "Say why a post did not reach a server."),
    "run": ("lab_explore", "Run a scenario from a file."),
    "explore": ("lab_explore", "Run mixed worlds over many seeds, and check every invariant."),
    "replay": ("lab_replay", "Send a recording to this version, and show what differs."),
    "scrub": ("lab_replay", "Copy a recording without a word of what people said."),
}


class LazyGroup(click.Group):
    """Finds its commands in modules of this room. The lab is larger than the server: nobody else waits for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands there are."""
        return [name for name, (module, _) in _COMMANDS.items() if find_spec(_path(module)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded now."""
        module, _ = _COMMANDS.get(cmd_name, ("", ""))
        if not module or find_spec(_path(module)) is None:
            return None
        found = getattr(import_module(_path(module)), cmd_name, None)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup)
def lab() -> None:
    """A whole federation on this machine: try, test, examine and explain."""


def _path(module: str) -> str:
    return f"fediverse_node.cli.{module}"
