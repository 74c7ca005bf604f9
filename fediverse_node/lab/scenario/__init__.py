"""Scenarios: stories of a federation as plain files, one act a line; made by hand, or by a seed, and made smaller.

Lives here: the language, what each step does to a world, the runner, the generator of mixed worlds, the shrinker.
Does not live here: what must always hold (invariants), the world itself (the lab), commands (cli).
"""
