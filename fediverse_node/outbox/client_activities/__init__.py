"""Activities that a person's own ActivityPub client puts into their outbox.  spec: ap#client-to-server-interactions

`desk.py` takes one in: read (`reading.py`), whom it is for (`addressing.py`), done (`saying.py`, `relating.py`,
`profile.py`). Everything is done through `outbox/submit.py`, as for every other client: what may be done is decided
there, and nowhere here. Not here: HTTP, tokens.
"""
