"""What moderators and administrators do through their apps: Mastodon's admin API, one file for each resource.

Lives here: the methods under `/api/v1/admin` and `/api/v2/admin`, and the check of the role. Does not: what is done to
people (outbox/moderation_desk.py) and hosts (outbox/domain_desk.py), and the queries (storage/queries/admin_*.py).
Every act stands in the table `admin_actions`: who, what, whom, when.
"""
