"""How a document is understood: what `fediverse-node inspect` finds out, as values, and in words.

Lives here: finding the document in what was given (`given`), what it says (`documents`, `posts`, `actors`), what this
node would make of it (`fate`), whether it is signed as it should be (`signed`, `proofs`), and the words for all that
(`words`). Does not: the network and the command line (`cli/inspect.py`), or any decision: every verdict is that of the
rooms that decide for real.
"""
