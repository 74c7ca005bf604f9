"""What a step is: a line of a scenario as a value that can be read, written and done."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, ClassVar

from fediverse_node.lab.scenario.form import Form, form
from fediverse_node.lab.scenario.slots import Reader
from fediverse_node.lab.scenario.stage import Stage


class Step:
    """One act. Subclasses are frozen dataclasses whose fields are the slots of FORM."""

    __slots__ = ()
    FORM: ClassVar[str]
    # What goes wrong by this step, for the figures; "" where nothing does, or where the world itself counts it.
    fault: ClassVar[str] = ""

    @property
    def line(self) -> str:
        """The step as it is written in a scenario."""
        values = {name: getattr(self, name) for name in _names_of(type(self))}
        return form_of(type(self)).write(values, _defaults_of(type(self)))

    async def do(self, stage: Stage) -> None:
        """Carry it out. Raises Impossible, Refused or Unknown where it cannot be done, Disappointed by what is so."""
        raise TypeError(f"{type(self).__name__} says nothing about how it is done")

    @property
    def names(self) -> str:
        """The name that this step gives to a post; "" where it gives none."""
        return str(getattr(self, "label", ""))

    @property
    def needs(self) -> str:
        """The name of the post that it is about; "" where there is none."""
        return str(getattr(self, "post", ""))


def read_step(kind: type[Step], reader: Reader) -> Step:
    """The step of this kind in a line. Raises Unreadable."""
    return kind(**form_of(kind).read(reader))


def form_of(kind: type[Step]) -> Form:
    """Its form."""
    return form(kind.FORM)


def _names_of(kind: type[Step]) -> tuple[str, ...]:
    return tuple(leaf.name for leaf in fields(kind))  # type: ignore[arg-type]  # subclasses are dataclasses


def _defaults_of(kind: type[Step]) -> dict[str, Any]:
    return {leaf.name: leaf.default for leaf in fields(kind) if leaf.default is not MISSING}  # type: ignore[arg-type]
