"""Replays a recording: what other servers said is said again to a fresh node, on a clock that shows the same moments.

Lives here: what is to be replayed (`plan`), the node and its surroundings (`node`, `door`, `wires`, `answers`), what
its people did (`acts`), who was known before (`seed`), signing anew (`resign`), the run itself (`run`, `against`), and
what differs (`sides`, `compare`, `report`).
Does not live here: recording (`lab/recorder/`), and worlds in which something new happens (`lab/world.py`).
"""
