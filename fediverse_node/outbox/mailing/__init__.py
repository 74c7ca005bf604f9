"""Letters to the people of this server, and the links in them.

Lives here: what letters say, the queue, what links are good for. Does not: SMTP (transport), pages (mastodon_api).
"""
