"""Kinds of columns, and the one catalogue that all tables are in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, MetaData, Text, false, text, true

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a column an alias of the row id only if its type is INTEGER, to the letter.
Id = BigInteger().with_variant(Integer(), "sqlite")


def id_column(name: str = "id") -> Column[int]:
    """The number of a row, given by us."""
    return Column(name, Id, primary_key=True, autoincrement=False)


def ref_column(name: str, target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """A row of another table; this one goes with it."""
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable, primary_key=primary_key)


def flag_column(name: str, *, default: bool = False) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean, nullable=False, server_default=true() if default else false())


def count_column(name: str) -> Column[int]:
    """A counter that begins at nought."""
    return Column(name, Integer, nullable=False, server_default=text("0"))


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text, empty if nothing is said."""
    return Column(name, Text, nullable=nullable, server_default=None if nullable else "")


def ms_column(name: str, *, nullable: bool = False) -> Column[int]:
    """A moment, in milliseconds since the epoch."""
    return Column(name, BigInteger, nullable=nullable)
