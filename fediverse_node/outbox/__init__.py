"""A local actor acts: through the client API, a page, or the command line.

Lives here: turning what a person wants into a decision of the domain, and its answer. Does not: HTTP,
SQL, sending (rows in `deliveries` do that).
May import: storage, transport, domain, protocol, signatures, base.
"""
