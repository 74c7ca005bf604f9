"""The rules: what follows from an activity, who may do what, who sees what. Pure; no I/O, no `async`.

Lives here: records, facts, effects, one file per activity with both directions together. Does not: SQL,
HTTP, HTML of the client API.
May import: protocol, signatures, base.
"""
