"""Live worlds: the nodes of the lab on real sockets of this machine, for people, their apps and outside servers.

Lives here: the world and its nodes, the certificate authority, the wire between servers (TLS ends there, so that every
exchange is recorded and faults apply), people's own ports, the proxy through which strangers reach the world.
Does not live here: what simulated worlds do alike (connections, faults, recording, people's verbs), and the command
line. Nothing here listens on anything but loopback, and nothing leads out of the world but to attached addresses.
"""
