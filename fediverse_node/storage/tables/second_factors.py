"""The second factor of people who sign in: a program that makes codes, and codes on paper for when it is lost."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from fediverse_node.storage.tables.columns import metadata, ms_column, ref_column

authenticators = Table(
    "authenticators",
    metadata,
    ref_column("user_id", "users", primary_key=True),
    Column("secret", Text, nullable=False),  # base32, as the program has it
    ms_column("created_ms"),
    ms_column("confirmed_ms", nullable=True),  # none: begun, and nothing is asked for yet
    Column("last_step", BigInteger, nullable=True),  # the half minute of the last code: no code counts twice
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    ref_column("user_id", "users", primary_key=True),
    Column("code_hash", Text, primary_key=True),
)

# Whoever has given the password, and not yet the code.
half_sign_ins = Table(
    "half_sign_ins",
    metadata,
    Column("token_hash", Text, primary_key=True),
    ref_column("user_id", "users"),
    Column("query", Text, nullable=False),  # of the authorisation that goes on afterwards
    ms_column("expires_ms"),
)
