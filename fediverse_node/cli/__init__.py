"""The command line: one file a command. Each works while the server runs.

May import: everything.
"""
