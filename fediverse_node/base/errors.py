"""The one tree of exceptions: broken infrastructure and callers' mistakes, never ordinary outcomes."""

from __future__ import annotations


class NodeError(Exception):
    """Something is wrong with the server or with how it was called."""

    retryable = False


class ConfigurationError(NodeError):
    """The configuration cannot be used; the message says which key, why, and what to do."""


class StorageError(NodeError):
    """The database refused or could not be reached."""

    retryable = True
