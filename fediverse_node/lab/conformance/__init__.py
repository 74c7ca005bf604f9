"""Examines any server of the fediverse from outside, as another server would meet it, and says what to mend.

Lives here: what is asked (`checks`), of whom and with whose permission (`target`), how (`wire`, `letters`, `stand_in`),
and the report. Knows nothing of the server that is examined but its addresses: it could be any.
Nothing but GETs is sent before somebody has said yes.
"""
