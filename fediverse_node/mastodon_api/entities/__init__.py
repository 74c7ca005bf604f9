"""Rows become the JSON that apps read, one file an entity.  spec: mastodon-client-api#entities

May import: mastodon_api.context, storage.queries for row types, domain, protocol, base. Never routes or aiohttp.
"""
