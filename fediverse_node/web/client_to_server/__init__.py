"""The ActivityPub client API: what a person's own clients read and write.  spec: ap#client-to-server-interactions

Here: the inbox of its owner, POST to the outbox, proxyUrl, uploadMedia; by Bearer token. What an activity does is in
`outbox/client_activities`; that the owner of a token sees what is theirs, wherever it is served, is in `web/gate.py`.
"""
