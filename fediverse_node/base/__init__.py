"""The only room everybody may import: clock, ids, outcomes, errors, configuration, log.

Lives here: values and ports without I/O. Does not: anything that knows ActivityPub, SQL or HTTP.
May import: the standard library only.
"""
