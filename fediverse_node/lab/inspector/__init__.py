"""The inspector: every exchange of a world as a page, live or in one file.

Lives here: the page (`page.render_html`), its server (`server.setup`), and what they show that is not in a recording as
such: the signature base, a curl command, HAR. Does not live here: sending (the world hands in a callable), recording,
and judging; what a node thought of a request is told by the node's own steps.

Everything in a recording comes from strangers. It reaches the page as compressed data and is put on it as text only.
"""
