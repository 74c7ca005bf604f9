"""Whole conversations: what belongs to a thread is looked for up (`inReplyTo`), down (`replies`) and sideways.

Sideways are the collections that posts name: `context` (FEP-7888, FEP-f228), or else `contextHistory`. A collection is
only a hint. Each post is fetched from its own origin, and belongs to the thread because of what it says itself that it
answers. All fetches are those of the server's own actor, and only what is for everybody is kept: so nobody sees by a
walk what somebody else was allowed to see.

`walker.py` decides which thread is walked when; `walk.py` is one walk; `picture.py` what it knows; `manners.py` keeps
it from being a burden to others; `readers.py` is for those who read a thread and would like to know of more.
"""
