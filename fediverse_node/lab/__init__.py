"""The lab: a whole federation on one machine, with time, faults and every exchange under control.

Lives here: worlds of many nodes, the simulated network and its clock, faults, invariants, scenarios, the inspector,
personas of other servers, recording and replay, conformance checks, and the pytest plugin.
Does not live here: anything a node needs to run. The lab gives nodes other ports (clock, randomness, network, files)
and never another behaviour.
May import: every room but cli. Nothing but cli may import it.
"""
