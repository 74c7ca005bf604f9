"""The databases that storage tests are given."""

from __future__ import annotations

import sqlite3

import asyncpg

from tests.postgres import PostgresServer


async def test_each_test_gets_an_empty_database_that_works(database_url: str) -> None:
    # Both parametrizations create the same table, so a database that had been used before would refuse.
    if database_url.startswith("sqlite:///"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as lite:
            lite.execute("CREATE TABLE t (n INTEGER)")
        lite.close()
        return
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE TABLE t (n INTEGER)")
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    finally:
        await connection.close()


async def test_a_database_can_be_made_from_a_prepared_one(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    connection = await asyncpg.connect(template)
    await connection.execute("CREATE TABLE prepared AS SELECT 7 AS n")
    await connection.close()

    copy = postgres_server.create_database(template=template.rpartition("/")[2])
    connection = await asyncpg.connect(copy)
    try:
        assert await connection.fetchval("SELECT n FROM prepared") == 7
    finally:
        await connection.close()
        postgres_server.drop_database(copy)
        postgres_server.drop_database(template)
