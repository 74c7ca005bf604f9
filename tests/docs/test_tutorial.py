"""The tutorial is followed to the letter: its files are written, its commands run, and what it shows is what comes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

_TUTORIAL = Path(__file__).resolve().parents[2] / "docs/tutorial/first_federation_test.md"
_FILE = re.compile(r"<!-- file: (\S+) -->\n```python\n(.*?)```", re.DOTALL)
_RUN = re.compile(r"<!-- (fails|passes): (\S+) -->\n((?:(?!<!--|\n## ).)*)", re.DOTALL)


def _shown(text: str) -> list[str]:
    """The output that the tutorial shows, which stands indented."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ") and "python -m" not in line]


@pytest.mark.timeout(120)
def test_the_tutorial_does_what_it_says(pytester: pytest.Pytester) -> None:
    text = _TUTORIAL.read_text(encoding="utf-8")
    files, runs = _FILE.findall(text), _RUN.findall(text)
    assert [name for name, _ in files] == [name for _, name, _ in runs], "each file is run"
    assert {how for how, _, _ in runs} == {"fails", "passes"}
    pytester.makeini("[pytest]\n")
    for name, source in files:
        (pytester.path / name).write_text(source, encoding="utf-8")
    for how, name, prose in runs:
        result = pytester.runpytest_subprocess(name, "-p", "no:randomly")
        outcomes = result.parseoutcomes()
        assert ("failed" in outcomes) is (how == "fails"), result.outlines
        output = "\n".join(result.outlines)
        for line in _shown(prose):
            # The plugin's own rules are as long as the terminal is wide.
            wanted = line.strip("-").strip() if line.startswith("---") else line
            assert wanted in output, f"{name}: {line}"


def test_the_tutorial_is_short() -> None:
    assert len(_TUTORIAL.read_text(encoding="utf-8").splitlines()) < 200


@pytest.mark.timeout(120)
def test_the_examples_of_the_howtos_pass(pytester: pytest.Pytester) -> None:
    found = 0
    pytester.makeini("[pytest]\n")
    for page in sorted((_TUTORIAL.parents[1] / "howto").glob("*.md")):
        blocks = [
            b for b in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL) if "test_" in b
        ]
        found += len(blocks)
        for number, block in enumerate(blocks):
            (pytester.path / f"test_{page.stem}_{number}.py").write_text(block, encoding="utf-8")
    assert found >= 2
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=found)
