"""What people read about the configuration: a commented example file and the reference page.

Both are made from the fields of config.py, so they cannot tell anything else.
"""

from __future__ import annotations

import json
from itertools import groupby
from textwrap import wrap

from fediverse_node.base.config import DEFAULT_FILE, FILE_VARIABLE, PREFIX, Setting, settings


def render_example() -> str:
    """A `fediverse-node.toml` in which every setting stands as a comment with its default."""
    lines = [
        f"# {DEFAULT_FILE}: the configuration of a node. Every line is optional; remove the # to set one.",
        f"# The same settings can be given as variables, which win: {PREFIX}TITLE, {PREFIX}MEDIA__MAX_UPLOAD_BYTES.",
    ]
    for section, members in groupby(settings(), key=lambda setting: setting.section):
        lines += ["", f"[{section}]"] if section else []
        for setting in members:
            doc = f"{setting.metadata['doc']} Unit: {setting.metadata['unit']}."
            derived = setting.metadata["derived"]
            doc += f" Default: {derived}." if derived else ""
            lines += ["", *(f"# {line}" for line in wrap(doc, 100)), f"# {setting.name} = {_toml(setting.default)}"]
    return "\n".join(lines) + "\n"


def render_reference() -> str:
    """The page docs/reference/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "<!-- Made by `make docs` from fediverse_node/base/config.py; change it there. -->",
        "",
        f"Settings are read from `{DEFAULT_FILE}` in the directory where the server is started (or the file that"
        f" `{FILE_VARIABLE}` names) and from variables, which win. Everything is optional: without any configuration"
        " the server runs in development mode on this machine alone. A setting that does not exist refuses the start.",
    ]
    for section, members in groupby(settings(), key=lambda setting: setting.section):
        lines += ["", f"## [{section}]" if section else "## Top level"]
        for setting in members:
            lines += _entry(setting)
    return "\n".join(lines) + "\n"


def _entry(setting: Setting) -> list[str]:
    default = setting.metadata["derived"] or f"`{_toml(setting.default)}`"
    return [
        "",
        f"### {setting.name}",
        "",
        setting.metadata["doc"],
        "",
        f"- Variable: `{setting.variable}`",
        f"- Value: {setting.metadata['unit']}",
        f"- Default: {default}",
        f"- Since: {setting.metadata['since']}",
    ]


def _toml(value: object) -> str:
    """A default as TOML. JSON's strings, numbers and booleans are also TOML's."""
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    plain = value if isinstance(value, bool | int) else str(value)
    return json.dumps(plain, ensure_ascii=False)
