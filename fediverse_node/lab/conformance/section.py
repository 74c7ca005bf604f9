"""A list of checks that fills itself: each is written as a function under its question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fediverse_node.lab.conformance.case import Case, CaseCheck
from fediverse_node.lab.conformance.verdict import Check, Need, Outcome

Run = Callable[[Case], Awaitable[Outcome]]


class Section:
    """The checks of one module, in their order."""

    def __init__(self) -> None:
        self.checks: list[CaseCheck] = []

    def check(
        self,
        id_: str,
        title: str,
        *,
        why: str,
        advice: str,
        refs: tuple[str, ...] = (),
        needs: tuple[Need, ...] = (),
    ) -> Callable[[Run], Run]:
        """Add the decorated function as a check."""

        def add(run: Run) -> Run:
            self.checks.append(Check(id_, title, why, advice, run, refs, needs))
            return run

        return add
