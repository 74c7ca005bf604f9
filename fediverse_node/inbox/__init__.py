"""A message arrives: received, verified, gathered, decided, committed.

Lives here: the order of these steps, time limits and retries. Does not: rules (domain), SQL (storage),
sockets (web and transport).
May import: storage, transport, domain, protocol, signatures, base.

The way of a message: `receive.py` -> `verify.py` -> `understand.py` -> `gather.py` -> the rule of its type in
`domain/activities` -> `storage/writer.py`. What needs the network first is kept in `inbox_staging` and finished
by `staging.py`, also after a crash. What this server looks at of its own accord is in `looking/`, the rest of a thread
in `walking/`.
"""
