"""What can go wrong with a transaction, sorted by what helps. Nothing of it was done in any of these cases."""

from __future__ import annotations

from fediverse_node.base.errors import StorageError


class Outpaced(StorageError):
    """What a unit was built on changed meanwhile, or a number it drew is taken: run it again from its start."""


class Unavailable(StorageError):
    """The database went away or chose this transaction as the one to give way: the same may work in a moment."""
