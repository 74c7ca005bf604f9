"""What other servers and people's browsers read: documents, collections, inboxes, pages, feeds.

Lives here: routes below the root path, content negotiation, HTML templates, their style sheet, RSS and Atom.
Does not: rules (domain), SQL (storage), the client API (mastodon_api), what happens to a received activity
(inbox). Everything that shows an object asks `gate.may_show` first.
May import: inbox, outbox, delivery, storage, transport, domain, protocol, signatures, base.
"""
