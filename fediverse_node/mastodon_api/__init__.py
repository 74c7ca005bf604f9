"""The Mastodon client API: what apps of individuals and teams talk to.

Lives here: routes, scopes, parameters, entities, streaming. Does not: rules (domain), SQL (storage).
Only here are Mastodon's words used: status, account, favourite, reblog.
May import: outbox, inbox, delivery, storage, transport, domain, protocol, signatures, base.
"""
