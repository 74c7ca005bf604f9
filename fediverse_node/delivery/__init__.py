"""A message leaves: rows of `deliveries` become signed requests, with patience.

Lives here: queues by host, retries, what an answer means. Does not: who gets what (domain and storage/apply),
signing and sockets (transport).
May import: storage, transport, domain, protocol, signatures, base.
"""
