"""SQL built with SQLAlchemy Core, compiled once per engine, and run on the raw driver.

Building and compiling a query costs many times what running it does, so each query of the server is a
module constant: `BY_URI = Statement(select(...).where(objects.c.uri == bindparam("uri")))`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ClauseElement,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

_SQLITE = sqlite.dialect(paramstyle="qmark")
_POSTGRESQL = asyncpg.dialect()  # type: ignore[no-untyped-call]
_FIRST, _SECOND = "__first", "__second"
_LISTS = frozenset({list, tuple, set, frozenset})


class one_of(ColumnElement[bool]):
    """`column IN (a list given at run time)`, without making a new statement for each length."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.list_name = name


class pair_of(ColumnElement[bool]):
    """`(one, other) IN (pairs given at run time)`, for two columns of ids. A value is a list of pairs."""

    inherit_cache = False

    def __init__(self, one: ColumnElement[Any], other: ColumnElement[Any], name: str) -> None:
        self.one = one
        self.other = other
        self.list_name = name


@compiles(one_of, "sqlite")
def _one_of_sqlite(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    parameter = bindparam(element.list_name, type_=Text())
    column = compiler.process(element.column, **kw)
    return f"{column} IN (SELECT value FROM json_each({compiler.process(parameter, **kw)}))"


@compiles(one_of, "postgresql")
def _one_of_postgresql(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    parameter = bindparam(element.list_name, type_=ARRAY(_item_type(element.column.type)))
    return f"{compiler.process(element.column, **kw)} = ANY ({compiler.process(parameter, **kw)})"


@compiles(pair_of, "sqlite")
def _pair_of_sqlite(element: pair_of, compiler: SQLCompiler, **kw: Any) -> str:
    parameter = compiler.process(bindparam(element.list_name, type_=Text()), **kw)
    one, other = compiler.process(element.one, **kw), compiler.process(element.other, **kw)
    return (
        f"({one}, {other}) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') "
        f"FROM json_each({parameter}))"
    )


@compiles(pair_of, "postgresql")
def _pair_of_postgresql(element: pair_of, compiler: SQLCompiler, **kw: Any) -> str:
    ids = ARRAY(BigInteger())
    first = compiler.process(bindparam(element.list_name + _FIRST, type_=ids), **kw)
    second = compiler.process(bindparam(element.list_name + _SECOND, type_=ids), **kw)
    one, other = compiler.process(element.one, **kw), compiler.process(element.other, **kw)
    return f"({one}, {other}) IN (SELECT * FROM unnest({first}, {second}))"


def _item_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(type_, LargeBinary):
        return type_
    return Text() if isinstance(type_, Text) else BigInteger()


class Statement:
    """One query: its text for each engine, and how named parameters become positions."""

    __slots__ = ("_clauses", "_compiled")

    def __init__(self, clause: ClauseElement, *, for_postgresql: ClauseElement | None = None) -> None:
        self._clauses = (clause, clause if for_postgresql is None else for_postgresql)
        self._compiled: list[tuple[str, tuple[str, ...], dict[str, Any]] | None] = [None, None]

    def for_sqlite(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text with `?` marks and the values in their order; lists become JSON text."""
        compiled = self._compiled[0]
        if compiled is None:
            compiled = self._compiled[0] = _compile(self._clauses[0], _SQLITE)
        sql, names, fixed = compiled
        try:
            ordered = [values[n] for n in names]
        except KeyError:
            ordered = [values[n] if n in values else fixed[n] for n in names]
        for position, value in enumerate(ordered):
            if type(value) in _LISTS:
                ordered[position] = orjson.dumps(list(value)).decode()
        return sql, ordered

    def for_postgresql(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text with `$n` marks and the values in their order; pairs become two arrays."""
        compiled = self._compiled[1]
        if compiled is None:
            compiled = self._compiled[1] = _compile(self._clauses[1], _POSTGRESQL)
        sql, names, fixed = compiled
        return sql, [_postgresql_value(n, values, fixed) for n in names]


def _postgresql_value(name: str, values: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    if name in values:
        value = values[name]
        return list(value) if isinstance(value, set | frozenset | tuple) else value
    if name.endswith(_FIRST):
        return [one for one, _ in values[name.removesuffix(_FIRST)]]
    if name.endswith(_SECOND):
        return [other for _, other in values[name.removesuffix(_SECOND)]]
    return fixed[name]


def _compile(clause: ClauseElement, dialect: Any) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    given_later: set[str] = set()

    def note(parameter: BindParameter[Any]) -> None:
        # Constant lists (`in_(["a", "b"])`) are written out now, and that asks for all values at once.
        if parameter.required:
            given_later.add(parameter.key)
            parameter.required = False

    visitors.traverse(clause, {}, {"bindparam": note})
    try:
        compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    finally:
        visitors.traverse(clause, {}, {"bindparam": lambda p: _restore(p, given_later)})
    if not isinstance(compiled, SQLCompiler):
        raise TypeError(f"{clause!r} is not a query")
    required = given_later | {name for name, bind in compiled.binds.items() if bind.required}
    names = tuple(compiled.positiontup or ())
    values = compiled.construct_params(_check=False)
    fixed = {name: values[name] for name in names if name not in required}
    return compiled.string, names, fixed


def _restore(parameter: BindParameter[Any], given_later: set[str]) -> None:
    if parameter.key in given_later:
        parameter.required = True


def upsert(
    table: Table,
    names: Sequence[str],
    key: Sequence[str],
    changes: Mapping[str, Any] | None = None,
    *,
    where_newer: str | None = None,
) -> Statement:
    """INSERT of these columns that, where the key is there, sets `changes` (default: all other columns).

    In `changes` a string value names the inserted column to take; anything else is an SQL expression.
    `where_newer`: a number that has to be larger than the stored one, which may be missing, to change anything.
    """
    statements: list[ClauseElement] = []
    for dialect_insert in (sqlite.insert, postgresql.insert):
        insert = dialect_insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names})
        chosen = changes if changes is not None else {name: name for name in names if name not in key}
        set_ = {c: insert.excluded[v] if isinstance(v, str) else v for c, v in chosen.items()}
        newer = None
        if where_newer is not None:
            newer = func.coalesce(table.c[where_newer], 0) < insert.excluded[where_newer]
        statements.append(insert.on_conflict_do_update(index_elements=list(key), set_=set_, where=newer))
    return Statement(statements[0], for_postgresql=statements[1])


@functools.cache
def on_conflict(table: Table) -> str:
    """What an INSERT says about rows that are there already: which key makes two rows the same thing.

    Never the number alone where there is another key: a number that happens to be taken must fail, and be
    drawn again, and not silently lose the row. Where numbers are all there is, a second row is a mistake.
    """
    if table.name == "objects":
        # Two keys besides the number; storage/apply/objects.py looks itself which one it was.
        return "ON CONFLICT DO NOTHING"
    if table.name == "notifications":
        # The index says what happens once; whatever is outside of it happens each time.
        return (
            "ON CONFLICT (actor_id, type, from_actor_id, coalesce(object_id, 0)) "
            "WHERE type <> 'report' AND type <> 'update' AND type <> 'moderation_warning' "
            "AND type <> 'added_to_collection' AND type <> 'collection_update' DO NOTHING"
        )
    numbered = [column.name for column in table.primary_key.columns] == ["id"]
    unique = [
        constraint
        for constraint in sorted(table.constraints, key=lambda found: str(found.name))
        if isinstance(constraint, UniqueConstraint)
    ]
    if numbered and unique:
        return f"ON CONFLICT ({', '.join(column.name for column in unique[0].columns)}) DO NOTHING"
    if numbered and table.name != "reports":
        return ""
    return f"ON CONFLICT ({', '.join(column.name for column in table.primary_key.columns)}) DO NOTHING"
