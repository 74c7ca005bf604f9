"""fediverse_node: a federated social server for people who want to talk with each other."""

__version__ = "0.1.0"
