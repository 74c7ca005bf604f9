"""Queries by what they are about; each a named statement, run by whoever needs it."""
