"""The same replay under another version: by its own interpreter, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.replay.run import Run

_INTERPRETERS = (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe")
_LINES_SHOWN = 5


def replay_elsewhere(where: Path, recording: Path, *, host: str) -> Run:
    """What the version at `where` makes of a recording: a Python in which it is installed, or a checkout of it.

    Raises NodeError when that version cannot be run, or cannot replay.
    """
    python, path = _interpreter(where)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FEDIVERSE_NODE_")}
    environment.pop("PYTHONPATH", None)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    with tempfile.TemporaryDirectory(prefix="lab-replay-") as folder:
        outcome = Path(folder) / "run"
        command = [python, "-m", "fediverse_node", "lab", "replay", str(recording.resolve()), "--host", host]
        try:
            # From a folder of its own: Python looks for modules where it is called.
            done = subprocess.run(  # noqa: S603 - the user has named the program
                [*command, "--run", str(outcome)], cwd=folder, env=environment, capture_output=True, check=False
            )
        except OSError as error:
            raise NodeError(f"{python} cannot be run: {error.strerror}") from error
        if done.returncode != 0 or not outcome.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_LINES_SHOWN:]
            raise NodeError(
                f"the version at {where} could not replay (status {done.returncode}): {' / '.join(said) or 'no word'}. "
                "It must be one that has `lab replay`"
            )
        return Run.parse(outcome.read_bytes())


def _interpreter(where: Path) -> tuple[str, Path | None]:
    """The program, and the folder in which the package is to be looked for first."""
    if where.is_file():
        # Not resolved: an environment is known by the path of its interpreter.
        return str(where.absolute()), None
    if not (where / "fediverse_node" / "__init__.py").is_file():
        raise NodeError(f"{where} is neither a Python nor a checkout: there is no fediverse_node in it")
    found = next((where / name for name in _INTERPRETERS if (where / name).is_file()), None)
    return (str(found.absolute()) if found is not None else sys.executable), where.resolve()
